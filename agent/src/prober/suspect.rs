//! Domains that hung: asked rarely and alone, and not at all while a process that asked them cannot be ended.

use std::time::{Duration, Instant};

use coord_model::SectionKind;
use tokio::process::Child;

/// The first pause after a hang; it doubles with each further one.
const SHORTEST: Duration = Duration::from_secs(30);
/// How long a disk of a server may take to spin up.
const SPIN_UP: Duration = Duration::from_secs(30);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(600);

/// One domain that did not answer the last time.
pub(super) struct Suspect {
    /// Hangs in a row, at least one.
    hangs: u32,
    /// When it hung for the first time.
    since: Instant,
    /// When it hung the last time.
    last: Instant,
    /// Not asked again before.
    not_before: Instant,
    /// The process that asked and cannot be ended.
    leaked: Option<Child>,
}

impl Suspect {
    /// After its first hang.
    pub(super) fn new(now: Instant, leaked: Option<Child>) -> Self {
        Self { hangs: 1, since: now, last: now, not_before: now + pause(1), leaked }
    }

    /// After one more.
    pub(super) fn hung_again(&mut self, now: Instant, leaked: Option<Child>) {
        self.hangs = self.hangs.saturating_add(1);
        self.last = now;
        self.not_before = now + pause(self.hangs);
        self.leaked = leaked;
    }

    /// Whether it may be asked now.
    pub(super) fn due(&self, now: Instant) -> bool {
        self.leaked.is_none() && now >= self.not_before
    }

    /// Forgets how often it hung, for when it is asked again: something changed. A table of mounts that changes all the
    /// time does not make it asked all the time.
    pub(super) fn ask_sooner(&mut self) {
        self.not_before = self.not_before.min(self.last + SHORTEST);
    }

    /// Whether it hung more than once, longer than a disk takes to spin up.
    pub(super) fn lasting(&self, now: Instant) -> bool {
        self.hangs > 1 && now.saturating_duration_since(self.since) >= SPIN_UP
    }

    /// When it may be asked again; `None` while a process that asked it cannot be ended.
    pub(super) fn asked_again(&self) -> Option<Instant> {
        self.leaked.is_none().then_some(self.not_before)
    }

    /// Whether a process that asked it cannot be ended.
    pub(super) fn leaked(&self) -> bool {
        self.leaked.is_some()
    }

    /// Notices that the process has ended after all: somebody answered it, so that it may be asked again at once.
    pub(super) fn reap(&mut self, now: Instant) {
        if let Some(child) = &mut self.leaked
            && !matches!(child.try_wait(), Ok(None))
        {
            self.leaked = None;
            self.not_before = now;
        }
    }
}

/// What is suspect, and when it may be asked again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due(Vec<(Option<Instant>, Vec<SectionKind>)>);

impl Due {
    /// Of suspects: when each may be asked, and the sections that ask it.
    pub(super) fn of(suspects: impl Iterator<Item = (Option<Instant>, Vec<SectionKind>)>) -> Self {
        Self(suspects.collect())
    }

    /// Whether nothing is suspect.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sections whose suspects may be asked now.
    pub(crate) fn kinds(&self, now: Instant) -> Vec<SectionKind> {
        let due = self.0.iter().filter(|(when, _)| when.is_some_and(|when| when <= now));
        due.flat_map(|(_, kinds)| kinds.iter().copied()).collect()
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
        suspect.ask_sooner();
        assert!(!suspect.due(now + Duration::from_secs(29)) && suspect.due(now + Duration::from_secs(30)));
    }

    #[test]
    fn one_hang_is_not_lasting_however_long_ago() {
        let now = Instant::now();
        let later = |seconds| now + Duration::from_secs(seconds);
        let mut suspect = Suspect::new(now, None);
        assert!(!suspect.lasting(later(60)));
        suspect.hung_again(later(20), None);
        assert!(!suspect.lasting(later(29)) && suspect.lasting(later(30)));
    }
}
