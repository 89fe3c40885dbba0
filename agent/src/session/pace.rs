//! The beat of the heartbeats: a timer of the kernel, since the runtime's own wakes three times for each sleep of 10 s.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    time::Duration,
};

use nix::sys::{
    time::TimeSpec,
    timer::{Expiration, TimerSetTimeFlags},
    timerfd::{ClockId, TimerFd, TimerFlags},
};
use tokio::io::{Interest, unix::AsyncFd};

/// Beats at an even pace; beats that nobody could take, because the process was stopped, are left out.
#[derive(Debug)]
pub(super) struct Pace(AsyncFd<File>);

impl Pace {
    /// The first beat comes after one interval, which must not be zero.
    pub(super) fn start(interval: Duration) -> io::Result<Self> {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        timer.set(Expiration::Interval(TimeSpec::from_duration(interval)), TimerSetTimeFlags::empty())?;
        #[allow(deprecated, reason = "the sound form needs an unsafe block; this timer is owned here and closed here")]
        AsyncFd::with_interest(File::from(OwnedFd::from(timer)), Interest::READABLE).map(Self)
    }

    /// Resolves at the next beat. Cancel safe.
    pub(super) async fn beat(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable_mut().await?;
            // How many beats there were since the last read, as eight bytes.
            let mut count = [0; 8];
            if let Ok(result) = ready.try_io(|timer| timer.get_ref().read_exact(&mut count)) {
                return result;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// How often this thread has gone to sleep of its own accord.
    fn sleeps() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        count.unwrap().trim().parse().unwrap()
    }

    #[tokio::test]
    async fn each_beat_wakes_once() {
        let interval = Duration::from_millis(150);
        let (began, before) = (Instant::now(), sleeps());
        let mut pace = Pace::start(interval).unwrap();
        for _ in 0..10 {
            pace.beat().await.unwrap();
        }
        assert!(began.elapsed() >= interval * 10);
        assert!(sleeps() - before < 15, "{} wakeups for 10 beats", sleeps() - before);
    }

    #[tokio::test]
    async fn missed_beats_are_left_out() {
        let mut pace = Pace::start(Duration::from_millis(20)).unwrap();
        // Busy on purpose: the runtime cannot run meanwhile, as if the process were stopped.
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        pace.beat().await.unwrap();
        let after = Instant::now();
        pace.beat().await.unwrap();
        pace.beat().await.unwrap();
        assert!(after.elapsed() >= Duration::from_millis(10), "missed beats came in a row");
    }
}
