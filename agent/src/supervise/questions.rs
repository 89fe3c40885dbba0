//! The helper's socket without systemd: a helper of its own for each connection, which is its standard input.

use std::{
    fs::{self, Permissions},
    io,
    os::{
        fd::OwnedFd,
        unix::{fs::PermissionsExt, net::UnixListener as Listener},
    },
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use nix::unistd::{Gid, Uid, chown};
use tokio::{
    net::{UnixListener, UnixStream},
    process::Command,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// Where the agent asks.
const SOCKET: &str = "/run/coord-helper.sock";
/// More at once would only wait for each other.
const MOST_AT_ONCE: usize = 8;
/// It ends by itself in less.
const PATIENCE: Duration = Duration::from_secs(15);
/// A pause after a connection that could not be taken, for instance without free descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// The socket, for as long as this lives.
pub(super) struct Questions(UnixListener);

impl Questions {
    /// Listens for root and the group `group`.
    pub(super) fn open(group: Gid) -> io::Result<Self> {
        let path = Path::new(SOCKET);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        // Until its group is set nobody but root can reach it: the process's mask sees to that.
        let listener = Listener::bind(path)?;
        chown(path, Some(Uid::from_raw(0)), Some(group))?;
        fs::set_permissions(path, Permissions::from_mode(0o660))?;
        listener.set_nonblocking(true)?;
        Ok(Self(UnixListener::from_std(listener)?))
    }

    /// Answers for ever.
    pub(super) async fn answer(&self) {
        let places = Arc::new(Semaphore::new(MOST_AT_ONCE));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.0.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(one(stream, place))),
                Err(error) => {
                    tracing::warn!(%error, "a question cannot be taken");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        // One that stays says by its refusals that nobody listens.
        let _ = fs::remove_file(SOCKET);
    }
}

/// One helper, to its end.
async fn one(stream: UnixStream, _place: OwnedSemaphorePermit) {
    let answered = async {
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.stdin(OwnedFd::from(stream)).stdout(Stdio::null()).kill_on_drop(true);
        let mut helper = command.spawn()?;
        // A handle of the connection lies in the command.
        drop(command);
        timeout(PATIENCE, helper.wait()).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    };
    match answered.await {
        Ok(status) if status.success() => {}
        Ok(status) => tracing::warn!(%status, "a helper failed"),
        Err(error) => tracing::warn!(%error, "a question was not answered"),
    }
}
