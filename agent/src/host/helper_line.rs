//! The way from the agent to its root helper: one request and one reply, a line of JSON each, on a Unix socket with
//! a deadline. Both programs come from one package, so both sides of the words stand here.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use coord_model::{Reading, Unknown, ValueState};
use serde::{Deserialize, Serialize};

use super::{GpuAnswers, HelperAnswers, NEEDS_HELPER, unix_socket};
use crate::unit;

/// How long the helper may take for one reply: more than its own deadline for what it reads.
const PATIENCE: Duration = Duration::from_millis(4500);
/// The same for GPU nodes, whose attempts have shorter deadlines than root facts.
const GPU_PATIENCE: Duration = Duration::from_millis(4000);
/// The most that a reply may be.
pub(crate) const LARGEST_REPLY: u64 = 1 << 20;

/// What the agent may ask for. The list is closed; nothing here changes anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// All root facts of one tick.
    Facts(FactsRequest),
    /// What root and the owning group may do with GPU nodes.
    Gpu(GpuRequest),
}

/// What the verb `facts` needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FactsRequest {
    /// Containers whose state is wanted, by name.
    pub(crate) containers: Vec<String>,
}

/// What the verb `gpu` needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct GpuRequest {
    /// Nodes below /dev/dri, for instance `/dev/dri/renderD128`.
    pub(crate) nodes: Vec<String>,
    /// Nodes, of those, that are really opened: only ones whose device is awake.
    pub(crate) open: Vec<String>,
    /// Nodes, of those, whose driver is asked for its codecs: only ones whose device is awake.
    pub(crate) codecs: Vec<String>,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// To [`Request::Facts`].
    Facts(Box<HelperAnswers>),
    /// To [`Request::Gpu`].
    Gpu(GpuAnswers),
    /// The request was not answered, and why.
    Refused(String),
}

/// The helper's socket, and what it answered in this process.
#[derive(Clone, Debug)]
pub(crate) struct HelperLine {
    socket: PathBuf,
    request: FactsRequest,
    facts: OnceLock<Reading<HelperAnswers>>,
}

impl HelperLine {
    /// A line that asks at `socket` when somebody wants to know.
    pub(crate) fn new(socket: PathBuf, request: FactsRequest) -> Self {
        Self { socket, request, facts: OnceLock::new() }
    }

    /// The verb `facts`, asked at most once.
    pub(super) fn facts(&self) -> Reading<&HelperAnswers> {
        self.facts.get_or_init(|| self.fresh_facts()).as_ref().map_err(Clone::clone)
    }

    /// The verb `facts`, asked anew: for figures of which two readings are compared.
    pub(super) fn fresh_facts(&self) -> Reading<HelperAnswers> {
        match ask(&self.socket, &Request::Facts(self.request.clone()), PATIENCE)? {
            Reply::Facts(answers) => Ok(*answers),
            Reply::Gpu(_) => Err(Unknown::error("coord-helper answered another question")),
            Reply::Refused(why) => Err(Unknown::denied(format!("coord-helper refuses: {why}"))),
        }
    }

    /// The verb `gpu`.
    pub(super) fn gpu(&self, request: &GpuRequest) -> Reading<GpuAnswers> {
        match ask(&self.socket, &Request::Gpu(request.clone()), GPU_PATIENCE)? {
            Reply::Gpu(answers) => Ok(answers),
            Reply::Facts(_) => Err(Unknown::error("coord-helper answered another question")),
            Reply::Refused(why) => Err(Unknown::denied(format!("coord-helper refuses: {why}"))),
        }
    }
}

/// One request and its reply.
fn ask(socket: &Path, request: &Request, patience: Duration) -> Reading<Reply> {
    let mut stream = unix_socket::connect(socket).map_err(|error| absent(socket, &error))?;
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            Unknown::new(ValueState::Timeout, format!("coord-helper did not answer in {} s", patience.as_secs_f32()))
        }
        _ => Unknown::error(format!("coord-helper: {error}")),
    };
    stream.set_read_timeout(Some(patience)).and_then(|()| stream.set_write_timeout(Some(patience))).map_err(failed)?;
    let mut line = serde_json::to_vec(request).map_err(|error| Unknown::error(error.to_string()))?;
    line.push(b'\n');
    // Who is refused hears it before having asked, and the helper has then hung up.
    let sent = stream.write_all(&line);
    let mut reply = String::new();
    let heard = BufReader::new(stream.take(LARGEST_REPLY)).read_line(&mut reply);
    if !reply.ends_with('\n') {
        sent.and(heard).map_err(failed)?;
        return Err(Unknown::error("coord-helper hung up without a whole reply"));
    }
    serde_json::from_str(&reply).map_err(|error| Unknown::error(format!("coord-helper made no sense: {error}")))
}

/// Nobody listens, or nobody takes the connection. The first is a fact about this machine, with the line that turns the helper on.
fn absent(socket: &Path, error: &std::io::Error) -> Unknown {
    if let Some(full) = unix_socket::full(socket, error) {
        return full;
    }
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
            Unknown::denied(needs_helper(Path::new(unit::SCRIPT).exists()))
        }
        _ => Unknown::denied(format!("coord-helper at {}: {error}", socket.display())),
    }
}

/// The line that turns the helper on: it belongs to the agent's service where there is no systemd.
fn needs_helper(script: bool) -> &'static str {
    if script { "needs coord-helper: /etc/rc.d/rc.coord-agent start" } else { NEEDS_HELPER }
}

#[cfg(test)]
mod tests {
    use std::{
        net::Shutdown,
        os::unix::net::{UnixListener, UnixStream},
    };

    use super::*;

    /// Asks a helper that does `answer` with the connection.
    fn ask_one(answer: impl FnOnce(UnixStream) + Send + 'static) -> Reading<Reply> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let peer = std::thread::spawn(move || answer(listener.accept().unwrap().0));
        let reply = ask(&socket, &Request::Facts(FactsRequest::default()), PATIENCE);
        peer.join().unwrap();
        reply
    }

    #[test]
    fn a_refusal_is_heard_although_the_request_was_not() {
        let reply = ask_one(|mut stream| {
            stream.shutdown(Shutdown::Read).unwrap();
            stream.write_all(b"{\"refused\":\"no\"}\n").unwrap();
        });
        assert_eq!(reply, Ok(Reply::Refused("no".into())));
    }

    #[test]
    fn half_a_reply_and_none_are_errors() {
        let half = ask_one(|mut stream| stream.write_all(b"{\"facts\":{}}").unwrap());
        assert_eq!(half.unwrap_err().state, ValueState::Error);
        assert_eq!(ask_one(drop).unwrap_err().state, ValueState::Error);
    }

    #[test]
    fn a_helper_that_takes_no_connections_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _crowd = unix_socket::tests::crowded(&socket);
        let reason = ask(&socket, &Request::Facts(FactsRequest::default()), PATIENCE).unwrap_err();
        assert_eq!(reason.state, ValueState::Timeout);
    }

    #[test]
    fn a_socket_without_a_helper_names_the_line_that_turns_it_on() {
        let reason =
            ask(Path::new("/nonexistent/socket"), &Request::Facts(FactsRequest::default()), PATIENCE).unwrap_err();
        assert_eq!(reason, Unknown::denied(NEEDS_HELPER));
    }
}
