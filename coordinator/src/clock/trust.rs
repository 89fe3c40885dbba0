//! Whether the wall clock can be believed: a state that is told the time and never asks for it.
//!
//! A certificate issued at a wrong time is wrong for good, and a token that never expires is a hole. So a clock that is
//! earlier than a time seen before, or that jumped, issues nothing until the kernel says that it is synchronised or a
//! person accepts it. A clock that was never synchronised but runs on evenly is believed: many containers are so.

use std::time::Duration;

use coord_model::{Moment, Wall};

use super::EARLIEST;

/// A difference between the two clocks that is no correction any more.
pub const JUMP: Duration = Duration::from_secs(10 * 60);

/// Remembering is written to disk no more often than this.
const REMEMBER_EVERY: Duration = Duration::from_secs(10 * 60);

/// Why the clock is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// It says a time before one that was seen while it could be trusted.
    Earlier {
        /// The newest time that could be trusted.
        remembered: Wall,
    },
    /// It went forward by this much beside the boot clock.
    JumpedForward(Duration),
    /// It went back by this much beside the boot clock.
    JumpedBack(Duration),
}

impl std::fmt::Display for Distrust {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Earlier { .. } => formatter.write_str("the clock is earlier than a time that was already seen"),
            Self::JumpedForward(by) => write!(formatter, "the clock jumped forward by {}", coord_planner::span(*by)),
            Self::JumpedBack(by) => write!(formatter, "the clock jumped back by {}", coord_planner::span(*by)),
        }
    }
}

/// What is believed of the clock, told each observation in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockTrust {
    /// The newest time that could be trusted.
    newest: Wall,
    /// What was last written to disk.
    remembered: Option<Wall>,
    last: Moment,
    distrust: Option<Distrust>,
}

impl ClockTrust {
    /// The state at the start. `remembered` is from the store.
    #[must_use]
    pub fn start(remembered: Option<Wall>, now: Moment, synchronised: bool) -> Self {
        let newest = remembered.unwrap_or(EARLIEST).max(EARLIEST);
        let mut trust = Self { newest, remembered, last: now, distrust: None };
        trust.observe(now, synchronised);
        trust
    }

    /// Takes in what the clocks and the kernel say now; to be called every few seconds.
    pub fn observe(&mut self, now: Moment, synchronised: bool) {
        let before = std::mem::replace(&mut self.last, now);
        // Even a kernel that says synchronised is not believed before the first coordinator was written.
        if synchronised && now.wall >= EARLIEST {
            self.distrust = None;
            self.newest = now.wall;
            return;
        }
        self.distrust = self.distrust.or_else(|| jump(before, now)).or_else(|| self.earlier(now.wall));
    }

    /// A person says that the clock is right.
    pub fn accept(&mut self, now: Moment) {
        self.last = now;
        self.newest = now.wall;
        self.distrust = None;
    }

    /// Whether certificates and tokens may be issued and judged by this clock.
    #[must_use]
    pub fn trusted(&self) -> bool {
        self.distrust.is_none()
    }

    /// Why not.
    #[must_use]
    pub fn distrust(&self) -> Option<Distrust> {
        self.distrust
    }

    /// A time to remember on disk now, if any: the newest trusted one, not more often than every ten minutes. Call
    /// [`Self::remembered`] when it is there.
    #[must_use]
    pub fn to_remember(&self) -> Option<Wall> {
        let Some(before) = self.remembered else {
            return (self.newest > EARLIEST).then_some(self.newest);
        };
        let worth_it = self.newest < before || before.until(self.newest) >= REMEMBER_EVERY;
        worth_it.then_some(self.newest)
    }

    /// `time` is on disk.
    pub fn remembered(&mut self, time: Wall) {
        self.remembered = Some(time);
    }

    /// A clock that is less than a jump behind is only being corrected.
    fn earlier(&self, wall: Wall) -> Option<Distrust> {
        let behind = wall.until(self.newest);
        (behind >= JUMP).then_some(Distrust::Earlier { remembered: self.newest })
    }
}

/// How far the wall clock moved beside the boot clock, if that is a jump.
fn jump(before: Moment, now: Moment) -> Option<Distrust> {
    let expected = before.wall.plus(now.boot.since(before.boot));
    let (forward, back) = (expected.until(now.wall), now.wall.until(expected));
    if forward >= JUMP {
        return Some(Distrust::JumpedForward(forward));
    }
    (back >= JUMP).then_some(Distrust::JumpedBack(back))
}

#[cfg(test)]
mod tests;
