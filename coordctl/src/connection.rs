//! The coordinator that is meant, and calls to it whose refusals are failures that people can read.

use std::{io, time::Duration};

use coord_model::{Document, Read, Wall};
use coord_proto::{
    client::{self, CALL_DEADLINE, Caller, ClientError, Control},
    identity::Identity,
    refused::Refused,
    tls::Window,
};
use jiff::Timestamp;
use tonic::{Code, Response, Status, Streaming};

use crate::{failure::Failure, place::Place, saved::Saved};

/// The coordinator that is meant.
pub(crate) struct Coordinator {
    /// Which one.
    pub(crate) place: Place,
    /// Its address or socket, for sentences.
    pub(crate) address: String,
    identity: Option<Identity>,
}

impl Coordinator {
    /// By flags, environment and what this user remembers; nothing is called yet.
    ///
    /// # Errors
    /// When a context is named that is not known.
    pub(crate) fn find(place: Option<Place>) -> Result<Self, Failure> {
        let in_use = Saved::of_user().ok().and_then(|saved| saved.in_use());
        let place = Place::or_default(place, in_use)?;
        match &place {
            Place::Socket(path) => Ok(Self { address: path.display().to_string(), identity: None, place }),
            Place::Saved { name: Some(name), address } => {
                let mut identity = Saved::of_user()?.load(name)?;
                if let Some(address) = address {
                    identity.coordinators = vec![address.clone()];
                }
                let address = identity.coordinators.first().cloned().unwrap_or_default();
                Ok(Self { address, identity: Some(identity), place })
            }
            Place::Saved { name: None, .. } => Err(Failure::usage("no context is in use to call an endpoint with")
                .hint("make a token on the coordinator with: coordctl token create --operator")
                .hint("then here: coordctl context add NAME")),
        }
    }

    /// Connects; an operator's certificate past half of its life is renewed on the way.
    ///
    /// # Errors
    /// When nobody answers there, or not with the right identity.
    pub(crate) async fn call(&self) -> Result<Calls<'_>, Failure> {
        let channel = match (&self.place, &self.identity) {
            (Place::Saved { name, address }, Some(identity)) => {
                let renewed = self.renewed(name.as_deref(), address.is_some(), identity).await;
                let identity = renewed.as_ref().unwrap_or(identity);
                let caller = Caller::Known(identity);
                client::connect(&identity.coordinators, &caller, Window::Judge).await
            }
            (Place::Socket(path), _) => socket(path).await,
            (Place::Saved { .. }, None) => Err(ClientError::NoAddress),
        };
        let channel = channel.map_err(|error| self.unreached(&error))?;
        Ok(Calls { control: client::control(channel), coordinator: self })
    }

    /// A renewed identity, kept, when half of the old one's life is over. A renewal that fails is tried again with
    /// the next command: the call itself says what is wrong.
    async fn renewed(&self, name: Option<&str>, elsewhere: bool, identity: &Identity) -> Option<Identity> {
        let now = Wall(Timestamp::now().as_millisecond());
        let half = Duration::from_secs(identity.lifetime_seconds / 2);
        if now.until(identity.expires) > half {
            return None;
        }
        let renewed = client::renew(identity, Window::Judge).await.ok()?;
        // An address given for one command is not remembered.
        if let (Some(name), false) = (name, elsewhere) {
            Saved::of_user().ok()?.store(name, &renewed).ok()?;
        }
        Some(renewed)
    }

    /// Why nobody was reached, with what to type.
    fn unreached(&self, error: &ClientError) -> Failure {
        let away = Failure::away(&self.address);
        match error {
            ClientError::Connect { source, .. } => self.hinted(away.because(&Told(source)), source),
            ClientError::Refused(status) => self.refused(status),
            ClientError::NoAddress | ClientError::Identity(_) | ClientError::Tls(_) => away.because(error),
        }
    }

    fn hinted(&self, failure: Failure, error: &io::Error) -> Failure {
        match (&self.place, error.kind()) {
            (Place::Socket(_), io::ErrorKind::PermissionDenied) => {
                failure.hint("only root and the group coordinator may use it: sudo usermod -aG coordinator $USER")
            }
            (Place::Socket(_), _) => failure
                .hint("if it runs on this machine: systemctl status coordinator")
                .hint("if it runs elsewhere: coordctl context add NAME"),
            (Place::Saved { .. }, _) => failure.hint("on that machine, run: systemctl status coordinator"),
        }
    }

    /// A refusal is the coordinator's own words; a broken connection means that it is away.
    fn refused(&self, status: &Status) -> Failure {
        let words = Refused::from_status(status);
        // Only the coordinator itself says why and what to type.
        let own = !words.cause.is_empty() || !words.hint.is_empty();
        let broken = std::error::Error::source(status).is_some()
            || matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled);
        if broken && !own {
            let silent = io::Error::from(io::ErrorKind::TimedOut);
            return self.hinted(Failure::away(&self.address).cause(words.what), &silent);
        }
        let mut failure = Failure::new(if words.what.is_empty() { status.code().to_string() } else { words.what });
        if !words.cause.is_empty() {
            failure = failure.cause(words.cause);
        }
        if !words.hint.is_empty() {
            failure = failure.hint(words.hint);
        }
        if status.code() == Code::Unimplemented {
            failure = failure.hint("the coordinator is older than coordctl: coordctl version");
        }
        failure
    }
}

