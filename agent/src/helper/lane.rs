//! Lanes: what can hang on its own is read on a thread of its own, and no two helpers read in one lane.
//!
//! A reader that never returns (a dead /etc/pve, a broken disk) keeps its lane's lock as long as its process lives, so
//! that later connections answer `timeout` at once instead of leaving one more process behind.

use std::{
    fs::{self, File},
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown, ValueState};
use nix::fcntl::{Flock, FlockArg};

/// Where the locks lie: a folder that only root may write, on a file system that cannot hang.
pub(super) const LOCKS: &str = "/run/coord-helper";

/// Something that is being read on a thread.
pub(super) struct Lane<T> {
    name: &'static str,
    answer: Reading<Receiver<Reading<T>>>,
}

impl<T: Send + 'static> Lane<T> {
    /// Starts `read` unless an earlier reader of this lane has not come back.
    pub(super) fn start(name: &'static str, read: impl FnOnce() -> Reading<T> + Send + 'static) -> Self {
        Self::start_below(Path::new(LOCKS), name, read)
    }

    fn start_below(folder: &Path, name: &'static str, read: impl FnOnce() -> Reading<T> + Send + 'static) -> Self {
        let answer = lock(folder, name).and_then(|lock| {
            let (send, answer) = channel();
            let work = move || {
                // Nobody listens when the deadline has passed.
                drop(send.send(read()));
                drop(lock);
            };
            let started = thread::Builder::new().name(name.to_string()).spawn(work);
            started.map(|_| answer).map_err(|error| Unknown::error(format!("no thread for {name}: {error}")))
        });
        Self { name, answer }
    }

    /// What was read, or that it did not come before `end`.
    pub(super) fn finish(self, end: Instant) -> Reading<T> {
        match self.answer?.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(reading) => reading,
            Err(RecvTimeoutError::Timeout) => {
                Err(Unknown::new(ValueState::Timeout, format!("reading {} did not end in time", self.name)))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Unknown::error(format!("reading {} was broken off", self.name))),
        }
    }
}

/// How long a lane waits for another helper that is about to end.
const SHARED: Duration = Duration::from_millis(300);

/// The lane's lock, held by one process at a time.
fn lock(folder: &Path, name: &str) -> Reading<Flock<File>> {
    let failed = |error: std::io::Error| Unknown::error(format!("cannot lock {name}: {error}"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let path = folder.join(format!("{name}.lock"));
    let began = Instant::now();
    loop {
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err(_) if began.elapsed() < SHARED => thread::sleep(Duration::from_millis(20)),
            Err(_) => {
                let message = format!("an earlier reading of {name} has not come back");
                return Err(Unknown::new(ValueState::Timeout, message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn an_answer_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let lane = Lane::start_below(folder.path(), "quick", || Ok(7));
        assert_eq!(lane.finish(Instant::now() + Duration::from_secs(5)), Ok(7));
    }

    #[test]
    fn a_reader_that_hangs_costs_its_lane_and_nobody_starts_another() {
        let folder = tempfile::tempdir().unwrap();
        let (release, hold) = channel::<()>();
        let lane = Lane::start_below(folder.path(), "stuck", move || {
            let _ = hold.recv();
            Ok(1)
        });
        assert_eq!(lane.finish(Instant::now()).unwrap_err().state, ValueState::Timeout);
        let second = Lane::start_below(folder.path(), "stuck", || Ok(2));
        let reason = second.finish(Instant::now() + Duration::from_secs(5)).unwrap_err();
        assert!(reason.message.contains("has not come back"), "{}", reason.message);
        drop(release);
    }

    #[test]
    fn a_reader_that_breaks_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let lane: Lane<u32> = Lane::start_below(folder.path(), "broken", || panic!("on purpose"));
        let reason = lane.finish(Instant::now() + Duration::from_secs(5)).unwrap_err();
        assert_eq!(reason.state, ValueState::Error);
    }
}
