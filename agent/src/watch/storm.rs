//! The pause between two readings: a second, and longer while events do not end.

use std::time::Duration;

/// The first event is read at once, then at most one reading a second.
const SHORTEST: Duration = Duration::from_secs(1);
/// So many readings in a row double the pause.
const STEP: u32 = 10;
/// How often it doubles: 1 s, 2 s, 4 s, 8 s.
const DOUBLINGS: u32 = 3;

/// How long events have been coming without an end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Storm(u32);

impl Storm {
    /// The pause after a reading, by whether its event had come during the pause before.
    pub(crate) fn pause(&mut self, waited: bool) -> Duration {
        self.0 = if waited { self.0.saturating_add(1) } else { 0 };
        SHORTEST.saturating_mul(1 << (self.0 / STEP).min(DOUBLINGS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_while_events_do_not_end() {
        let mut storm = Storm::default();
        assert_eq!(storm.pause(false), SHORTEST);
        let pauses: Vec<u64> = (0..50).map(|_| storm.pause(true).as_secs()).collect();
        assert_eq!((pauses[8], pauses[9], pauses[19], pauses[49]), (1, 2, 4, 8));
        // Ten thousand events a minute are fewer than fourteen readings then.
        assert!(pauses.iter().sum::<u64>() > 200, "{pauses:?}");
        assert_eq!(storm.pause(false), SHORTEST);
        assert_eq!(Storm(u32::MAX).pause(true), Duration::from_secs(8));
    }
}
