//! Whether a file server is there: an RPC NULL call for NFS, a TCP connection for SMB, each with its own deadline.
//!
//! It touches no mount and needs no right: any server answers procedure 0 to anybody, from any port.

use std::{
    fmt, io,
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::rpc::{RpcReply, null_call, parse_reply};

/// For connecting, asking and reading together.
pub(crate) const PING_DEADLINE: Duration = Duration::from_secs(2);
/// More than one reply; whoever says more makes no sense.
const LARGEST: usize = 4096;

/// What is spoken with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    /// NFS in this major version.
    Nfs(u32),
    /// SMB: only whether it takes connections.
    Smb,
}

/// One service of one server, as mounts use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Server {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) protocol: Protocol,
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = SocketAddr::new(self.address, self.port);
        match self.protocol {
            Protocol::Nfs(version) => write!(formatter, "{place}/{version}"),
            Protocol::Smb => write!(formatter, "{place}/smb"),
        }
    }
}

/// How a server answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Ping {
    /// Its service replied, after so many seconds from the beginning of the connection.
    Answered(f64),
    /// It refuses connections: the machine is there, its service is not.
    Refused,
    /// It takes the connection and never replies.
    Silent,
    /// No connection, and why.
    Unreachable(String),
    /// It replied with something else, and what.
    Nonsense(String),
}

/// Asks `server`, for at most [`PING_DEADLINE`]. An error is one of this machine and says nothing about the server.
pub(super) fn ping(server: &Server) -> Reading<Ping> {
    let began = Instant::now();
    let place = SocketAddr::new(server.address, server.port);
    let mut stream = match TcpStream::connect_timeout(&place, PING_DEADLINE) {
        Ok(stream) => stream,
        Err(error) => return unconnected(server, &error),
    };
    let version = match server.protocol {
        Protocol::Smb => return Ok(Ping::Answered(began.elapsed().as_secs_f64())),
        Protocol::Nfs(version) => version,
    };
    let answer = ask(&mut stream, version, began + PING_DEADLINE);
    Ok(match answer {
        Ok(RpcReply::Alive) => Ping::Answered(began.elapsed().as_secs_f64()),
        Ok(RpcReply::Incomplete) => Ping::Silent,
        Ok(RpcReply::Nonsense(why)) => Ping::Nonsense(why),
        Err(error) => dropped(&error),
    })
}

/// One call and its reply; incomplete where the deadline came first.
fn ask(stream: &mut TcpStream, version: u32, end: Instant) -> io::Result<RpcReply> {
    let xid = number();
    stream.set_write_timeout(Some(left(end)))?;
    stream.write_all(&null_call(xid, version))?;
    let mut bytes = Vec::new();
    let mut part = [0; 512];
    while Instant::now() < end {
        stream.set_read_timeout(Some(left(end)))?;
        let count = stream.read(&mut part)?;
        bytes.extend_from_slice(part.get(..count).unwrap_or_default());
        match parse_reply(&bytes, xid) {
            RpcReply::Incomplete if count == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            RpcReply::Incomplete if bytes.len() < LARGEST => {}
            reply => return Ok(reply),
        }
    }
    Ok(RpcReply::Incomplete)
}

/// Tells this call from those of other processes; nothing hangs on it.
fn number() -> u32 {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    std::process::id().rotate_left(16) ^ clock.map_or(0, |time| time.subsec_nanos())
}

/// Time until `end`, and never zero, which would mean for ever.
fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Why there is no connection: the server's fault, or this machine's.
fn unconnected(server: &Server, error: &io::Error) -> Reading<Ping> {
    let errno = error.raw_os_error().map(Errno::from_raw);
    match (error.kind(), errno) {
        (io::ErrorKind::ConnectionRefused, _) => Ok(Ping::Refused),
        (io::ErrorKind::TimedOut, _) => {
            Ok(Ping::Unreachable(format!("no connection in {} s", PING_DEADLINE.as_secs())))
        }
        (_, Some(errno @ (Errno::EHOSTUNREACH | Errno::ENETUNREACH | Errno::EHOSTDOWN | Errno::ENETDOWN))) => {
            Ok(Ping::Unreachable(errno.desc().to_lowercase()))
        }
        (io::ErrorKind::PermissionDenied, _) => Err(Unknown::denied(format!("{server}: this machine may not connect"))),
        _ => Err(Unknown::error(format!("{server}: {error}"))),
    }
}