/// An error from the system without `(os error 111)`, which helps nobody.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.to_string().split(" (os error").next().unwrap_or_default().to_lowercase())]
struct Told<'a>(&'a io::Error);

#[cfg(unix)]
async fn socket(path: &std::path::Path) -> Result<tonic::transport::Channel, ClientError> {
    let connect = client::connect_socket(path);
    tokio::time::timeout(client::CONNECT_DEADLINE, connect).await.unwrap_or_else(|_| {
        let source = io::Error::from(io::ErrorKind::TimedOut);
        Err(ClientError::Connect { address: path.display().to_string(), source })
    })
}

#[cfg(not(unix))]
async fn socket(path: &std::path::Path) -> Result<tonic::transport::Channel, ClientError> {
    let source = io::Error::new(io::ErrorKind::Unsupported, "there are no Unix sockets on this system");
    Err(ClientError::Connect { address: path.display().to_string(), source })
}

/// Calls over one connection.
pub(crate) struct Calls<'a> {
    /// The stub; give its futures to [`Self::answer`].
    pub(crate) control: Control,
    coordinator: &'a Coordinator,
}

impl Calls<'_> {
    /// A document.
    ///
    /// # Errors
    /// When it is refused or does not come.
    pub(crate) async fn read(&mut self, read: Read) -> Result<Document, Failure> {
        let call = self.control.read(read);
        within(CALL_DEADLINE, call).await.map_err(|status| self.coordinator.refused(&status))
    }

    /// A document whenever it changes.
    ///
    /// # Errors
    /// When it is refused or does not come.
    pub(crate) async fn watch(&mut self, read: Read) -> Result<Streaming<Document>, Failure> {
        let call = self.control.watch(read);
        within(CALL_DEADLINE, call).await.map_err(|status| self.coordinator.refused(&status))
    }

    /// The answer to any other call.
    ///
    /// # Errors
    /// When it is refused or does not come within 15 s.
    pub(crate) fn answer<T>(&self, answer: Result<T, Status>) -> Result<T, Failure> {
        answer.map_err(|status| self.coordinator.refused(&status))
    }
}

impl Coordinator {
    /// The next document of a watch; `None` when the coordinator ended it.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) async fn next(&self, stream: &mut Streaming<Document>) -> Result<Option<Document>, Failure> {
        stream.message().await.map_err(|status| self.refused(&status))
    }
}

/// One call with its deadline.
///
/// # Errors
/// As the call, or that it took too long.
pub(crate) async fn within<T>(
    deadline: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    let late = |_| Status::deadline_exceeded(format!("no answer within {} s", deadline.as_secs()));
    Ok(tokio::time::timeout(deadline, call).await.map_err(late)??.into_inner())
}

/// A refusal of a call that is made without a [`Coordinator`], during enrolment.
pub(crate) fn refused(what: &str, error: &ClientError) -> Failure {
    match error {
        ClientError::Refused(status) => {
            let words = Refused::from_status(status);
            let failure = Failure::new(words.what);
            let failure = if words.cause.is_empty() { failure } else { failure.cause(words.cause) };
            if words.hint.is_empty() { failure } else { failure.hint(words.hint) }
        }
        ClientError::Connect { address, source } => Failure::away(address)
            .because(&Told(source))
            .hint("if it listens elsewhere, say where: --endpoint HOST:PORT"),
        ClientError::NoAddress | ClientError::Identity(_) | ClientError::Tls(_) => Failure::new(what).because(error),
    }
}
