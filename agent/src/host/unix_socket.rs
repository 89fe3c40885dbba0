//! A connection to a Unix socket that never waits: a program that has stopped taking connections holds nobody up.

use std::{
    io::{self, ErrorKind},
    os::{fd::AsRawFd, unix::net::UnixStream},
    path::Path,
};

use coord_model::{Unknown, ValueState};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};

/// Connects to the socket at `path` at once or not at all; reads and writes of the stream wait as usual. Where the
/// queue of those that wait to be taken is full the kernel says EAGAIN (connect(2)).
pub(super) fn connect(path: &Path) -> io::Result<UnixStream> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let address = UnixAddr::new(path)?;
    let socket = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    socket::connect(socket.as_raw_fd(), &address)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// The reason where `error` of [`connect`] means a full queue.
pub(super) fn full(path: &Path, error: &io::Error) -> Option<Unknown> {
    let message = || format!("{} takes no connection: its queue is full", path.display());
    (error.kind() == ErrorKind::WouldBlock).then(|| Unknown::new(ValueState::Timeout, message()))
}

#[cfg(test)]
pub(super) mod tests {
    use std::{
        io::{Read, Write},
        os::{fd::OwnedFd, unix::net::UnixListener},
    };

    use nix::sys::socket::Backlog;

    use super::*;

    /// A socket at `path` that nobody takes connections from, with as many waiting as it holds.
    pub(in crate::host) fn crowded(path: &Path) -> (OwnedFd, Vec<UnixStream>) {
        let listener = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        socket::bind(listener.as_raw_fd(), &UnixAddr::new(path).unwrap()).unwrap();
        socket::listen(&listener, Backlog::new(1).unwrap()).unwrap();
        let waiting = (0..16).map_while(|_| connect(path).ok()).collect();
        (listener, waiting)
    }

    #[test]
    fn a_full_queue_is_no_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let (_listener, waiting) = crowded(&path);
        assert!((1..16).contains(&waiting.len()), "{}", waiting.len());
        let reason = full(&path, &connect(&path).unwrap_err()).unwrap();
        assert_eq!(reason.state, ValueState::Timeout);
        assert!(reason.message.ends_with("its queue is full"), "{}", reason.message);
    }

    #[test]
    fn a_stream_waits_for_what_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        assert_eq!(connect(&path).unwrap_err().kind(), ErrorKind::NotFound);
        let listener = UnixListener::bind(&path).unwrap();
        let mut stream = connect(&path).unwrap();
        let peer = std::thread::spawn(move || listener.accept().unwrap().0.write_all(b"ok"));
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        peer.join().unwrap().unwrap();
        assert_eq!(text, "ok");
        let refused = connect(&path).unwrap_err();
        assert_eq!((refused.kind(), full(&path, &refused)), (ErrorKind::ConnectionRefused, None));
    }

    #[test]
    fn a_path_that_is_too_long_is_an_error() {
        assert!(connect(Path::new(&"x".repeat(200))).is_err());
    }
}
