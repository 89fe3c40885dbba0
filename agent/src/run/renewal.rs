//! When a certificate is renewed: at half of its life, counted on the boot clock, which suspend does not stop.

use std::time::Duration;

use coord_model::{Boot, Wall};
use coord_proto::{identity::Identity, random_number};
use nix::time::{ClockId, clock_gettime};

/// The share of its life after which a certificate is renewed, and how far that is spread.
const HALF_LIFE: f64 = 0.5;
const SPREAD: f64 = 0.1;
/// The share of its life after which a renewal that failed is tried again.
const RETRY: f64 = 0.05;

/// Now on the boot clock (`CLOCK_BOOTTIME`, which counts suspend).
pub(crate) fn now() -> Boot {
    // The clock exists on every Linux since 2.6.39; without it nothing is ever due, and rejoining helps.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(|time| Boot(time.into())).unwrap_or_default()
}

/// After a start nobody knows how much of the life is over, unless the kernel vouches for the wall clock.
pub(super) fn at_start(identity: &Identity, synchronised: Option<bool>) -> Boot {
    let life = Duration::from_secs(identity.lifetime_seconds);
    let used = life.saturating_sub(wall().until(identity.expires));
    match synchronised {
        Some(true) => now().plus(share(identity).saturating_sub(used)),
        Some(false) => now().plus(share(identity) / 4),
        None => now(),
    }
}

/// After a renewal.
pub(super) fn from_now(identity: &Identity) -> Boot {
    now().plus(share(identity))
}

/// After a renewal that failed; the session goes on meanwhile.
pub(super) fn retry(identity: &Identity, cap: Duration) -> Boot {
    let part = Duration::from_secs(identity.lifetime_seconds).mul_f64(RETRY);
    now().plus(part.max(cap.min(Duration::from_secs(identity.lifetime_seconds) / 10)))
}

/// Half of the certificate's life, give or take a tenth.
fn share(identity: &Identity) -> Duration {
    let random = random_number().unwrap_or(0) as f64 / u64::MAX as f64;
    let share = HALF_LIFE * (1.0 - SPREAD + 2.0 * SPREAD * random);
    Duration::from_secs(identity.lifetime_seconds).mul_f64(share)
}

/// The wall clock; only for a certificate's remaining life, and only while the kernel vouches for it.
fn wall() -> Wall {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
