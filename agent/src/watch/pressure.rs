//! Waiting for storage or memory that lasts: pressure stall triggers (the kernel's accounting/psi).
//!
//! Since Linux 6.5 anyone may set one whose window is a multiple of 2 s. While pressure lasts it fires all the time, so
//! the pause between two readings grows.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    time::Duration,
};

use coord_model::{AnySection, SectionKind};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, sleep_until},
};

use super::{Place, source::Watched};
use crate::fingerprint::Fingerprint;

const FILES: [&str; 2] = ["/proc/pressure/io", "/proc/pressure/memory"];
/// Some task waits for 150 ms in 2 s, in microseconds.
const TRIGGER: &[u8] = b"some 150000 2000000\n";
/// The pause after a first event; it doubles while pressure lasts.
const SHORTEST: Duration = Duration::from_secs(10);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(320);

/// Open triggers; closing one ends it.
#[derive(Debug)]
pub(super) struct Pressure {
    first: AsyncFd<File>,
    second: Option<AsyncFd<File>>,
    earliest: Instant,
    pause: Duration,
}

impl Watched for Pressure {
    const NAME: &'static str = "pressure";

    fn open(_: &Place) -> Result<Self, String> {
        let mut why = String::new();
        let mut open = FILES.iter().filter_map(|path| trigger(path).map_err(|error| why = reason(path, &error)).ok());
        let (first, second) = (open.next(), open.next());
        let first = first.ok_or(why)?;
        Ok(Self { first, second, earliest: Instant::now(), pause: SHORTEST })
    }

    async fn changed(&mut self) -> io::Result<Vec<SectionKind>> {
        sleep_until(self.earliest).await;
        let fired = match &mut self.second {
            Some(second) => tokio::select! {
                fired = fires(&mut self.first) => fired,
                fired = fires(second) => fired,
            },
            None => fires(&mut self.first).await,
        };
        fired?;
        let now = Instant::now();
        // An event soon after the pause means that the pressure has lasted.
        let lasts = now < self.earliest + SHORTEST;
        self.pause = if lasts { self.pause.saturating_mul(2).min(LONGEST) } else { SHORTEST };
        self.earliest = now + self.pause;
        Ok(vec![SectionKind::System])
    }

    fn structure(_: &[AnySection]) -> Option<Fingerprint> {
        None
    }
}

fn trigger(path: &str) -> io::Result<AsyncFd<File>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    file.write_all(TRIGGER)?;
    #[allow(deprecated, reason = "the sound form needs an unsafe block; this file is owned here and closed here")]
    AsyncFd::with_interest(file, Interest::PRIORITY)
}

fn reason(path: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "the kernel was built or started without PSI".to_string(),
        io::ErrorKind::PermissionDenied => format!("the kernel lets only root set a trigger in {path}"),
        _ => format!("cannot set a trigger in {path}: {error}"),
    }
}

async fn fires(file: &mut AsyncFd<File>) -> io::Result<()> {
    file.ready_mut(Interest::PRIORITY).await?.clear_ready();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_and_refusal_have_words() {
        assert!(reason(FILES[0], &io::ErrorKind::NotFound.into()).contains("without PSI"));
        assert!(reason(FILES[0], &io::ErrorKind::PermissionDenied.into()).contains("only root"));
    }

    #[tokio::test]
    async fn it_is_open_or_says_why_not() {
        if let Err(reason) = Pressure::open(&Place::default()) {
            assert!(reason.contains("PSI") || reason.contains("trigger"), "{reason}");
        }
    }
}
