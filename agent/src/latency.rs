//! How long a file system takes to put a small write on its disk: etcd does little else, and a slow disk costs the whole
//! cluster its leader.
//!
//! The test is the usual one for etcd: 2300 bytes, fdatasync, 10 000 times. It writes up to 22 MiB to a file of its own.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown, ValueState};

mod command;
mod percentile;
mod place;
mod verdict;

pub(crate) use command::command;
pub(crate) use percentile::Latency;
pub(crate) use place::{LatencyError, Place};
pub(crate) use verdict::Verdict;

use crate::host::SyncLatency;

/// What etcd writes at a time, about.
pub(crate) const BLOCK: usize = 2300;
/// Writes of a whole test.
pub(crate) const WRITES: usize = 10_000;
/// A whole test ends after this time at the latest.
const TIME: Duration = Duration::from_secs(20);
/// Where k3s keeps its data.
const K3S: &str = "/var/lib/rancher";

/// Whether the test goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It does.
    Go,
    /// Somebody wants it to end.
    Stop,
}

/// Writes and waits until `writes` are done or `time` is over; `watch` hears of each write and may end it.
pub(crate) fn measure(
    place: &Place,
    writes: usize,
    time: Duration,
    watch: &mut dyn FnMut(usize, Duration) -> Step,
) -> Result<Latency, LatencyError> {
    let mut scratch = place.scratch(BLOCK * writes)?;
    let failed = |source| LatencyError::Write { path: place.path().to_path_buf(), source };
    let began = Instant::now();
    let mut waits = Vec::with_capacity(writes);
    let mut noise = 0x9e37_79b9_7f4a_7c15;
    while waits.len() < writes && (began.elapsed() < time || waits.is_empty()) {
        scratch.file().write_all(&block(&mut noise)).map_err(failed)?;
        let before = Instant::now();
        scratch.file().sync_data().map_err(failed)?;
        waits.push(before.elapsed());
        if watch(waits.len(), began.elapsed()) == Step::Stop {
            return Err(LatencyError::Interrupted);
        }
    }
    Latency::of(waits, began.elapsed()).ok_or(LatencyError::Interrupted)
}

/// Bytes that no file system can make smaller (xorshift64).
fn block(noise: &mut u64) -> [u8; BLOCK] {
    let mut bytes = [0; BLOCK];
    for part in bytes.chunks_mut(8) {
        *noise ^= *noise << 13;
        *noise ^= *noise >> 7;
        *noise ^= *noise << 17;
        let length = part.len();
        part.copy_from_slice(&noise.to_le_bytes()[..length]);
    }
    bytes
}

/// The same as a fact: in the agent's own folder, or in k3s' where it may be written, on the file system of k3s' data.
pub(crate) fn below_k3s(state: Option<&Path>, time: Duration) -> Reading<SyncLatency> {
    below(Path::new(K3S), state, time)
}

fn below(data: &Path, state: Option<&Path>, time: Duration) -> Reading<SyncLatency> {
    let hint = format!("sudo coord-agent check --disk-latency {}", data.display());
    let wanted = place::file_system(data).map_err(|error| Unknown::error(format!("{}: {error}", data.display())))?;
    let candidates = [state, Some(data)].into_iter().flatten();
    let mut reasons = Vec::new();
    for folder in candidates.filter(|folder| place::file_system(folder).is_ok_and(|found| found == wanted)) {
        let measured = Place::open(folder).and_then(|place| {
            place.clear();
            measure(&place, WRITES, time, &mut |_, _| Step::Go)
        });
        match measured {
            Ok(latency) => return Ok(SyncLatency { path: folder.display().to_string(), seconds: latency.p99 }),
            Err(error) => reasons.push(error.to_string().lines().next().unwrap_or_default().to_string()),
        }
    }
    if reasons.is_empty() {
        reasons.push(format!("the agent may write nowhere on the file system of {}", data.display()));
    }
    Err(Unknown::new(ValueState::Denied, format!("{}: {hint}", reasons.join("; "))))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn left(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_test_of_a_few_writes_leaves_nothing_behind() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let place = Place::open(folder.path()).unwrap();
        let mut seen = Vec::new();
        let latency = measure(&place, 20, TIME, &mut |writes, _| {
            seen.push((writes, left(folder.path())));
            Step::Go
        });
        let latency = latency.unwrap();
        assert_eq!(latency.writes, 20);
        assert!(latency.p50 <= latency.p99 && latency.p99 <= latency.max && latency.max > 0.0);
        assert_eq!((seen.first(), seen.last(), left(folder.path())), (Some(&(1, 1)), Some(&(20, 1)), 0));
    }

    #[test]
    fn who_stops_it_gets_no_figure_and_finds_no_file() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let place = Place::open(folder.path()).unwrap();
        let stop = &mut |writes, _| if writes == 3 { Step::Stop } else { Step::Go };
        assert!(matches!(measure(&place, 100, TIME, stop), Err(LatencyError::Interrupted)));
        assert_eq!(left(folder.path()), 0);
    }

    #[test]
    fn time_ends_it_and_one_write_is_always_done() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let place = Place::open(folder.path()).unwrap();
        let latency = measure(&place, WRITES, Duration::ZERO, &mut |_, _| Step::Go).unwrap();
        assert_eq!(latency.writes, 1);
    }

    #[test]
    fn the_agents_own_folder_stands_in_for_that_of_k3s() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let state = folder.path().join("state");
        fs::create_dir(&state).unwrap();
        // k3s is not installed yet: where its data will lie counts.
        let data = folder.path().join("rancher/k3s");
        let measured = below(&data, Some(&state), Duration::ZERO).unwrap();
        assert_eq!(measured.path, state.display().to_string());
        assert!(measured.seconds > 0.0);
    }

    #[test]
    fn another_file_system_says_nothing_about_that_of_k3s() {
        let reason = below(Path::new("/proc/sys"), Some(Path::new(env!("CARGO_MANIFEST_DIR"))), Duration::ZERO);
        let reason = reason.unwrap_err();
        assert_eq!(reason.state, ValueState::Denied);
        assert!(reason.message.ends_with("sudo coord-agent check --disk-latency /proc/sys"), "{}", reason.message);
    }

    #[test]
    fn no_two_blocks_are_the_same() {
        let mut noise = 1;
        assert_ne!(block(&mut noise), block(&mut noise));
    }
}
