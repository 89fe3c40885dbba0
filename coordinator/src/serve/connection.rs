//! One accepted connection: who is on the other end, and a way to end it from outside.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use coord_proto::tls::Peer;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// Who calls, as the transport knows it. Nothing that a message says can change it (law 10).
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// No certificate.
    Stranger,
    /// A certificate of ours.
    Certified(Peer),
    /// A process on this machine that may use the socket.
    Local {
        /// Its user.
        user: u32,
    },
}

/// What every request of a connection carries.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Who calls.
    pub(crate) who: Who,
    /// From where; absent on the Unix socket.
    pub(crate) address: Option<SocketAddr>,
    asked: Arc<AtomicBool>,
}

impl Caller {
    pub(crate) fn new(who: Who, address: Option<SocketAddr>) -> Self {
        Self { who, address, asked: Arc::new(AtomicBool::new(false)) }
    }

    /// Notes that a request came in.
    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether a request ever came in.
    pub(crate) fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// For events and logs: an address without its port, an operator's name, or a local user.
    pub(crate) fn describe(&self) -> String {
        match (&self.who, self.address) {
            (Who::Local { user }, _) => format!("{} on the coordinator's machine", user_name(*user)),
            (Who::Certified(peer), _) => match &peer.role {
                coord_proto::identity::Role::Operator(name) => format!("operator {name}"),
                coord_proto::identity::Role::Node(id) | coord_proto::identity::Role::Coordinator(id) => id.clone(),
            },
            (Who::Stranger, Some(address)) => address.ip().to_string(),
            (Who::Stranger, None) => "somebody".to_owned(),
        }
    }
}

/// As the system calls a user; by number where it does not know them.
fn user_name(user: u32) -> String {
    let known = nix::unistd::User::from_uid(user.into()).ok().flatten();
    known.map_or_else(|| format!("user {user}"), |known| known.name)
}

/// A byte stream with its caller, which ends when its token is cancelled.
pub(crate) struct Connection<S> {
    stream: S,
    caller: Caller,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl<S> Connection<S> {
    /// Wraps a stream; `place` is given back when the connection is dropped.
    pub(crate) fn new(
        stream: S,
        caller: Caller,
        ended: CancellationToken,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { stream, caller, ended: Box::pin(ended.cancelled_owned()), _place: place }
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.ended.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl<S> Connected for Connection<S> {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Err(ended) = self.check(context) {
            return Poll::Ready(Err(ended));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Err(ended) = self.check(context) {
            return Poll::Ready(Err(ended));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_user_is_called_as_the_system_calls_them() {
        let said = |user| Caller::new(Who::Local { user }, None).describe();
        assert_eq!(said(0), "root on the coordinator's machine");
        assert_eq!(said(3_999_999_999), "user 3999999999 on the coordinator's machine");
    }
}
