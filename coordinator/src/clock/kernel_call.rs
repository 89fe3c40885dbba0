//! The one call of the coordinator that has no safe wrapper: adjtimex(2), read only.
#![allow(unsafe_code, reason = "adjtimex has no safe wrapper; this file holds nothing else")]

use nix::libc;

/// Whether the kernel says that its clock is synchronised. Asking needs no right and changes nothing.
pub(super) fn synchronised() -> bool {
    // SAFETY: every field of `timex` is a number, for which zero is a value.
    let mut query: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, writable `timex`; `modes` is zero, so the kernel only fills it in.
    let state = unsafe { libc::adjtimex(&raw mut query) };
    state >= 0 && state != libc::TIME_ERROR && query.status & libc::STA_UNSYNC == 0
}
