//! What tailscaled says of itself, from its local API on a Unix socket, which any user of the machine may read.
//!
//! The whole answer names the owner and his keys, so nothing of it leaves this file but the state and own addresses.

use std::{
    io::{Read, Write},
    net::IpAddr,
    path::Path,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown, ValueState};
use serde::Deserialize;

use super::{answers::Tailscale, error::unknown_io, unix_socket};

/// Where tailscaled listens (tailscale's paths package).
const SOCKET: &str = "/var/run/tailscale/tailscaled.sock";
/// HTTP/1.0, so that the answer comes in one piece and ends with the connection.
const REQUEST: &[u8] = b"GET /localapi/v0/status?peers=false HTTP/1.0\r\nHost: local-tailscaled.sock\r\n\r\n";
/// For asking and reading together.
const DEADLINE: Duration = Duration::from_secs(2);
/// The most of an answer that is read; without peers it is a few KiB.
const LARGEST: usize = 256 << 10;
/// The most own addresses that are told: one of each family is usual.
const MOST_ADDRESSES: usize = 8;

/// Of `ipnstate.Status`, what is wanted.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    backend_state: String,
    #[serde(rename = "TailscaleIPs", default)]
    addresses: Option<Vec<IpAddr>>,
    #[serde(rename = "Self", default)]
    own: Option<Own>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Own {
    #[serde(default)]
    online: bool,
}

/// Asks tailscaled.
pub(super) fn tailscale() -> Reading<Tailscale> {
    parse(&ask(SOCKET)?)
}

/// The raw answer, up to the limit and the deadline.
fn ask(socket: &str) -> Reading<Vec<u8>> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => late(),
        std::io::ErrorKind::ConnectionRefused => Unknown::absent("nobody listens on tailscaled's socket"),
        _ => unknown_io(socket, &error),
    };
    let end = Instant::now() + DEADLINE;
    let path = Path::new(socket);
    let mut stream =
        unix_socket::connect(path).map_err(|error| unix_socket::full(path, &error).unwrap_or_else(|| failed(error)))?;
    stream.set_write_timeout(Some(DEADLINE)).map_err(failed)?;
    stream.write_all(REQUEST).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    while bytes.len() < LARGEST {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(late());
        }
        stream.set_read_timeout(Some(left)).map_err(failed)?;
        match stream.read(&mut part).map_err(failed)? {
            0 => break,
            count => bytes.extend_from_slice(&part[..count]),
        }
    }
    Ok(bytes)
}

fn late() -> Unknown {
    Unknown::new(ValueState::Timeout, format!("tailscaled did not answer in {} s", DEADLINE.as_secs()))
}

/// State and own addresses out of an HTTP answer.
fn parse(bytes: &[u8]) -> Reading<Tailscale> {
    let nonsense = || Unknown::error("tailscaled made no sense");
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(nonsense)?;
    let status = head.split_whitespace().nth(1).filter(|_| head.starts_with("HTTP/")).ok_or_else(nonsense)?;
    match status {
        "200" => {}
        "401" | "403" => return Err(Unknown::denied(format!("tailscaled refuses this user: HTTP {status}"))),
        _ => return Err(Unknown::error(format!("tailscaled answered HTTP {}", coord_model::clean(status)))),
    }
    let status: Status = serde_json::from_str(body).map_err(|_| nonsense())?;
    let addresses = status.addresses.into_iter().flatten().take(MOST_ADDRESSES);
    Ok(Tailscale {
        state: coord_model::clean(&status.backend_state).chars().take(64).collect(),
        addresses: addresses.map(|address| address.to_string()).collect(),
        online: status.own.is_some_and(|own| own.online),
    })
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, thread};

    use proptest::prelude::*;

    use super::*;

    const RUNNING: &str = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"Version\": \"1.90\", \
        \"BackendState\": \"Running\", \"TailscaleIPs\": [\"100.64.0.7\", \"fd7a:115c:a1e0::7\"], \
        \"Self\": {\"Online\": true, \"UserID\": 1}}";

    #[test]
    fn state_and_own_addresses_are_read_from_a_real_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tailscaled.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let count = stream.read(&mut request).unwrap();
            assert!(request[..count].starts_with(b"GET /localapi/v0/status?peers=false HTTP/1.0\r\n"));
            stream.write_all(RUNNING.as_bytes()).unwrap();
        });
        let answer = ask(path.to_str().unwrap()).and_then(|bytes| parse(&bytes)).unwrap();
        server.join().unwrap();
        let addresses = vec!["100.64.0.7".to_string(), "fd7a:115c:a1e0::7".to_string()];
        assert_eq!(answer, Tailscale { state: "Running".to_string(), addresses, online: true });
        assert_eq!(ask(path.to_str().unwrap()).unwrap_err().state, ValueState::Absent);
    }

    #[test]
    fn one_that_takes_no_connections_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tailscaled.sock");
        let _crowd = unix_socket::tests::crowded(&path);
        assert_eq!(ask(path.to_str().unwrap()).unwrap_err().state, ValueState::Timeout);
    }

    #[test]
    fn a_state_without_addresses_is_one_and_refusals_are_told() {
        let login =
            parse(b"HTTP/1.0 200 OK\r\n\r\n{\"BackendState\":\"NeedsLogin\",\"TailscaleIPs\":null,\"Self\":null}");
        assert_eq!(login.unwrap(), Tailscale { state: "NeedsLogin".to_string(), addresses: Vec::new(), online: false });
        assert_eq!(parse(b"HTTP/1.0 403 Forbidden\r\n\r\nno").unwrap_err().state, ValueState::Denied);
        for broken in ["", "HTTP/1.0 200 OK\r\n\r\n", "SSH-2.0\r\n\r\n{}", "HTTP/1.0 200 OK\r\n\r\n{}"] {
            assert_eq!(parse(broken.as_bytes()).unwrap_err().state, ValueState::Error, "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), body in ".{0,80}") {
            let _ = parse(&bytes);
            let _ = parse(format!("HTTP/1.0 200 OK\r\n\r\n{body}").as_bytes());
        }
    }
}
