//! One plain HTTP request with a deadline: just enough for a health check on loopback.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown, ValueState};

use super::HttpAnswer;

/// For connecting, asking and reading together.
pub(super) const DEADLINE: Duration = Duration::from_secs(2);
/// The most of an answer that is read.
pub(super) const LARGEST: usize = 4096;

/// Connects to `address` before `end`.
pub(super) fn connect(address: &str, end: Instant) -> Reading<TcpStream> {
    let parsed: SocketAddr =
        address.parse().map_err(|_| Unknown::error(format!("{address} is not an address with a port")))?;
    let stream = TcpStream::connect_timeout(&parsed, left(end)).map_err(|error| reason(address, &error))?;
    limit(&stream, end)?;
    Ok(stream)
}

/// Time until `end`, and never zero, which would mean for ever.
fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Lets no single read or write of `stream` go on after `end`.
pub(super) fn limit(stream: &TcpStream, end: Instant) -> Reading<()> {
    let set = stream.set_read_timeout(Some(left(end))).and_then(|()| stream.set_write_timeout(Some(left(end))));
    set.map_err(|error| Unknown::error(format!("cannot set a deadline: {error}")))
}

/// What an error of a socket means.
pub(super) fn reason(address: &str, error: &std::io::Error) -> Unknown {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => Unknown::absent(format!("{address} refused the connection")),
        // k3s' load balancer takes every connection, and hangs up when no server is behind it.
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => Unknown::absent(format!("{address} closed the connection")),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            Unknown::new(ValueState::Timeout, format!("{address} did not answer in 2 s"))
        }
        _ => Unknown::error(format!("{address}: {error}")),
    }
}

/// The request for `path`.
pub(super) fn request(address: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
}

/// Reads until the end, the limit or the deadline; keeps what there is.
pub(super) fn read_some(stream: &mut impl Read, end: Instant) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut part = [0; 1024];
    while bytes.len() < 2 * LARGEST && Instant::now() < end {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(_) if !bytes.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// `GET path` from `address`.
pub(super) fn http_get(address: &str, path: &str) -> Reading<HttpAnswer> {
    let end = Instant::now() + DEADLINE;
    let mut stream = connect(address, end)?;
    stream.write_all(request(address, path).as_bytes()).map_err(|error| reason(address, &error))?;
    let bytes = read_some(&mut stream, end).map_err(|error| reason(address, &error))?;
    if bytes.is_empty() {
        return Err(reason(address, &std::io::ErrorKind::UnexpectedEof.into()));
    }
    parse_answer(&bytes).ok_or_else(|| Unknown::error(format!("{address} did not answer in HTTP")))
}

/// Status and body of an HTTP/1 answer.
pub(super) fn parse_answer(bytes: &[u8]) -> Option<HttpAnswer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut words = head.lines().next()?.split_whitespace();
    words.next().filter(|protocol| protocol.starts_with("HTTP/"))?;
    let status = words.next()?.parse().ok()?;
    let mut body = coord_model::clean(body);
    while body.len() > LARGEST {
        body.pop();
    }
    Some(HttpAnswer { status, body })
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    #[test]
    fn an_answer_is_read_from_a_real_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let count = stream.read(&mut request).unwrap();
            assert!(request[..count].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        });
        assert_eq!(http_get(&address, "/healthz"), Ok(HttpAnswer { status: 200, body: "ok".to_string() }));
        server.join().unwrap();
    }

    #[test]
    fn a_refused_connection_is_absence() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        assert_eq!(http_get(&address, "/").unwrap_err().state, ValueState::Absent);
    }

    #[test]
    fn a_peer_that_hangs_up_is_absence() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            for _ in 0..2 {
                // Closing with something unread resets the connection, closing after reading ends it in order.
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 4096];
                assert!(stream.read(&mut request).unwrap() > 0);
            }
            drop(listener.accept().unwrap());
        });
        for answer in [
            http_get(&address, "/").map(drop),
            super::super::tls::https_answer(&address).map(drop),
            http_get(&address, "/").map(drop),
        ] {
            let reason = answer.unwrap_err();
            assert_eq!(reason, Unknown::absent(format!("{address} closed the connection")));
        }
        server.join().unwrap();
    }

    #[test]
    fn what_is_not_http_is_refused() {
        assert_eq!(parse_answer(b""), None);
        assert_eq!(parse_answer(b"SSH-2.0-OpenSSH"), None);
        assert_eq!(parse_answer(b"HTTP/1.1 abc"), None);
        assert_eq!(parse_answer(b"HTTP/1.1 401"), Some(HttpAnswer { status: 401, body: String::new() }));
    }
}
