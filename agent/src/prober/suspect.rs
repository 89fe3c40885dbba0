//! Domains that hung: asked rarely and alone, and not at all while a process that asked them cannot be ended.

use std::time::{Duration, Instant};

use tokio::process::Child;

/// The first pause after a hang; it doubles with each further one.
const SHORTEST: Duration = Duration::from_secs(30);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(600);

/// One domain that did not answer the last time.
pub(super) struct Suspect {
    /// Hangs in a row, at least one.
    hangs: u32,
    /// Not asked again before.
    not_before: Instant,
    /// The process that asked and cannot be ended.
    leaked: Option<Child>,
}

impl Suspect {
    /// After its first hang.
    pub(super) fn new(now: Instant, leaked: Option<Child>) -> Self {
        Self { hangs: 1, not_before: now + pause(1), leaked }
    }

    /// After one more.
    pub(super) fn hung_again(&mut self, now: Instant, leaked: Option<Child>) {
        self.hangs = self.hangs.saturating_add(1);
        self.not_before = now + pause(self.hangs);
        self.leaked = leaked;
    }

    /// Whether it may be asked now.
    pub(super) fn due(&self, now: Instant) -> bool {
        self.leaked.is_none() && now >= self.not_before
    }

    /// Lets it be asked at the next turn.
    pub(super) fn ask_soon(&mut self, now: Instant) {
        self.not_before = self.not_before.min(now);
    }

    /// Whether a process that asked it cannot be ended.
    pub(super) fn leaked(&self) -> bool {
        self.leaked.is_some()
    }

    /// Notices that the process has ended after all.
    pub(super) fn reap(&mut self) {
        if let Some(child) = &mut self.leaked
            && !matches!(child.try_wait(), Ok(None))
        {
            self.leaked = None;
        }
    }
}

/// 30 s, 1 min, 2 min … 10 min.
fn pause(hangs: u32) -> Duration {
    SHORTEST.saturating_mul(1 << hangs.saturating_sub(1).min(10)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_ten_minutes() {
        let seconds: Vec<u64> = (1..8).map(|hangs| pause(hangs).as_secs()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(pause(u32::MAX), LONGEST);
    }

    #[test]
    fn a_suspect_is_due_after_its_pause() {
        let now = Instant::now();
        let mut suspect = Suspect::new(now, None);
        assert!(!suspect.due(now + Duration::from_secs(29)));
        assert!(suspect.due(now + Duration::from_secs(30)));
        suspect.hung_again(now, None);
        assert!(!suspect.due(now + Duration::from_secs(59)));
        suspect.ask_soon(now);
        assert!(suspect.due(now));
    }
}
