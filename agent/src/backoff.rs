//! How long to wait before the next attempt: full jitter, so that a thousand agents do not come back at once.

use std::time::Duration;

/// The first wait is drawn from up to this.
const FIRST: Duration = Duration::from_millis(500);
/// The cap until a coordinator names another: with full jitter, a thousand agents are back within it.
pub(crate) const DEFAULT_CAP: Duration = Duration::from_secs(8);
/// How long to wait after three broken frames in a row: the two ends do not understand each other.
pub(crate) const BROKEN_WAIT: Duration = Duration::from_secs(300);

/// Attempts since the last success.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
    broken: u32,
}

impl Backoff {
    /// A session worked.
    pub(crate) fn succeeded(&mut self) {
        self.attempts = 0;
    }

    /// A frame could not be understood.
    pub(crate) fn broken(&mut self) {
        self.broken += 1;
    }

    /// Frames are understood.
    pub(crate) fn understood(&mut self) {
        self.broken = 0;
    }

    /// Whether the two ends seem to speak different languages.
    pub(crate) fn not_understood(&self) -> bool {
        self.broken >= 3
    }

    /// The next wait, with `random` drawn evenly from all of `u64`.
    pub(crate) fn wait(&mut self, cap: Duration, random: u64) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        if self.not_understood() {
            return BROKEN_WAIT;
        }
        let longest = FIRST.saturating_mul(1 << self.attempts.min(16)).min(cap);
        let share = random as f64 / u64::MAX as f64;
        longest.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_never_passes_the_cap(attempts in 0_u32..100, random: u64, cap in 1_u64..600) {
            let cap = Duration::from_secs(cap);
            let mut backoff = Backoff::default();
            for _ in 0..attempts {
                backoff.wait(cap, random);
            }
            prop_assert!(backoff.wait(cap, random) <= cap);
        }
    }

    #[test]
    fn three_broken_frames_in_a_row_wait_five_minutes() {
        let mut backoff = Backoff::default();
        backoff.broken();
        backoff.broken();
        assert!(backoff.wait(DEFAULT_CAP, 0) < BROKEN_WAIT);
        backoff.broken();
        assert_eq!(backoff.wait(DEFAULT_CAP, 0), BROKEN_WAIT);
        backoff.understood();
        assert!(backoff.wait(DEFAULT_CAP, 0) < BROKEN_WAIT);
    }
}
