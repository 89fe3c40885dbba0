//! The few families of etcd's metrics that Coord asks for, picked out of the stream while it comes: the whole answer is
//! several hundred kilobytes, and nobody needs to hold it.

use std::{
    io::{Read, Write},
    time::Instant,
};

use coord_model::{Reading, Unknown, ValueState};

use super::fetch::{DEADLINE, connect, limit, reason};

/// Families that are kept (names of etcd 3.5 and 3.6); of a histogram its buckets.
const FAMILIES: [&str; 7] = [
    "etcd_server_has_leader",
    "etcd_server_is_learner",
    "etcd_server_leader_changes_seen_total",
    "etcd_server_quota_backend_bytes",
    "etcd_mvcc_db_total_size_in_bytes",
    "etcd_disk_wal_fsync_duration_seconds_bucket",
    "etcd_disk_backend_commit_duration_seconds_bucket",
];
/// The most that is read of an answer.
const LARGEST: usize = 4 << 20;
/// The longest line that is looked at; HELP texts may be longer and are not wanted.
const LONGEST_LINE: usize = 512;
/// The most lines that are kept.
const MOST_LINES: usize = 256;

/// `GET /metrics` from `address`: the sample lines of [`FAMILIES`], as they came.
pub(super) fn metrics(address: &str) -> Reading<Vec<String>> {
    let end = Instant::now() + DEADLINE;
    let mut stream = connect(address, end)?;
    // HTTP/1.0, so that the body comes in one piece and not in chunks.
    let request = format!("GET /metrics HTTP/1.0\r\nHost: {address}\r\nAccept: text/plain\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|error| reason(address, &error))?;
    let mut sieve = Sieve::default();
    let mut part = [0; 16 << 10];
    let mut total = 0;
    loop {
        limit(&stream, end)?;
        match stream.read(&mut part).map_err(|error| reason(address, &error))? {
            0 => break,
            count => {
                total += count;
                sieve.take(&part[..count]);
            }
        }
        if total > LARGEST {
            return Err(Unknown::error(format!("the metrics of {address} are larger than {LARGEST} bytes")));
        }
        if Instant::now() >= end {
            return Err(Unknown::new(ValueState::Timeout, format!("the metrics of {address} did not end in 2 s")));
        }
    }
    sieve.finish(address)
}

/// Where in the answer the sieve is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// At the status line.
    #[default]
    Status,
    /// In the head.
    Head,
    /// In the body.
    Body,
}

/// Lines come in pieces of any size, and wanted ones stay.
#[derive(Debug, Default)]
struct Sieve {
    place: Place,
    status: Option<u16>,
    line: Vec<u8>,
    kept: Vec<String>,
}

impl Sieve {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                // One byte more than the longest marks a line that is too long.
                byte if self.line.len() <= LONGEST_LINE => self.line.push(*byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.line);
        let text = if bytes.len() <= LONGEST_LINE { std::str::from_utf8(&bytes).unwrap_or_default() } else { "" };
        let text = text.trim_end();
        match self.place {
            Place::Status => {
                self.status = status(text);
                self.place = Place::Head;
            }
            Place::Head if bytes.iter().all(|byte| *byte == b'\r') => self.place = Place::Body,
            Place::Head => {}
            Place::Body if wanted(text) && self.kept.len() < MOST_LINES => self.kept.push(coord_model::clean(text)),
            Place::Body => {}
        }
    }

    /// All that was kept; a last line without its end was cut off and does not count.
    fn finish(self, address: &str) -> Reading<Vec<String>> {
        match self.status {
            Some(200) if self.place == Place::Body => Ok(self.kept),
            Some(200) => Err(Unknown::error(format!("the answer of {address}/metrics was cut off"))),
            Some(status) => Err(Unknown::error(format!("{address}/metrics answered HTTP {status}"))),
            None if self.place == Place::Status && self.line.is_empty() => {
                Err(Unknown::absent(format!("{address} closed the connection")))
            }
            None => Err(Unknown::error(format!("{address} did not answer in HTTP"))),
        }
    }
}

/// The number in `HTTP/1.0 200 OK`.
fn status(line: &str) -> Option<u16> {
    let mut words = line.split(' ');
    words.next().filter(|protocol| protocol.starts_with("HTTP/"))?;
    words.next()?.parse().ok()
}

/// Whether the line is a sample of one of [`FAMILIES`].
fn wanted(line: &str) -> bool {
    let name = line.split(['{', ' ']).next().unwrap_or_default();
    FAMILIES.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    const BODY: &str = "# HELP etcd_server_has_leader Whether or not a leader exists.\n\
                        # TYPE etcd_server_has_leader gauge\netcd_server_has_leader 1\ngo_goroutines 200\n\
                        etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.001\"} 12\n\
                        etcd_disk_wal_fsync_duration_seconds_sum 0.7\n";

    fn sieved(answer: &str, step: usize) -> Reading<Vec<String>> {
        let mut sieve = Sieve::default();
        for part in answer.as_bytes().chunks(step) {
            sieve.take(part);
        }
        sieve.finish("a:1")
    }

    #[test]
    fn wanted_lines_stay_however_the_answer_is_cut() {
        let answer = format!("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n{BODY}");
        let expected = vec!["etcd_server_has_leader 1", "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.001\"} 12"];
        for step in [1, 7, 4096] {
            assert_eq!(sieved(&answer, step).unwrap(), expected, "{step}");
        }
    }

    #[test]
    fn what_is_no_answer_is_no_list_of_metrics() {
        assert_eq!(sieved("", 1).unwrap_err().state, ValueState::Absent);
        assert_eq!(sieved("SSH-2.0-OpenSSH\r\n", 9).unwrap_err().state, ValueState::Error);
        assert!(sieved("HTTP/1.0 404 Not Found\r\n\r\n404", 9).unwrap_err().message.contains("HTTP 404"));
        assert_eq!(sieved("HTTP/1.0 200 OK\r\nContent-Type: x\r\n", 9).unwrap_err().state, ValueState::Error);
    }

    #[test]
    fn a_line_that_is_cut_off_or_endless_does_not_count() {
        let head = "HTTP/1.0 200 OK\r\n\r\n";
        assert_eq!(sieved(&format!("{head}etcd_server_has_leader 1"), 5), Ok(Vec::new()));
        let endless = format!("{head}etcd_server_has_leader {}\n", "1".repeat(1000));
        assert_eq!(sieved(&endless, 100), Ok(Vec::new()));
        let many = format!("{head}{}", "etcd_server_has_leader 1\n".repeat(1000));
        assert_eq!(sieved(&many, 100).unwrap().len(), MOST_LINES);
    }

    #[test]
    fn metrics_are_read_from_a_real_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let count = stream.read(&mut request).unwrap();
            assert!(request[..count].starts_with(b"GET /metrics HTTP/1.0\r\n"));
            stream.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{BODY}").as_bytes()).unwrap();
        });
        assert_eq!(metrics(&address).unwrap().len(), 2);
        server.join().unwrap();
    }

    #[test]
    fn an_answer_without_end_is_broken_off() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
            let noise = vec![b'\n'; 64 << 10];
            while stream.write_all(&noise).is_ok() {}
        });
        assert!(metrics(&address).is_err());
        server.join().unwrap();
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_sieve_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            let mut sieve = Sieve::default();
            sieve.take(&bytes);
            drop(sieve.finish("a:1"));
        }
    }
}
