//! A socket unit in small: each connection to a Unix socket becomes the standard input of a program of its own.

use std::{
    fs,
    os::{
        fd::OwnedFd,
        unix::{
            fs::PermissionsExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The socket, for as long as this lives.
#[derive(Debug)]
pub struct Accepting {
    socket: PathBuf,
}

impl Accepting {
    /// Listens at `socket` for everybody, and starts what `command` makes for each connection.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn at(socket: &Path, command: impl Fn() -> Command + Send + 'static) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).unwrap();
        std::thread::spawn(move || {
            let mut children = Vec::new();
            for stream in listener.incoming().map_while(Result::ok) {
                children.retain_mut(|child: &mut Child| !matches!(child.try_wait(), Ok(Some(_))));
                children.push(start(command(), stream));
            }
        });
        Self { socket: socket.to_owned() }
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
    }
}

/// Starts `command` with `stream` as its standard input, as a socket unit with `Accept=yes` does.
///
/// # Panics
/// When it cannot be started.
pub fn start(mut command: Command, stream: UnixStream) -> Child {
    command.stdin(OwnedFd::from(stream)).stdout(Stdio::null()).spawn().unwrap()
}
