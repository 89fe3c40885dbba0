//! What readings of mounts remember from one to the next, and what moved in between: the signs of life of a superblock
//! that nobody touches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::statistics::{Statistics, mean_seconds};

/// The most superblocks that are remembered.
const MOST: usize = 512;

/// All superblocks of the last reading, by device number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MountsMemory {
    seen: BTreeMap<String, Seen>,
}

/// One superblock as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Seen {
    /// As mountinfo names it: device numbers are given again to other mounts.
    source: String,
    /// Seconds since it was mounted.
    age_seconds: u64,
    operations: u64,
    round_trip_milliseconds: u64,
    /// Mean of the last requests that are known.
    round_trip_seconds: Option<f64>,
    sent: u64,
    received: u64,
    /// When requests were first seen to go out without a reply, in seconds since boot.
    unanswered_since: Option<f64>,
    /// FUSE: requests that wait.
    waiting: Option<u64>,
    /// Whether its server answered.
    pinged: bool,
    /// Whether something came back since the reading before.
    alive: bool,
}

/// What one reading sees of a superblock.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    /// As mountinfo names it.
    pub(super) source: String,
    /// NFS only.
    pub(super) statistics: Option<Statistics>,
    /// FUSE only.
    pub(super) waiting: Option<u64>,
    /// Whether its server answered.
    pub(super) pinged: bool,
    /// Seconds since boot.
    pub(super) now: f64,
}

/// What moved since the reading before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Movement {
    /// NFS: requests went out since the reading before, and for so many seconds no reply to any has come.
    pub(super) unanswered_seconds: Option<f64>,
    /// Mean round trip of the requests since the reading before, else of the last that are known.
    pub(super) round_trip_seconds: Option<f64>,
}

impl MountsMemory {
    /// Whether something came back from the superblock `device` between the last two readings.
    pub(crate) fn shows_life(&self, device: &str) -> bool {
        self.seen.get(device).is_some_and(|seen| seen.alive)
    }

    /// Begins with an empty one, and gives what was known until now.
    pub(super) fn turn(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Takes in one superblock: what `earlier` knew of it is compared with what is seen now.
    pub(super) fn note(&mut self, earlier: &Self, device: &str, sight: &Sight) -> Movement {
        let previous = earlier.seen.get(device).filter(|previous| previous.same_mount(sight));
        let (seen, movement) = compare(previous, sight);
        if self.seen.len() < MOST {
            self.seen.insert(device.to_string(), seen);
        }
        movement
    }
}

impl Seen {
    /// A mount that is younger than it was has been mounted anew.
    fn same_mount(&self, sight: &Sight) -> bool {
        let younger = sight.statistics.is_some_and(|now| {
            now.age_seconds < self.age_seconds
                || now.operations < self.operations
                || now.transport.is_some_and(|transport| transport.received < self.received)
        });
        self.source == sight.source && !younger
    }
}

/// The next memory of a superblock and what moved.
fn compare(previous: Option<&Seen>, sight: &Sight) -> (Seen, Movement) {
    let counted = sight.statistics.unwrap_or_default();
    let transport = counted.transport.unwrap_or_default();
    let mut seen = Seen {
        source: sight.source.clone(),
        age_seconds: counted.age_seconds,
        operations: counted.operations,
        round_trip_milliseconds: counted.round_trip_milliseconds,
        round_trip_seconds: mean_seconds(counted.round_trip_milliseconds, counted.operations),
        sent: transport.sent,
        received: transport.received,
        unanswered_since: None,
        waiting: sight.waiting,
        pinged: sight.pinged,
        alive: false,
    };
    let Some(previous) = previous else {
        return (seen.clone(), Movement { unanswered_seconds: None, round_trip_seconds: seen.round_trip_seconds });
    };
    seen.round_trip_seconds = mean_seconds(
        seen.round_trip_milliseconds.saturating_sub(previous.round_trip_milliseconds),
        seen.operations.saturating_sub(previous.operations),
    )
    .or(previous.round_trip_seconds);
    let answered = seen.received > previous.received;
    let drained = previous.waiting.is_some_and(|waiting| waiting > 0) && seen.waiting == Some(0);
    seen.alive = answered || drained || (seen.pinged && !previous.pinged);
    let asked = seen.sent > previous.sent;
    seen.unanswered_since = match (answered, asked) {
        (true, _) => None,
        (false, true) => previous.unanswered_since.or(Some(sight.now)),
        (false, false) => previous.unanswered_since,
    };
    // One request that is on its way just now is no evidence, and neither is an idle mount whose last request was given
    // up: only a mount that asks again and again without a reply.
    let earlier = previous.unanswered_since.filter(|_| asked && !answered);
    let unanswered_seconds = earlier.map(|since| (sight.now - since).max(0.0));
    let round_trip_seconds = seen.round_trip_seconds;
    (seen, Movement { unanswered_seconds, round_trip_seconds })
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::Transport, *};

