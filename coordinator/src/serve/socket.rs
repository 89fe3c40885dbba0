//! The Unix socket for coordctl on the same machine: 0660, group `coordinator`, so that root and that group may use it.

use std::{
    fs, io,
    os::unix::{fs::PermissionsExt, net::UnixStream as StdStream},
    path::Path,
};

use nix::unistd::{Group, chown};
use tokio::net::{UnixListener, UnixStream};
use tokio_stream::{Stream, StreamExt, wrappers::UnixListenerStream};
use tokio_util::sync::CancellationToken;

use super::connection::{Caller, Connection, Who};

const MODE: u32 = 0o660;
const GROUP: &str = "coordinator";

/// Makes the socket; one that nobody listens on any more is replaced.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if path.exists() {
        if StdStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another coordinator listens there"));
        }
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    if let Ok(Some(group)) = Group::from_name(GROUP) {
        // Only root can give it away; everybody else keeps their own group, which is narrower.
        let _ = chown(path, None, Some(group.gid));
    }
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    Ok(listener)
}

/// Takes the socket away again.
pub(super) fn remove(path: &Path) {
    // One that is gone already is as good.
    let _ = fs::remove_file(path);
}

/// Its connections, each with the user behind it (SO_PEERCRED).
pub(super) fn incoming(listener: UnixListener) -> impl Stream<Item = io::Result<Connection<UnixStream>>> {
    UnixListenerStream::new(listener).map(|accepted| {
        let stream = accepted?;
        let user = stream.peer_cred()?.uid();
        Ok(Connection::new(stream, Caller::new(Who::Local { user }, None), CancellationToken::new(), None))
    })
}
