//! `coord-helper`: answers for the agent what only root may see, and changes nothing.
//!
//! A socket unit starts it for each connection, with the connection as its standard input. It reads one request, checks
//! who asks (SO_PEERCRED), answers in one line and ends. It has no network, no configuration and no memory.

use std::{
    error::Error,
    io::{self, Read, Write},
    net::Shutdown,
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        socket::{getsockopt, sockopt},
        stat::{Mode, umask},
    },
    unistd::Uid,
};

use self::ground::Ground;
use crate::{
    host::{Reply, Request},
    show, supervise,
};

mod docker;
mod facts;
pub(crate) mod fdinfo;
mod firmware;
mod fuse;
mod gpu;
mod ground;
mod guests;
mod k3s_files;
mod kernel_log;
mod lane;
mod processes;

/// The user that the agent runs as.
const AGENT: &str = "coord-agent";
/// The most that a request may be.
const LARGEST_REQUEST: usize = 16 << 10;
/// How long a peer may take to say what it wants, and as long again to take the reply.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `--help` says.
const HELP: &str = "\
coord-helper answers coord-agent what only root may see. It is not for people: systemd starts it for each
connection to /run/coord-helper.sock (coord-helper.socket). It reads one request on standard input and changes nothing.

  systemctl enable --now coord-helper.socket   turns it on
  systemctl disable --now coord-helper.socket  turns it off; the facts that need it are then `denied`

  coord-helper --root FOLDER                   answers for the machine whose files lie in FOLDER
  coord-helper supervise [--after FILE] [--keep FOLDER]
                                               on machines without systemd, as root: runs coord-agent as its user and
                                               helpers for its questions; waits for FILE, keeps the identity in FOLDER
";

/// The whole program. The exit code is that of the process.
#[must_use]
pub fn main() -> ExitCode {
    umask(Mode::from_bits_truncate(0o077));
    let mut arguments = std::env::args().skip(1);
    let done = match arguments.next().as_deref() {
        None => connection(&Ground::new("/")),
        Some("--root") => connection(&Ground::new(arguments.next().unwrap_or_default())),
        Some("-V" | "--version") => {
            show::text(&format!("coord-helper {}\n", env!("CARGO_PKG_VERSION"))).map_err(Into::into)
        }
        Some("supervise") => supervise::main(arguments),
        Some("try") => gpu::try_node(&std::env::args().skip(2).collect::<Vec<_>>()),
        Some("-h" | "--help") => show::text(HELP).map_err(Into::into),
        Some(other) => Err(format!("coord-helper does not take {other:?}\nhint: coord-helper --help").into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => show::failure(error.as_ref(), 1),
    }
}

/// One connection from request to reply.
fn connection(ground: &Ground) -> Result<(), Box<dyn Error>> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let mut stream = UnixStream::from(socket);
    stream.peer_addr().map_err(|_| "standard input is no socket\nhint: coord-helper --help")?;
    let reply = match permitted(&stream, ground) {
        Ok(()) => answer(&stream, ground),
        Err(why) => Reply::Refused(why),
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    stream.set_write_timeout(Some(PATIENCE))?;
    match stream.write_all(&line) {
        // Who asked went away meanwhile.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        written => written?,
    }
    // A reader that hangs keeps this process, and with it the connection, after its end.
    Ok(stream.shutdown(Shutdown::Write)?)
}

/// Only the agent's user and root may ask.
fn permitted(stream: &UnixStream, ground: &Ground) -> Result<(), String> {
    let peer =
        getsockopt(stream, sockopt::PeerCredentials).map_err(|errno| format!("who asks is not known: {errno}"))?;
    let uid = Uid::from_raw(peer.uid());
    // Read by hand: a name service may wait for a network.
    let accounts = ground.text("/etc/passwd").unwrap_or_default();
    if uid.is_root() || user_number(&accounts, AGENT) == Some(peer.uid()) {
        Ok(())
    } else {
        Err(format!("user {uid} may not ask; only {AGENT} and root may"))
    }
}

/// The number of the user `name` in the text of passwd(5).
fn user_number(passwd: &str, name: &str) -> Option<u32> {
    let mut rows = passwd.lines().map(|line| line.split(':'));
    rows.find_map(|mut fields| if fields.next() == Some(name) { fields.nth(1)?.parse().ok() } else { None })
}

/// Reads the request and answers it.
fn answer(stream: &UnixStream, ground: &Ground) -> Reply {
    match read_line(stream).and_then(|line| parse(&line)) {
        Ok(Request::Facts(request)) => {
            let mut answers = facts::answer(ground, request);
            match facts::fit(&mut answers) {
                Ok(()) => Reply::Facts(Box::new(answers)),
                Err(error) => Reply::Refused(format!("the reply cannot be written: {error}")),
            }
        }
        Ok(Request::Gpu(request)) => match gpu::answer(&request) {
            Ok(answers) => Reply::Gpu(answers),
            Err(why) => Reply::Refused(why),
        },
        Err(why) => Reply::Refused(why),
    }
}

/// Bytes up to the end of the line, however slowly they come, within the patience for all of them.
fn read_line(mut stream: &UnixStream) -> Result<Vec<u8>, String> {
    let end = Instant::now() + PATIENCE;
    let (mut line, mut chunk) = (Vec::new(), [0; 4096]);
    while line.len() <= LARGEST_REQUEST && line.last() != Some(&b'\n') {
        // A patience of nothing would be one without end.
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => line.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("the request did not come: {error}")),
        }
        if Instant::now() >= end {
            return Err("the request did not come in time".to_string());
        }
    }
    Ok(line)
}