    fn sight(now: f64, sent: u64, received: u64, operations: u64) -> Sight {
        let statistics = Statistics {
            age_seconds: 1000,
            operations,
            round_trip_milliseconds: operations * 2,
            transport: Some(Transport { sent, received }),
            ..Statistics::default()
        };
        Sight { source: "nas:/x".to_string(), statistics: Some(statistics), pinged: true, now, ..Sight::default() }
    }

    /// Movement and signs of life of one superblock over some readings.
    fn told(sights: &[Sight]) -> Vec<(Option<f64>, bool)> {
        let mut memory = MountsMemory::default();
        sights
            .iter()
            .map(|sight| {
                let earlier = memory.turn();
                let movement = memory.note(&earlier, "0:45", sight);
                (movement.unanswered_seconds, memory.shows_life("0:45"))
            })
            .collect()
    }

    #[test]
    fn requests_without_a_reply_are_evidence_from_the_second_time_on() {
        let sights = [
            sight(0.0, 10, 8, 8),
            sight(10.0, 12, 8, 8),
            sight(20.0, 13, 8, 8),
            sight(50.0, 14, 8, 8),
            sight(60.0, 14, 8, 8),
            sight(70.0, 15, 9, 9),
        ];
        let expected =
            [(None, false), (None, false), (Some(10.0), false), (Some(40.0), false), (None, false), (None, true)];
        assert_eq!(told(&sights), expected);
    }

    #[test]
    fn an_idle_mount_with_an_old_loss_is_no_evidence() {
        let sights = [sight(0.0, 10, 8, 8), sight(10.0, 10, 8, 8), sight(900.0, 10, 8, 8)];
        assert!(told(&sights).iter().all(|found| *found == (None, false)));
    }

    #[test]
    fn another_mount_with_the_same_number_begins_anew() {
        let mut younger = sight(20.0, 13, 8, 8);
        younger.statistics = younger.statistics.map(|now| Statistics { age_seconds: 3, ..now });
        let other = Sight { source: "nas:/y".to_string(), ..sight(20.0, 13, 8, 8) };
        for last in [younger, other] {
            let found = told(&[sight(0.0, 10, 8, 8), sight(10.0, 12, 8, 8), last]);
            assert_eq!(found[2], (None, false));
        }
    }

    #[test]
    fn a_drained_queue_and_a_server_that_is_back_are_life() {
        let fuse = |waiting| Sight { source: "shfs".to_string(), waiting: Some(waiting), ..Sight::default() };
        assert_eq!(told(&[fuse(1), fuse(2), fuse(0), fuse(0)]).map_life(), [false, false, true, false]);
        let nfs = |pinged| Sight { pinged, ..sight(0.0, 10, 8, 8) };
        assert_eq!(told(&[nfs(true), nfs(false), nfs(true), nfs(true)]).map_life(), [false, false, true, false]);
    }

    trait Life {
        fn map_life(self) -> Vec<bool>;
    }

    impl Life for Vec<(Option<f64>, bool)> {
        fn map_life(self) -> Vec<bool> {
            self.into_iter().map(|(_, life)| life).collect()
        }
    }

    #[test]
    fn the_round_trip_is_that_of_the_last_requests() {
        let mut memory = MountsMemory::default();
        let mut slower = sight(10.0, 11, 9, 10);
        slower.statistics = slower.statistics.map(|now| Statistics { round_trip_milliseconds: 416, ..now });
        let idle = Sight { now: 20.0, ..slower.clone() };
        let trips: Vec<_> = [sight(0.0, 10, 8, 8), slower, idle]
            .iter()
            .map(|sight| {
                let earlier = memory.turn();
                memory.note(&earlier, "0:45", sight).round_trip_seconds
            })
            .collect();
        assert_eq!(trips, [Some(0.002), Some(0.2), Some(0.2)]);
    }
}
