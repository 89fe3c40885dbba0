//! What the cluster answered instead of doing as asked, in words and with what follows from it.

use std::{error::Error, fmt, io, time::Duration};

use kube::core::Status;
use rustls::{AlertDescription, CertificateError};

/// A right of the coordinator in Kubernetes: what RBAC must say for one kind of request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Right {
    /// API group; empty for the core.
    pub(super) group: &'static str,
    /// Resource, plural.
    pub(super) resource: &'static str,
    /// Verb.
    pub(super) verb: &'static str,
}

impl Right {
    /// Whether a request that needs it changes something.
    fn writes(self) -> bool {
        !matches!(self.verb, "get" | "list" | "watch")
    }
}

/// As a rule of a Role.
impl fmt::Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, resource, verb } = self;
        write!(formatter, r#"{{apiGroups: ["{group}"], resources: ["{resource}"], verbs: ["{verb}"]}}"#)
    }
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The object changed or went since it was read: look again and decide again.
    Moved,
    /// There is no such thing.
    Missing,
    /// RBAC lacks a rule.
    Denied,
    /// The cluster understood and said no: admission, or an object that is not valid.
    Refused,
    /// Too many requests; the time that it asks for.
    Busy(Option<Duration>),
    /// No useful answer: it is down, slow, broken, or does not know who is asking.
    Away,
}

/// A request without the answer that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// What follows.
    pub(super) kind: Kind,
    /// One sentence.
    pub(super) why: String,
    /// What to type or change.
    pub(super) hint: Option<String>,
    /// It was a write whose answer was lost: it may have been carried out all the same.
    pub(super) sent: bool,
}

impl Failure {
    /// No useful answer, and why.
    pub(super) fn away(why: impl Into<String>, hint: Option<&str>) -> Self {
        Self { kind: Kind::Away, why: why.into(), hint: hint.map(str::to_owned), sent: false }
    }

    /// The object changed or went, in words.
    pub(super) fn moved(why: impl Into<String>) -> Self {
        Self { kind: Kind::Moved, why: why.into(), hint: None, sent: false }
    }

    /// The answer to a request that needs `right` came too late.
    pub(super) fn late(server: &str, limit: Duration, right: Right) -> Self {
        let why = format!("the API server at {server} did not answer within {} s", limit.as_secs());
        Self { sent: right.writes(), ..Self::away(why, None) }
    }

    /// What `error` means for a request that needs `right`.
    pub(super) fn of(error: &kube::Error, server: &str, right: Right) -> Self {
        match error {
            kube::Error::Api(status) => Self::answered(status, server, right),
            // Even a refused connection counts as sent: which part of the way failed is not told reliably.
            other => Self { sent: right.writes(), ..Self::unanswered(other, server) },
        }
    }

    /// An answer with a status.
    pub(super) fn answered(status: &Status, server: &str, right: Right) -> Self {
        let said = short(&status.message);
        let plain = |kind| Self { kind, why: said.clone(), hint: None, sent: false };
        match status.code {
            401 => {
                Self::away(format!("the API server at {server} does not accept the coordinator's credential"), RENEW)
            }
            403 if by_admission(&status.message) => Self { hint: ADMISSION.map(str::to_owned), ..plain(Kind::Refused) },
            403 => Self::denied(right),
            404 => plain(Kind::Missing),
            409 | 410 => plain(Kind::Moved),
            422 if by_admission(&status.message) => Self { hint: ADMISSION.map(str::to_owned), ..plain(Kind::Refused) },
            400 | 405 | 406 | 413 | 415 | 422 => plain(Kind::Refused),
            429 => plain(Kind::Busy(retry_after(status))),
            code => {
                let why = format!("the API server at {server} answered {code}: {said}");
                Self { sent: right.writes(), ..Self::away(why, None) }
            }
        }
    }

    fn denied(right: Right) -> Self {
        let why = format!("RBAC does not let the coordinator {} {}", right.verb, right.resource);
        let hint = format!("add the rule {right} to the coordinator's role");
        Self { kind: Kind::Denied, why, hint: Some(hint), sent: false }
    }

    fn unanswered(error: &(dyn Error + 'static), server: &str) -> Self {
        let (predicate, hint) = cause(error);
        Self::away(format!("the API server at {server} {predicate}"), hint)
    }
}

const RENEW: Option<&str> = Some(
    "its certificate or token may have run out: give the coordinator a kubeconfig that works with `kubectl get nodes`",
);

const ADMISSION: Option<&str> =
    Some("if it is the coordinator's own policy, render it again: coordctl render kubernetes | kubectl apply -f -");

/// Whether an admission policy or webhook said no, not RBAC.
fn by_admission(message: &str) -> bool {
    message.contains("denied the request") || message.contains("denied request")
}

fn retry_after(status: &Status) -> Option<Duration> {
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// The first line, bounded: an answer may be a whole page of a proxy.
fn short(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// Why there was no answer, as the end of a sentence about the API server.
fn cause(error: &(dyn Error + 'static)) -> (String, Option<&'static str>) {
    let mut next = Some(error);
    let mut deepest = error;
    while let Some(current) = next {
        if let Some(found) = known(current) {
            return found;
        }
        deepest = current;
        next = current.source();
    }
    (format!("cannot be used: {}", short(&deepest.to_string())), None)
}

fn known(error: &(dyn Error + 'static)) -> Option<(String, Option<&'static str>)> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return tls(error);
    }
    let error = error.downcast_ref::<io::Error>()?;
    if let Some(inside) = error.get_ref() {
        return cause_inside(inside);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Some(("refuses the connection".to_owned(), Some("is it running? `systemctl status k3s` on a server")))
        }
        io::ErrorKind::TimedOut => Some(("does not answer".to_owned(), None)),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some(("cannot be reached over the network".to_owned(), None))
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
            Some(("closed the connection".to_owned(), None))
        }
        _ => None,
    }
}

/// An error that travels inside an I/O error is not its source.
fn cause_inside(inside: &(dyn Error + Send + Sync + 'static)) -> Option<(String, Option<&'static str>)> {
    let mut next: Option<&(dyn Error + 'static)> = Some(inside);
    while let Some(current) = next {
        if let Some(found) = known(current) {
            return Some(found);
        }
        next = current.source();
    }
    (inside.to_string().contains("timed out") || inside.to_string().contains("deadline"))
        .then(|| ("does not answer".to_owned(), None))
}

fn tls(error: &rustls::Error) -> Option<(String, Option<&'static str>)> {
    let (text, hint) = match error {
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            ("has an expired certificate", "k3s renews it when it starts: `systemctl restart k3s`; is the clock right?")
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => ("has a certificate that is not valid yet", "compare the clocks of both machines"),
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => (
            "has a certificate of another authority than the kubeconfig names",
            "it is another cluster, or one that was made again: copy its kubeconfig",
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => (
            "has a certificate that is not for this name",
            "add the name to `tls-san` of k3s, or name another address in the kubeconfig",
        ),
        rustls::Error::AlertReceived(AlertDescription::CertificateExpired) => {
            ("says that the client certificate has expired", "copy a kubeconfig that works with `kubectl get nodes`")
        }
        _ => return None,
    };
    Some((text.to_owned(), Some(hint)))
}

#[cfg(test)]
mod tests;
