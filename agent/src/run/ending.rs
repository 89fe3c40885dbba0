//! What comes after a session, by how it ended.

use coord_model::EndReason;
use coord_proto::{client::ClientError, refused::REVOKED};
use tonic::{Code, Status};

use crate::session::Ended;

/// What comes after a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Open another after a wait.
    Later,
    /// The session made room for a new certificate.
    Renew,
    /// The certificate is not taken any more.
    Rejoin,
    /// The identity was revoked: only a person can help.
    Revoked,
    /// End.
    Stop,
}

/// After a connect that failed: a certificate that ran out shows as a TLS alert.
pub(super) fn not_connected(error: &ClientError) -> Next {
    let text = chain(error);
    tracing::warn!(error = text, "cannot reach a coordinator");
    if certificate_refused(&text) { Next::Rejoin } else { Next::Later }
}

/// After a session.
pub(super) fn after(ended: &Ended) -> Next {
    match ended {
        Ended::Stopped => Next::Stop,
        Ended::Renewal => Next::Renew,
        Ended::Silence => {
            tracing::warn!("the coordinator has not answered for three intervals");
            Next::Later
        }
        Ended::OldEpoch(epoch) => {
            tracing::error!(epoch, "this coordinator was replaced by a restored one; it is not obeyed");
            Next::Later
        }
        Ended::Told(EndReason::CertificateExpired, _) => Next::Rejoin,
        Ended::Told(EndReason::Revoked, _) => Next::Revoked,
        Ended::Told(reason, message) => {
            tracing::warn!(%reason, message, "the coordinator ended the session");
            Next::Later
        }
        Ended::Failed(status) => failed(status),
    }
}

fn failed(status: &Status) -> Next {
    tracing::warn!(error = status.message(), "the session ended");
    if is_revoked(status) {
        return Next::Revoked;
    }
    if outdated(status) { Next::Rejoin } else { Next::Later }
}

/// Whether a refusal says that the identity was revoked.
pub(super) fn is_revoked(status: &Status) -> bool {
    status.message().starts_with(REVOKED)
}

/// Whether a call failed because the certificate is not good any more.
pub(super) fn outdated(status: &Status) -> bool {
    status.code() == Code::Unauthenticated || certificate_refused(&chain(status))
}

/// Whether a TLS alert about the certificate stands in a chain of errors.
pub(super) fn certificate_refused(text: &str) -> bool {
    ["CertificateExpired", "CertificateUnknown", "BadCertificate"].iter().any(|alert| text.contains(alert))
}

/// An error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
