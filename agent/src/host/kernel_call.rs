//! The system calls that have no safe wrapper: the only unsafe code of the agent.

use coord_model::Reading;
use nix::{errno::Errno, libc};

use super::{Clock, error::unknown};

/// What the kernel says of its clock: adjtimex(2) with no modes reads and changes nothing.
#[allow(unsafe_code, reason = "adjtimex has no safe wrapper in nix")]
pub(super) fn clock() -> Reading<Clock> {
    // SAFETY: an all-zero timex is a valid value (integers only), and modes = 0 asks the kernel to change nothing.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, writable timex of this thread.
    let state = Errno::result(unsafe { libc::adjtimex(&raw mut timex) }).map_err(|errno| unknown("adjtimex", errno))?;
    #[allow(clippy::useless_conversion, reason = "the offset has 32 bits on 32-bit machines")]
    let offset = i64::from(timex.offset);
    Ok(judge(state, timex.status, offset))
}

/// The clock's state as the manual of adjtimex(2) gives it.
fn judge(state: i32, status: i32, offset: i64) -> Clock {
    let unit = if status & libc::STA_NANO == 0 { 1e-6 } else { 1e-9 };
    let synchronised = state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0;
    #[expect(clippy::cast_precision_loss, reason = "an offset beyond 2^53 ns is no longer a fine figure")]
    let offset_seconds = offset as f64 * unit;
    Clock { synchronised, offset_seconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_the_offset_follows_the_status() {
        assert_eq!(judge(0, libc::STA_NANO, 3_000_000), Clock { synchronised: true, offset_seconds: 0.003 });
        assert_eq!(judge(0, 0, 3_000), Clock { synchronised: true, offset_seconds: 0.003 });
    }

    #[test]
    fn error_or_unsync_is_not_synchronised() {
        assert!(!judge(libc::TIME_ERROR, 0, 0).synchronised);
        assert!(!judge(0, libc::STA_UNSYNC, 0).synchronised);
    }

    #[test]
    fn the_kernel_answers_or_says_why_not() {
        if let Err(reason) = clock() {
            assert!(reason.message.starts_with("adjtimex"), "{}", reason.message);
        }
    }
}
