//! The only place that asks what time it is, and whether that can be believed.

use coord_model::{Boot, Moment, Wall};
use nix::time::{ClockId, clock_gettime};

mod kernel_call;
mod trust;

pub use trust::{ClockTrust, Distrust, JUMP};

/// No coordinator ran before this (2026-01-01 UTC): a clock that says so is wrong.
pub const EARLIEST: Wall = Wall(1_767_225_600_000);

/// Now, on both clocks: `CLOCK_BOOTTIME`, which counts suspend, and `CLOCK_REALTIME`.
#[must_use]
pub fn now() -> Moment {
    Moment { boot: boot(), wall: wall() }
}

/// Whether the kernel says that its clock is synchronised (adjtimex(2): neither TIME_ERROR nor STA_UNSYNC).
#[must_use]
pub fn synchronised() -> bool {
    kernel_call::synchronised()
}

/// The same as the settings want it: the kernel's word, or always.
#[must_use]
pub fn synchronised_by(source: crate::config::ClockSource) -> bool {
    match source {
        crate::config::ClockSource::TrustKernel => synchronised(),
        crate::config::ClockSource::AssumeSynchronised => true,
    }
}

fn boot() -> Boot {
    // Both clocks exist on every Linux since 2.6.39; without one, time stands still and nothing is issued.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(|time| Boot(time.into())).unwrap_or_default()
}

fn wall() -> Wall {
    let Ok(time) = clock_gettime(ClockId::CLOCK_REALTIME) else {
        return Wall::default();
    };
    Wall(time.tv_sec().saturating_mul(1000).saturating_add(time.tv_nsec() / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_run() {
        let (first, second) = (now(), now());
        assert!(second.boot >= first.boot && first.boot > Boot::default());
        assert!(first.wall > Wall(0));
    }
}