/// What a connection that ended early says.
fn dropped(error: &io::Error) -> Ping {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ping::Silent,
        _ => Ping::Nonsense("it closed the connection without an answer".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, TcpListener},
        thread,
    };

    use super::*;

    /// What a server does after it has read the call.
    fn against(answer: impl FnOnce(&mut TcpStream, u32) + Send + 'static) -> Ping {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut call = [0; 44];
            stream.read_exact(&mut call).unwrap();
            answer(&mut stream, u32::from_be_bytes(*call[4..].first_chunk().unwrap()));
        });
        let found = ping(&here(port, Protocol::Nfs(4))).unwrap();
        server.join().unwrap();
        found
    }

    fn here(port: u16, protocol: Protocol) -> Server {
        Server { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port, protocol }
    }

    fn record(words: &[u32]) -> Vec<u8> {
        let mark = 0x8000_0000 | u32::try_from(words.len() * 4).unwrap();
        std::iter::once(mark).chain(words.iter().copied()).flat_map(u32::to_be_bytes).collect()
    }

    #[test]
    fn a_service_that_answers_or_refuses_the_version_lives() {
        for words in [vec![1, 0, 0, 0, 0], vec![1, 0, 0, 0, 2, 3, 3], vec![1, 1, 1, 5]] {
            let found = against(move |stream, xid| {
                let words: Vec<u32> = std::iter::once(xid).chain(words).collect();
                // A byte at a time: a reply may come in pieces.
                for byte in record(&words) {
                    // Who has heard enough hangs up.
                    if stream.write_all(&[byte]).is_err() {
                        return;
                    }
                }
            });
            assert!(matches!(found, Ping::Answered(seconds) if seconds > 0.0), "{found:?}");
        }
    }

    #[test]
    fn a_wrong_number_garbage_and_a_closed_connection_are_nonsense() {
        let other = against(|stream, xid| stream.write_all(&record(&[xid ^ 1, 1, 0, 0, 0, 0])).unwrap());
        assert_eq!(other, Ping::Nonsense("it answered another call".to_string()));
        let garbage = against(|stream, _| stream.write_all(b"220 mail ready\r\n").unwrap());
        assert_eq!(garbage, Ping::Nonsense("its answer is no RPC record".to_string()));
        let closed = against(|_, _| {});
        assert_eq!(closed, Ping::Nonsense("it closed the connection without an answer".to_string()));
    }

    #[test]
    fn a_service_that_never_replies_is_silent_at_the_deadline() {
        // The kernel takes the connection on behalf of a listener that nobody serves.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let began = Instant::now();
        let found = ping(&here(listener.local_addr().unwrap().port(), Protocol::Nfs(3)));
        assert_eq!(found, Ok(Ping::Silent));
        assert!(began.elapsed() >= PING_DEADLINE);
    }

    #[test]
    fn a_closed_port_is_a_refusal_and_smb_needs_a_connection_only() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(matches!(ping(&here(port, Protocol::Smb)), Ok(Ping::Answered(_))));
        drop(listener);
        assert_eq!(ping(&here(port, Protocol::Smb)), Ok(Ping::Refused));
        assert_eq!(ping(&here(port, Protocol::Nfs(4))), Ok(Ping::Refused));
    }

    #[test]
    fn errors_of_the_way_are_the_servers_and_others_are_ours() {
        let of = |errno: Errno| unconnected(&here(2049, Protocol::Nfs(4)), &io::Error::from_raw_os_error(errno as i32));
        assert_eq!(of(Errno::EHOSTUNREACH), Ok(Ping::Unreachable("no route to host".to_string())));
        assert!(of(Errno::EMFILE).is_err() && of(Errno::EACCES).is_err());
    }

    #[test]
    fn a_server_has_a_key() {
        assert_eq!(here(2049, Protocol::Nfs(4)).to_string(), "127.0.0.1:2049/4");
        let six = Server { address: "fd00::1".parse().unwrap(), port: 445, protocol: Protocol::Smb };
        assert_eq!(six.to_string(), "[fd00::1]:445/smb");
    }
}
