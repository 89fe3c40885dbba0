//! `coord-helper`: answers for the agent what only root may see, and changes nothing.
//!
//! A socket unit starts it for each connection, with the connection as its standard input. It reads one request, checks
//! who asks (SO_PEERCRED), answers in one line and ends. It has no network, no configuration and no memory.

use std::{
    error::Error,
    io::{self, BufRead, BufReader, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
    time::Duration,
};

use nix::{
    sys::socket::{getsockopt, sockopt},
    unistd::{Uid, User},
};

use crate::{
    host::{Reply, Request},
    show,
};

mod facts;
mod gpu;
mod lane;

/// The user that the agent runs as.
const AGENT: &str = "coord-agent";
/// The most that a request may be.
const LARGEST_REQUEST: u64 = 16 << 10;
/// How long a peer may take to say what it wants, and to take the reply.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `--help` says.
const HELP: &str = "\
coord-helper answers coord-agent what only root may see. It is not for people: systemd starts it for each
connection to /run/coord-helper.sock (coord-helper.socket). It reads one request on standard input and changes nothing.

  systemctl enable --now coord-helper.socket   turns it on
  systemctl disable --now coord-helper.socket  turns it off; the facts that need it are then `denied`
";

/// The whole program. The exit code is that of the process.
#[must_use]
pub fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let done = match argument.as_deref() {
        None => connection(),
        Some("-V" | "--version") => {
            show::text(&format!("coord-helper {}\n", env!("CARGO_PKG_VERSION"))).map_err(Into::into)
        }
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
fn connection() -> Result<(), Box<dyn Error>> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let mut stream = UnixStream::from(socket);
    stream.peer_addr().map_err(|_| "standard input is no socket\nhint: coord-helper --help")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let reply = match permitted(&stream) {
        Ok(()) => answer(&stream),
        Err(why) => Reply::Refused(why),
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    Ok(stream.write_all(&line)?)
}

/// Only the agent's user and root may ask.
fn permitted(stream: &UnixStream) -> Result<(), String> {
    let peer =
        getsockopt(stream, sockopt::PeerCredentials).map_err(|errno| format!("who asks is not known: {errno}"))?;
    let uid = Uid::from_raw(peer.uid());
    let agent = User::from_name(AGENT).ok().flatten();
    if uid.is_root() || agent.is_some_and(|agent| agent.uid == uid) {
        Ok(())
    } else {
        Err(format!("user {uid} may not ask; only {AGENT} and root may"))
    }
}

/// Reads the request and answers it.
fn answer(stream: &UnixStream) -> Reply {
    match request(stream) {
        Ok(Request::Facts(request)) => Reply::Facts(Box::new(facts::answer(&request))),
        Ok(Request::Gpu(request)) => match gpu::answer(&request) {
            Ok(answers) => Reply::Gpu(answers),
            Err(why) => Reply::Refused(why),
        },
        Err(why) => Reply::Refused(why),
    }
}

/// One line of JSON, and nothing that is not in the closed list.
fn request(stream: &UnixStream) -> Result<Request, String> {
    let mut line = String::new();
    let read = BufReader::new(stream.take(LARGEST_REQUEST)).read_line(&mut line);
    read.map_err(|error| format!("the request did not come: {error}"))?;
    parse(&line)
}

/// The request in one line.
pub(crate) fn parse(line: &str) -> Result<Request, String> {
    if !line.ends_with('\n') {
        return Err(format!("the request is not one line of at most {LARGEST_REQUEST} bytes"));
    }
    serde_json::from_str(line).map_err(|error| format!("the request makes no sense: {error}"))
}
