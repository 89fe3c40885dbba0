//! The way into a virtual machine: a serial port through which scripts go and their results come back.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};

/// What became of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub output: String,
    /// What it printed as error.
    pub error: String,
}

/// A script that runs.
#[derive(Debug)]
pub struct Pending(Receiver<Answer>);

impl Pending {
    /// What became of it, if that is known within `patience`.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<Answer> {
        self.0.recv_timeout(patience).ok()
    }
}

/// Who waits for which script.
type Waiting = Arc<Mutex<BTreeMap<u64, Sender<Answer>>>>;

/// An open door.
#[derive(Debug)]
pub(super) struct Door {
    stream: UnixStream,
    next: AtomicU64,
    waiting: Waiting,
}

impl Door {
    /// Connects to the emulator's socket and waits until somebody stands behind the door.
    pub(super) fn open(socket: &Path, patience: Duration) -> Result<Self, String> {
        let deadline = Instant::now() + patience;
        let stream = connect(socket, deadline)?;
        let copy = stream.try_clone().map_err(|error| error.to_string())?;
        let left = deadline.saturating_duration_since(Instant::now());
        copy.set_read_timeout(Some(left.max(Duration::from_secs(1)))).map_err(|error| error.to_string())?;
        let mut reader = BufReader::new(copy);
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(_) if line.trim() == "ready" => {}
            Ok(_) => return Err(format!("the machine ended while it started, or said {line:?}")),
            Err(error) => return Err(format!("the machine has not started in {patience:?}: {error}")),
        }
        reader.get_ref().set_read_timeout(None).map_err(|error| error.to_string())?;
        let waiting = Waiting::default();
        let known = Arc::clone(&waiting);
        std::thread::spawn(move || listen(reader, &known));
        Ok(Self { stream, next: AtomicU64::new(1), waiting })
    }

    /// Sends a script in.
    pub(super) fn start(&self, script: &str) -> Pending {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(number, sender);
        // Under the lock, so that lines do not mix. Who waits learns of a broken door by waiting.
        let _ = (&self.stream).write_all(format!("{number} {}\n", STANDARD.encode(script)).as_bytes());
        Pending(receiver)
    }
}

/// The emulator makes its socket a moment after it starts.
fn connect(socket: &Path, deadline: Instant) -> Result<UnixStream, String> {
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > deadline => return Err(format!("the emulator has no socket: {error}")),
            Err(_) => std::thread::park_timeout(Duration::from_millis(50)),
        }
    }
}

/// Hands out answers until the machine ends.
fn listen(reader: BufReader<UnixStream>, waiting: &Waiting) {
    for line in reader.lines().map_while(Result::ok) {
        let Some((number, answer)) = answer(&line) else { continue };
        let sender = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        // Whoever gave up waiting does not listen any more.
        let _ = sender.map(|sender| sender.send(answer));
    }
}

/// `NUMBER CODE oOUTPUT eERROR`, the texts in base64.
fn answer(line: &str) -> Option<(u64, Answer)> {
    let mut parts = line.trim().split(' ');
    let number = parts.next()?.parse().ok()?;
    let code = parts.next()?.parse().ok()?;
    let mut text = |mark| {
        let bytes = STANDARD.decode(parts.next()?.strip_prefix(mark)?).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    Some((number, Answer { code, output: text('o')?, error: text('e')? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_number_a_code_and_two_texts() {
        let expected = Answer { code: 3, output: "hello\n".into(), error: String::new() };
        assert_eq!(answer("7 3 oaGVsbG8K e\r\n"), Some((7, expected)));
    }

    #[test]
    fn what_a_kernel_says_on_the_way_is_no_answer() {
        for line in ["", "ready", "7 3", "7 x o e", "7 0 aGVsbG8K e", "7 0 o? e"] {
            assert_eq!(answer(line), None, "{line:?}");
        }
    }
}
