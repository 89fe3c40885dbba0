//! What k3s answers on 127.0.0.1 without credentials.

use coord_model::{Reading, Unknown, ValueState, section::K3sRole};
use serde::Deserialize;

use super::is_server;
use crate::host::{Host, TlsAnswer};

/// The kubelet's own address with TLS; it shows its serving certificate before it asks who calls.
pub(super) const KUBELET: &str = "127.0.0.1:10250";
/// The kubelet's health check (kubelet --healthz-port).
const KUBELET_HEALTH: &str = "127.0.0.1:10248";
/// The API server of a server.
const SERVER: &str = "127.0.0.1:6443";
/// The load balancer to the API servers of an agent.
const BALANCER: &str = "127.0.0.1:6444";
/// etcd's metrics and health without TLS, as k3s sets it up.
const ETCD: &str = "127.0.0.1:2381";

/// What the Kubernetes API, or the way to it, answered.
pub(super) struct Api {
    /// Whom was asked.
    pub(super) address: &'static str,
    /// Whether any HTTP answer came; 401 counts, since k3s lets nobody in without credentials.
    pub(super) reachable: Reading<bool>,
    /// What came instead, or the status.
    pub(super) detail: Reading<String>,
    /// Seconds that the shown certificate is still good for.
    pub(super) certificate: Reading<f64>,
}

/// Everything that was asked, each question once.
pub(super) struct Answers {
    /// Whether the kubelet says `ok`. It does so also when the API is away, so this is about the kubelet alone.
    pub(super) kubelet_healthy: Reading<bool>,
    /// Seconds that the kubelet's serving certificate is still good for.
    pub(super) kubelet_certificate: Reading<f64>,
    /// The API, or the way to it.
    pub(super) api: Api,
    /// Whether the embedded etcd says that it is healthy; absent where none listens.
    pub(super) etcd_ready: Reading<bool>,
    /// Sample lines of its metrics.
    pub(super) etcd_metrics: Reading<Vec<String>>,
}

/// Asks a server its own API and etcd, an agent its load balancer, and both their kubelet.
///
/// All at the same time: a k3s that hangs takes each question to its deadline, and one after the other they would
/// take the whole section with them just when it matters.
pub(super) fn ask(host: &Host, role: K3sRole) -> Answers {
    let address = if is_server(role) { SERVER } else { BALANCER };
    std::thread::scope(|scope| {
        let kubelet = scope.spawn(|| kubelet_healthy(host));
        let certificate = scope.spawn(|| host.https_answer(KUBELET));
        let etcd = scope.spawn(|| if is_server(role) { etcd_ready(host) } else { Err(no_etcd()) });
        let metrics = scope.spawn(|| if is_server(role) { host.metrics(ETCD) } else { Err(no_etcd()) });
        let answer = host.https_answer(address);
        let (reachable, detail) = judge(address, &answer);
        let left = |answer: Reading<TlsAnswer>| answer.map(|answer| answer.certificate_seconds_left);
        Answers {
            kubelet_healthy: joined(kubelet),
            kubelet_certificate: left(joined(certificate)),
            api: Api { address, reachable, detail, certificate: left(answer) },
            etcd_ready: joined(etcd),
            etcd_metrics: joined(metrics),
        }
    })
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, Reading<T>>) -> Reading<T> {
    thread.join().unwrap_or_else(|_| Err(Unknown::error("the question was broken off")))
}

/// Why an agent's etcd is not asked.
fn no_etcd() -> Unknown {
    Unknown::not_applicable("an agent has no etcd")
}

/// No answer is an answer too: the API cannot be reached. Only a failure of the question itself is unknown; what goes
/// wrong on the way, such as a load balancer that hangs up because all servers are away, names the address first.
fn judge(address: &str, answer: &Reading<TlsAnswer>) -> (Reading<bool>, Reading<String>) {
    match answer {
        Ok(TlsAnswer { status: Some(status), .. }) => (Ok(true), Ok(format!("HTTP {status} from {address}"))),
        Ok(TlsAnswer { status: None, .. }) => (Ok(false), Ok(format!("{address} speaks TLS and answers nothing"))),
        Err(reason) if is_silence(reason) || reason.message.starts_with(address) => {
            (Ok(false), Ok(reason.message.clone()))
        }
        Err(reason) => (Err(reason.clone()), Err(reason.clone())),
    }
}

/// Whether nobody answered, as opposed to a question that could not be put.
fn is_silence(reason: &Unknown) -> bool {
    match reason.state {
        ValueState::Absent | ValueState::Timeout => true,
        ValueState::Denied
        | ValueState::Asleep
        | ValueState::NotApplicable
        | ValueState::Error
        | ValueState::NotImplemented
        | ValueState::Unrecognised(_) => false,
    }
}

fn kubelet_healthy(host: &Host) -> Reading<bool> {
    match host.http_get(KUBELET_HEALTH, "/healthz") {
        Ok(answer) => Ok(answer.status == 200 && answer.body.trim() == "ok"),
        Err(reason) if is_silence(&reason) => Ok(false),
        Err(reason) => Err(reason),
    }
}

fn etcd_ready(host: &Host) -> Reading<bool> {
    let answer = host.http_get(ETCD, "/health").map_err(|reason| match reason.state {
        ValueState::Absent => Unknown::absent("no etcd answers on the loopback"),
        ValueState::Denied
        | ValueState::Timeout
        | ValueState::Asleep
        | ValueState::NotApplicable
        | ValueState::Error
        | ValueState::NotImplemented
        | ValueState::Unrecognised(_) => reason,
    })?;
    parse_health(&answer.body)
}

/// `{"health":"true","reason":""}`, as etcd answers with 200 and with 503.
fn parse_health(body: &str) -> Reading<bool> {
    #[derive(Deserialize)]
    struct Health {
        health: String,
    }
    let health: Health = serde_json::from_str(body).map_err(|_| Unknown::error("etcd's /health makes no sense"))?;
    Ok(health.health == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: Option<u16>) -> Reading<TlsAnswer> {
        Ok(TlsAnswer { status, certificate_seconds_left: 1.0 })
    }

    #[test]
    fn refused_credentials_prove_that_the_api_is_there() {
        assert_eq!(judge(SERVER, &answer(Some(401))).0, Ok(true));
        assert_eq!(judge(SERVER, &answer(None)).0, Ok(false));
    }

    #[test]
    fn silence_is_an_answer_and_an_error_is_not() {
        assert_eq!(judge(SERVER, &Err(Unknown::absent("refused"))).0, Ok(false));
        assert_eq!(judge(SERVER, &Err(Unknown::new(ValueState::Timeout, "no answer"))).1, Ok("no answer".into()));
        assert!(judge(SERVER, &Err(Unknown::error("no recorded answer"))).0.is_err());
        let hung_up = Unknown::error("127.0.0.1:6444: tls handshake eof");
        assert_eq!(judge(BALANCER, &Err(hung_up)).0, Ok(false));
    }

    #[test]
    fn etcd_health_is_text_and_may_be_broken() {
        assert_eq!(parse_health(r#"{"health":"true","reason":""}"#), Ok(true));
        assert_eq!(parse_health(r#"{"health":"false","reason":"NO LEADER"}"#), Ok(false));
        for body in ["", "{", "404 page not found", r#"{"health":true}"#] {
            assert!(parse_health(body).is_err(), "{body:?}");
        }
    }
}
