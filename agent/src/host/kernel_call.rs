//! The system calls that have no safe wrapper: the only unsafe code of the agent.

use std::{net::TcpStream, os::fd::AsRawFd};

use coord_model::Reading;
use nix::{errno::Errno, libc};

use super::{Clock, error::unknown};

/// What the kernel says of its clock: adjtimex(2) with no modes reads and changes nothing.
#[allow(unsafe_code, reason = "adjtimex has no safe wrapper in nix")]
pub(crate) fn clock() -> Reading<Clock> {
    // SAFETY: an all-zero timex is a valid value (integers only), and modes = 0 asks the kernel to change nothing.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, writable timex of this thread.
    let state = Errno::result(unsafe { libc::adjtimex(&raw mut timex) }).map_err(|errno| unknown("adjtimex", errno))?;
    #[allow(clippy::useless_conversion, reason = "the offset has 32 bits on 32-bit machines")]
    let offset = i64::from(timex.offset);
    Ok(judge(state, timex.status, offset))
}

/// What the kernel knows of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TcpState {
    /// The most data of one packet, options of TCP not counted.
    pub(super) segment: u32,
    /// Whether each packet carries a timestamp.
    pub(super) timestamps: bool,
    /// Packets that were sent and not acknowledged. Zero, too, once a connection was reset.
    pub(super) unacknowledged: u32,
    /// Whether the connection stands in the direction to the peer.
    pub(super) stands: bool,
}

/// TCP_ESTABLISHED and TCP_CLOSE_WAIT of the kernel's include/net/tcp_states.h.
const STANDING: [u8; 2] = [1, 8];

/// TCPI_OPT_TIMESTAMPS of the kernel's include/uapi/linux/tcp.h.
const TIMESTAMPS: u8 = 1;

/// TCP_INFO of tcp(7).
#[allow(unsafe_code, reason = "TCP_INFO has no safe wrapper in nix")]
pub(super) fn tcp_state(stream: &TcpStream) -> Reading<TcpState> {
    // SAFETY: an all-zero tcp_info is a valid value: integers only.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: both pointers are to live, writable values of this thread, and the length is that of the first.
    let result = unsafe {
        libc::getsockopt(stream.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut info).cast(), &raw mut length)
    };
    Errno::result(result).map_err(|errno| unknown("TCP_INFO", errno))?;
    Ok(TcpState {
        segment: info.tcpi_snd_mss,
        timestamps: info.tcpi_options & TIMESTAMPS != 0,
        unacknowledged: info.tcpi_unacked,
        stands: STANDING.contains(&info.tcpi_state),
    })
}

/// Lets no router divide the packets of an IPv4 connection (IP_PMTUDISC_DO of ip(7)).
#[allow(unsafe_code, reason = "IP_MTU_DISCOVER has no safe wrapper in nix")]
pub(super) fn never_fragment(stream: &TcpStream) -> Reading<()> {
    let value: libc::c_int = libc::IP_PMTUDISC_DO;
    // SAFETY: the pointer is to a live value of this thread, and the length is its own.
    let result = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_MTU_DISCOVER,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    Errno::result(result).map(drop).map_err(|errno| unknown("IP_MTU_DISCOVER", errno))
}

/// The clock's state as the manual of adjtimex(2) gives it.
fn judge(state: i32, status: i32, offset: i64) -> Clock {
    let unit = if status & libc::STA_NANO == 0 { 1e-6 } else { 1e-9 };
    let synchronised = state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0;
    #[expect(clippy::cast_precision_loss, reason = "an offset beyond 2^53 ns is no longer a fine figure")]
    let offset_seconds = offset as f64 * unit;
    Clock { synchronised, offset_seconds }
}

/// Gives back the text of this program and its libraries that only the start needed (madvise(2), MADV_DONTNEED): what is
/// needed again is mapped again from the page cache. About a ninth of what the agent holds at rest.
#[allow(unsafe_code, reason = "madvise of mapped memory has no safe wrapper")]
pub(crate) fn forget_text() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, length) in text_ranges(&maps) {
        // SAFETY: the range is a whole mapping of this process that is private, backed by a file and never writable, so
        // that every page of it is the file's: dropping one loses nothing, and the next access reads the same bytes.
        unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DONTNEED) };
    }
}

/// Start and length of every mapping of a file that may be executed and not written (proc_pid_maps(5)).
fn text_ranges(maps: &str) -> Vec<(usize, usize)> {
    let range = |line: &str| {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let executable = words.next()? == "r-xp";
        let file = words.nth(3)?.starts_with('/');
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        (executable && file && start < end).then(|| (start, end - start))
    };
    maps.lines().filter_map(range).collect()
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
    fn only_text_of_files_is_given_back() {
        let maps = "1000-3000 r-xp 00000000 fe:00 12   /usr/bin/x\n3000-4000 r--p 00002000 fe:00 12   /usr/bin/x\n\
                    5000-6000 rwxp 00000000 fe:00 12   /usr/bin/x\n7000-8000 r-xp 00000000 00:00 0   [vdso]\n\
                    9000-8000 r-xp 00000000 fe:00 12   /usr/bin/x\nbroken\n\n9000-a000 r-xp 0 0:0 0\n";
        assert_eq!(text_ranges(maps), [(0x1000, 0x2000)]);
    }

    #[test]
    fn a_program_that_gave_back_its_text_runs_on() {
        forget_text();
        assert_eq!(judge(0, libc::STA_NANO, 0), Clock { synchronised: true, offset_seconds: 0.0 });
    }

    #[test]
    fn the_kernel_answers_or_says_why_not() {
        if let Err(reason) = clock() {
            assert!(reason.message.starts_with("adjtimex"), "{}", reason.message);
        }
    }
}
