//! Lanes: what can hang on its own is read on a thread of its own, and no two helpers read in one lane.
//!
//! A reader that never returns (a dead /etc/pve, a broken disk) keeps its lane's lock as long as its process lives, so
//! that later connections answer `timeout` instead of leaving one more reader behind.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant, SystemTime},
};

use coord_model::{Reading, Unknown, ValueState};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

/// How old a lock may be whose holder is still believed to come back; no helper reads longer.
const BELIEVED: Duration = Duration::from_secs(3);
/// How often a lane looks whether another helper has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Something that is being read on a thread.
pub(super) struct Lane<T> {
    name: &'static str,
    end: Instant,
    answer: Reading<Receiver<Reading<T>>>,
}

impl<T: Send + 'static> Lane<T> {
    /// Starts `read` as soon as no other helper reads in this lane; its lock lies in `folder`.
    pub(super) fn start(
        folder: PathBuf,
        name: &'static str,
        end: Instant,
        read: impl FnOnce() -> Reading<T> + Send + 'static,
    ) -> Self {
        let (send, answer) = channel();
        let work = move || {
            let lock = lock(&folder, name, end);
            let reading = lock.as_ref().map_err(Clone::clone).and_then(|_| read());
            // Nobody listens when the deadline has passed.
            drop(send.send(reading));
            drop(lock);
        };
        let started = thread::Builder::new().name(name.to_string()).spawn(work);
        let answer =
            started.map(|_| answer).map_err(|error| Unknown::error(format!("no thread to read {name}: {error}")));
        Self { name, end, answer }
    }

    /// What was read, or that it did not come in time.
    pub(super) fn finish(self) -> Reading<T> {
        match self.answer?.recv_timeout(self.end.saturating_duration_since(Instant::now())) {
            Ok(reading) => reading,
            Err(RecvTimeoutError::Timeout) => {
                Err(Unknown::new(ValueState::Timeout, format!("reading {} did not end in time", self.name)))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Unknown::error(format!("reading {} was broken off", self.name))),
        }
    }
}

/// The lane's lock, held by one process at a time.
pub(super) fn lock(folder: &Path, name: &str, end: Instant) -> Reading<Flock<File>> {
    let failed = |error: io::Error| Unknown::error(format!("cannot lock {name}: {error}"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let path = folder.join(format!("{name}.lock"));
    let mut file = File::options().create(true).append(true).open(&path).map_err(failed)?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => {
                lock.set_modified(SystemTime::now()).map_err(failed)?;
                return Ok(lock);
            }
            Err((held, Errno::EAGAIN)) if believed(&held) && Instant::now() < end => file = held,
            Err((_, Errno::EAGAIN)) => {
                let message = format!("an earlier reading of {name} has not come back");
                return Err(Unknown::new(ValueState::Timeout, message));
            }
            Err((_, errno)) => return Err(failed(errno.into())),
        }
        thread::sleep(LOOK);
    }
}

/// Whether the holder of this lock took it a moment ago.
fn believed(file: &File) -> bool {
    let taken = file.metadata().and_then(|data| data.modified());
    // A time to come is a clock that was set back: the deadline ends the wait.
    taken.is_ok_and(|time| time.elapsed().is_ok_and(|age| age <= BELIEVED) || time > SystemTime::now())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn soon() -> Instant {
        Instant::now() + LONG
    }

    #[test]
    fn an_answer_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let lane = Lane::start(folder.path().into(), "quick", soon(), || Ok(7));
        assert_eq!(lane.finish(), Ok(7));
    }

    /// A lane whose reader has begun and does not end before the sender is dropped.
    fn stuck(folder: &Path, end: Instant) -> (Lane<u32>, std::sync::mpsc::Sender<()>) {
        let ((release, hold), (begin, begun)) = (channel::<()>(), channel());
        let lane = Lane::start(folder.into(), "stuck", end, move || {
            begin.send(()).unwrap();
            let _ = hold.recv();
            Ok(1)
        });
        begun.recv().unwrap();
        (lane, release)
    }

    #[test]
    fn a_reader_that_hangs_costs_its_lane_and_nobody_starts_another() {
        let folder = tempfile::tempdir().unwrap();
        let (lane, release) = stuck(folder.path(), soon());
        let old = SystemTime::now() - Duration::from_secs(60);
        File::options().append(true).open(folder.path().join("stuck.lock")).unwrap().set_modified(old).unwrap();
        let began = Instant::now();
        let second = Lane::start(folder.path().into(), "stuck", soon(), || Ok(2));
        let reason = second.finish().unwrap_err();
        assert!(reason.message.contains("has not come back"), "{}", reason.message);
        assert!(began.elapsed() < LONG, "it waited for one that does not come back");
        drop(release);
        assert_eq!(lane.finish(), Ok(1));
    }

    #[test]
    fn a_reader_that_began_a_moment_ago_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (first, release) = stuck(folder.path(), soon());
        let second = Lane::start(folder.path().into(), "stuck", soon(), || Ok(2));
        drop(release);
        assert_eq!((first.finish(), second.finish()), (Ok(1), Ok(2)));
    }

    #[test]
    fn the_deadline_ends_the_wait() {
        let folder = tempfile::tempdir().unwrap();
        let (lane, _release) = stuck(folder.path(), Instant::now());
        assert_eq!(lane.finish().unwrap_err().state, ValueState::Timeout);
    }

    #[test]
    fn a_reader_that_breaks_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let lane: Lane<u32> = Lane::start(folder.path().into(), "broken", soon(), || panic!("on purpose"));
        assert_eq!(lane.finish().unwrap_err().state, ValueState::Error);
    }
}
