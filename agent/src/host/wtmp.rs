//! Boots and clean stops out of wtmp(5), the log that systemd and sysvinit write to `/var/log/wtmp`.
//!
//! The log also has who logged in from where, so nothing of it leaves this file but the kind and the age of two records.

use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    time::SystemTime,
};

use coord_model::{Reading, Unknown};

use super::{
    answers::{BootEvent, BootRecord},
    error::unknown_io,
};

/// The log before the last rotation, and the log.
const LOGS: [&str; 2] = ["/var/log/wtmp.1", "/var/log/wtmp"];
/// The end of a log that is read: years of boots, or months of logins.
const LARGEST: u64 = 1 << 20;
/// The most records that are told, the newest.
const MOST: usize = 1024;
/// Kinds of records (utmpx.h).
const RUN_LEVEL: i16 = 1;
const BOOT_TIME: i16 = 2;
const LAST_KIND: i16 = 9;
/// Where the user stands in a record, and how long it may be.
const USER: std::ops::Range<usize> = 44..76;
/// The first second of 2100: no record is younger.
const END_OF_TIME: i64 = 4_102_444_800;

/// How a record of `struct utmp` is laid out by glibc.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Layout {
    size: usize,
    /// Where the seconds stand, and whether they have 64 bits.
    seconds: usize,
    wide: bool,
}

/// x86-64 and every 32-bit system, also below a 64-bit kernel; then 64-bit ARM.
const LAYOUTS: [Layout; 2] =
    [Layout { size: 384, seconds: 340, wide: false }, Layout { size: 400, seconds: 344, wide: true }];

/// Boots and clean stops, oldest first.
pub(super) fn boots() -> Reading<Vec<BootRecord>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(|_| Unknown::error("no wall clock"))?;
    let [earlier, current] = LOGS;
    let mut events = tail(earlier).and_then(|(bytes, size)| parse(&bytes, size)).unwrap_or_default();
    let (bytes, size) = tail(current)?;
    events.extend(parse(&bytes, size)?);
    let skipped = events.len().saturating_sub(MOST);
    let record =
        |(event, seconds): (BootEvent, i64)| BootRecord { event, age_seconds: now.as_secs_f64() - exact(seconds) };
    Ok(events.into_iter().skip(skipped).map(record).collect())
}

#[expect(clippy::cast_precision_loss, reason = "seconds before 2100 are far below 2^53")]
fn exact(seconds: i64) -> f64 {
    seconds as f64
}

/// The end of the file at `path`, and the size of the whole.
fn tail(path: &str) -> Reading<(Vec<u8>, u64)> {
    let failed = |error: std::io::Error| unknown_io(path, &error);
    let mut file = fs::File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(LARGEST))).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(size.min(LARGEST)).read_to_end(&mut bytes).map_err(failed)?;
    Ok((bytes, size))
}

/// Boots and clean stops with their seconds since 1970, from the end of a log of `size` bytes.
fn parse(bytes: &[u8], size: u64) -> Reading<Vec<(BootEvent, i64)>> {
    let whole = |layout: &&Layout| size.is_multiple_of(layout.size as u64);
    let fits = |layout: &&Layout| bytes.rchunks_exact(layout.size).all(|record| plausible(record, **layout));
    let layout = LAYOUTS.iter().filter(whole).find(fits);
    let layout = *layout.ok_or_else(|| Unknown::error("/var/log/wtmp has no layout that this version knows"))?;
    let mut events: Vec<_> = bytes.rchunks_exact(layout.size).filter_map(|record| event(record, layout)).collect();
    events.reverse();
    Ok(events)
}

fn plausible(record: &[u8], layout: Layout) -> bool {
    let kind = kind(record);
    let seconds = seconds(record, layout);
    kind.is_some_and(|kind| (0..=LAST_KIND).contains(&kind))
        && seconds.is_some_and(|seconds| (0..END_OF_TIME).contains(&seconds))
}

fn kind(record: &[u8]) -> Option<i16> {
    Some(i16::from_ne_bytes(record.get(..2)?.try_into().ok()?))
}

fn seconds(record: &[u8], layout: Layout) -> Option<i64> {
    let rest = record.get(layout.seconds..)?;
    if layout.wide {
        return Some(i64::from_ne_bytes(rest.get(..8)?.try_into().ok()?));
    }
    Some(i64::from(u32::from_ne_bytes(rest.get(..4)?.try_into().ok()?)))
}

/// systemd-update-utmp and halt(8) write a change of the run level to `shutdown` before a clean stop.
fn event(record: &[u8], layout: Layout) -> Option<(BootEvent, i64)> {
    let user = record.get(USER)?;
    let event = match kind(record)? {
        BOOT_TIME => BootEvent::Boot,
        RUN_LEVEL if user.starts_with(b"shutdown\0") => BootEvent::CleanStop,
        _ => return None,
    };
    Some((event, seconds(record, layout)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(layout: Layout, kind: i16, user: &str, seconds: u32) -> Vec<u8> {
        let mut bytes = vec![0; layout.size];
        bytes[..2].copy_from_slice(&kind.to_ne_bytes());
        bytes[USER.start..USER.start + user.len()].copy_from_slice(user.as_bytes());
        let place = layout.seconds;
        if layout.wide {
            bytes[place..place + 8].copy_from_slice(&i64::from(seconds).to_ne_bytes());
        } else {
            bytes[place..place + 4].copy_from_slice(&seconds.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn boots_and_stops_are_found_in_either_layout() {
        for layout in LAYOUTS {
            let log = [
                record(layout, BOOT_TIME, "reboot", 100),
                record(layout, RUN_LEVEL, "runlevel", 101),
                record(layout, 7, "jane", 102),
                record(layout, RUN_LEVEL, "shutdown", 103),
                record(layout, BOOT_TIME, "reboot", 104),
            ]
            .concat();
            let expected = [(BootEvent::Boot, 100), (BootEvent::CleanStop, 103), (BootEvent::Boot, 104)];
            assert_eq!(parse(&log, log.len() as u64).unwrap(), expected, "{layout:?}");
            // The beginning is missing, in the middle of a record.
            assert_eq!(parse(&log[7..], log.len() as u64).unwrap(), expected[1..], "{layout:?}");
        }
    }

    #[test]
    fn what_is_no_log_is_refused_and_an_empty_log_has_no_boots() {
        assert_eq!(parse(b"", 0), Ok(Vec::new()));
        assert!(parse(b"SQLite format 3", 15).is_err());
        assert!(parse(&[0xff; 384], 384).is_err());
        assert!(parse(&record(LAYOUTS[0], 77, "reboot", 1), 384).is_err());
    }

    #[test]
    fn this_machine_has_a_log_or_says_why_not() {
        match boots() {
            Ok(records) => assert!(records.len() <= MOST),
            Err(reason) => assert!(reason.message.contains("wtmp"), "{}", reason.message),
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1300), size in any::<u64>()) {
            let _ = parse(&bytes, size);
            let _ = parse(&bytes, bytes.len() as u64);
        }
    }
}
