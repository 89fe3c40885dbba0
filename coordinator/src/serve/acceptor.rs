//! Accepts TCP, finishes TLS within a deadline, and hands over connections that say who they are.
//!
//! tonic's own acceptor can neither check a role nor close a connection from outside. Unfinished handshakes have a
//! bound of their own, and callers without a certificate another, so that neither keeps known agents out.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use coord_proto::tls;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::{
    connection::{Caller, Connection, Who},
    doors::Doors,
};

/// Handshakes that may be under way at once; more wait in the kernel's queue.
const HANDSHAKES: usize = 512;
/// How long one may take.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// How long a refused caller may take to close.
const FAREWELL: Duration = Duration::from_secs(1);
/// Connections without a certificate at once.
const STRANGERS: usize = 64;
/// How long a stranger may wait before its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(5);
/// How long a stranger may stay at all: enrolment is one call.
const STRANGER_STAY: Duration = Duration::from_secs(30);
/// How long to wait when the process has no file descriptors left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// A connection over TLS.
pub(crate) type Secured = Connection<TlsStream<TcpStream>>;

/// What every accepted connection needs.
#[derive(Clone)]
pub(crate) struct Acceptor {
    tls: TlsAcceptor,
    doors: Arc<Doors>,
    handshakes: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    ready: mpsc::Sender<io::Result<Secured>>,
}

impl Acceptor {
    /// Accepted connections go to `ready`.
    pub(crate) fn new(
        tls: Arc<rustls::ServerConfig>,
        doors: Arc<Doors>,
        ready: mpsc::Sender<io::Result<Secured>>,
    ) -> Self {
        Self {
            tls: TlsAcceptor::from(tls),
            doors,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
            strangers: Arc::new(Semaphore::new(STRANGERS)),
            ready,
        }
    }

    /// Accepts until told to stop.
    pub(crate) async fn run(self, listener: TcpListener, stop: CancellationToken) {
        loop {
            let Ok(place) = Arc::clone(&self.handshakes).acquire_owned().await else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            match accepted {
                Ok((stream, address)) => drop(tokio::spawn(self.clone().welcome(stream, address, place))),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                }
            }
        }
    }

    /// One connection from its first byte to its hand-over.
    async fn welcome(self, stream: TcpStream, address: SocketAddr, place: OwnedSemaphorePermit) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let handshake = self.tls.accept(stream).into_fallible();
        let secured = match tokio::time::timeout(HANDSHAKE_DEADLINE, handshake).await {
            Ok(Ok(secured)) => secured,
            Ok(Err((error, stream))) => {
                tracing::debug!(%address, %error, "TLS handshake refused");
                return part(stream).await;
            }
            Err(_) => return tracing::debug!(%address, "TLS handshake took longer than 5 s"),
        };
        drop(place);
        if let Some(connection) = self.identify(secured, address) {
            // A closed channel means that the coordinator stops.
            drop(self.ready.send(Ok(connection)).await);
        }
    }

    /// Finds out who it is; `None` when there is no place for another stranger.
    fn identify(&self, secured: TlsStream<TcpStream>, address: SocketAddr) -> Option<Secured> {
        let certificate = secured.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        match certificate.map(tls::peer) {
            Some(Ok(peer)) => {
                let token = self.doors.token(&peer.key_id);
                Some(Connection::new(secured, Caller::new(Who::Certified(peer), Some(address)), token, None))
            }
            Some(Err(error)) => {
                tracing::debug!(%address, %error, "certificate cannot be read");
                None
            }
            None => {
                let place = Arc::clone(&self.strangers).try_acquire_owned().ok()?;
                let caller = Caller::new(Who::Stranger, Some(address));
                let token = CancellationToken::new();
                drop(tokio::spawn(watch_stranger(caller.clone(), token.clone())));
                Some(Connection::new(secured, caller, token, Some(place)))
            }
        }
    }
}

/// Closes a connection whose alert says why. Bytes that were never read would turn the close into a reset, and a reset
/// throws away what the other end has not read yet: an agent would not learn that its certificate ran out.
async fn part(mut stream: TcpStream) {
    let farewell = async {
        stream.shutdown().await?;
        while stream.read(&mut [0; 1024]).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever does not close is closed.
    drop(tokio::time::timeout(FAREWELL, farewell).await);
}

/// Ends a stranger's connection when it asks nothing, and in any case after a while.
async fn watch_stranger(caller: Caller, token: CancellationToken) {
    tokio::time::sleep(FIRST_REQUEST).await;
    if caller.has_asked() {
        tokio::time::sleep(STRANGER_STAY.saturating_sub(FIRST_REQUEST)).await;
    }
    token.cancel();
}
