//! Regular readings, counted in heartbeats, so that no timer of their own wakes the process.
//!
//! Figures that move by themselves are read and sent at the pace that the coordinator sets. Where that is slow, what no
//! event tells is looked at each minute where something may hang, and everything each five minutes.

use std::time::Duration;

use coord_model::{SectionKind, Welcome};

use super::outbox::Worth;
use crate::watch::Restless;

/// How often something that may hang is looked at.
const MINUTE: Duration = Duration::from_secs(60);
/// How often everything is looked at.
const SLOW: Duration = Duration::from_secs(300);

/// How many heartbeats lie between two regular readings of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticks {
    facts: u64,
    minute: u64,
    slow: u64,
}

impl Ticks {
    /// By the pace of a session.
    pub(super) fn of(welcome: &Welcome) -> Self {
        let beats = |span: Duration| {
            let beats = span.as_millis().div_ceil(welcome.heartbeat.as_millis().max(1));
            u64::try_from(beats).unwrap_or(u64::MAX).max(1)
        };
        Self { facts: beats(welcome.facts), minute: beats(MINUTE), slow: beats(SLOW) }
    }

    /// What is due at this heartbeat, at most one reading for all of it.
    pub(super) fn due(self, beat: u64, restless: Restless) -> Option<(Vec<SectionKind>, Worth)> {
        if beat.is_multiple_of(self.facts) {
            return Some((SectionKind::ALL.to_vec(), Worth::Everything));
        }
        if beat.is_multiple_of(self.slow) {
            return Some((SectionKind::ALL.to_vec(), Worth::Settled));
        }
        let mut kinds = Vec::new();
        if restless.mounts {
            kinds.extend([SectionKind::Mounts, SectionKind::Disk]);
        }
        if restless.k3s {
            kinds.push(SectionKind::K3s);
        }
        (!kinds.is_empty() && beat.is_multiple_of(self.minute)).then_some((kinds, Worth::Settled))
    }

    /// Whether sources that could not be opened are tried again at this heartbeat.
    pub(super) fn reopens(self, beat: u64) -> bool {
        beat.is_multiple_of(self.minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(heartbeat: u64, facts: u64) -> Ticks {
        let (heartbeat, facts) = (Duration::from_secs(heartbeat), Duration::from_secs(facts));
        Ticks::of(&Welcome { heartbeat, facts, ..Welcome::default() })
    }

    /// The heartbeats of an hour at which something is read, with how many sections.
    fn readings(ticks: Ticks, beats: u64, restless: Restless) -> Vec<(u64, usize)> {
        (1..=beats).filter_map(|beat| ticks.due(beat, restless).map(|(kinds, _)| (beat, kinds.len()))).collect()
    }

    #[test]
    fn one_reading_serves_all_that_is_due() {
        let calm = Restless::default();
        let all = SectionKind::ALL.len();
        assert_eq!(readings(ticks(10, 60), 18, calm), [(6, all), (12, all), (18, all)]);
        assert_eq!(readings(ticks(60, 3600), 12, calm), [(5, all), (10, all)]);
        let mounts = Restless { mounts: true, k3s: false };
        assert_eq!(readings(ticks(60, 300), 5, mounts), [(1, 2), (2, 2), (3, 2), (4, 2), (5, all)]);
        assert_eq!(readings(ticks(10, 60), 6, mounts), [(6, all)]);
    }

    #[test]
    fn no_pace_divides_by_zero() {
        let welcome = Welcome { heartbeat: Duration::ZERO, facts: Duration::ZERO, ..Welcome::default() };
        assert!(Ticks::of(&welcome).due(1, Restless::default()).is_some());
        assert!(ticks(3600, 1).due(1, Restless::default()).is_some());
    }
}