/// The request in one line: a verb of the closed list and its fields, nothing else.
pub(crate) fn parse(line: &[u8]) -> Result<Request, String> {
    if line.len() > LARGEST_REQUEST || line.last() != Some(&b'\n') {
        return Err(format!("the request is not one line of at most {LARGEST_REQUEST} bytes"));
    }
    serde_json::from_slice(line).map_err(|error| format!("the request makes no sense: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::host::FactsRequest;

    #[test]
    fn only_known_verbs_and_fields_are_taken() {
        let facts = FactsRequest { containers: vec!["worker".into()] };
        let line = b"{\"verb\":\"facts\",\"containers\":[\"worker\"]}\n";
        assert_eq!(parse(line), Ok(Request::Facts(facts)));
        assert_eq!(parse(b"{\"verb\":\"facts\"}\n"), Ok(Request::Facts(FactsRequest::default())));
        let wrong: [&[u8]; 7] = [
            b"{\"verb\":\"restart\"}\n",
            b"{\"verb\":\"facts\",\"path\":\"/etc/shadow\"}\n",
            b"{\"verb\":\"facts\"}",
            b"{\"verb\":\"facts\"} {}\n",
            b"{\"verb\":\"facts\",\"containers\":7}\n",
            b"\n",
            b"",
        ];
        for line in wrong {
            assert!(parse(line).is_err(), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn a_request_has_an_end() {
        let mut line = vec![b' '; LARGEST_REQUEST];
        line.push(b'\n');
        assert!(parse(&line).unwrap_err().contains("at most"));
    }

    #[test]
    fn the_agents_number_is_found() {
        let passwd = "root:x:0:0::/root:/bin/sh\nbroken\ncoord-agent:x:995:994::/:/bin/false\n";
        assert_eq!(user_number(passwd, AGENT), Some(995));
        assert_eq!(user_number("coord-agent2:x:995:\ncoord-agent:x:many", AGENT), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(mut bytes: Vec<u8>, text in ".*") {
            bytes.push(b'\n');
            let _ = parse(&bytes);
            let _ = user_number(&text, AGENT);
        }
    }
}
