//! The Unix socket for coordctl on the same machine: 0660, group `coordinator`, so that root and that group may use it.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixStream as StdStream,
    },
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
    remove_deserted(path)?;
    // Nobody may connect before the mode is right: it is bound under another name and moved into place.
    let mut hidden = path.as_os_str().to_owned();
    hidden.push(".new");
    let hidden = Path::new(&hidden);
    remove_deserted(hidden)?;
    let listener = UnixListener::bind(hidden)?;
    if let Ok(Some(group)) = Group::from_name(GROUP) {
        // Only root can give it away; everybody else keeps their own group, which is narrower.
        let _ = chown(hidden, None, Some(group.gid));
    }
    fs::set_permissions(hidden, fs::Permissions::from_mode(MODE))?;
    fs::rename(hidden, path)?;
    Ok(listener)
}

/// Takes away a socket that nobody listens on. Anything else stays: it is not ours.
fn remove_deserted(path: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !kind.is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something else than a socket"));
    }
    match StdStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another coordinator listens there")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
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
