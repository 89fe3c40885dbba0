//! Boots that no clean stop came before: power loss, a crash, a hard reset.

use coord_model::{Reading, Unknown, ValueState};

use crate::host::{BootEvent, BootRecord, Host};

const LOG: &str = "/var/log/wtmp";
/// What is looked back over.
const MONTH: f64 = 30.0 * 86_400.0;
/// How much older than the kernel the newest boot in the log may be: a board without a clock of its own starts with
/// the time at which it was switched off.
const SLACK: f64 = 7.0 * 86_400.0;

/// How often in 30 days.
pub(super) fn unclean(host: &Host) -> Reading<u32> {
    if host.exists("/etc/unraid-version") {
        return Err(Unknown::not_applicable("Unraid keeps its log of boots in memory"));
    }
    if !host.exists(LOG) {
        return Err(Unknown::absent("this system keeps no /var/log/wtmp; Debian 13 and later do not"));
    }
    let records = host.boots().map_err(|unknown| match unknown.state {
        ValueState::Absent => Unknown::absent("this system keeps no /var/log/wtmp"),
        _ => unknown,
    })?;
    let uptime = super::number(&host.text("/proc/uptime"), 0, "/proc/uptime")?;
    count(&records, uptime)
}

/// Among `records`, oldest first, by a machine that has been up for `uptime` seconds.
fn count(records: &[BootRecord], uptime: f64) -> Reading<u32> {
    let newest = records.iter().rev().find(|record| record.event == BootEvent::Boot);
    // A system that no longer writes the log may still have an old one.
    if newest.is_none_or(|newest| newest.age_seconds > uptime + SLACK) {
        return Err(Unknown::absent("/var/log/wtmp does not know this boot: it is no longer written"));
    }
    // Of the first boot in the log nobody knows what came before.
    let pairs = records.iter().zip(records.iter().skip(1));
    let unclean = pairs.filter(|(before, after)| {
        before.event == BootEvent::Boot && after.event == BootEvent::Boot && after.age_seconds <= MONTH
    });
    Ok(u32::try_from(unclean.count()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: f64 = 86_400.0;

    fn records(text: &str) -> Vec<BootRecord> {
        let record = |word: &str| {
            let event = if word.starts_with('b') { BootEvent::Boot } else { BootEvent::CleanStop };
            BootRecord { event, age_seconds: word[1..].parse::<f64>().unwrap() * DAY }
        };
        text.split_whitespace().map(record).collect()
    }

    #[test]
    fn a_boot_after_a_boot_was_not_clean() {
        assert_eq!(count(&records("b9 s8 b8 s2 b2"), 2.0 * DAY), Ok(0));
        assert_eq!(count(&records("b9 b8 s3 b3 b2"), 2.0 * DAY), Ok(2));
    }

    #[test]
    fn only_30_days_count_and_the_first_boot_never_does() {
        assert_eq!(count(&records("b50 b40 s2 b2"), 2.0 * DAY), Ok(0));
        assert_eq!(count(&records("b2"), 2.0 * DAY), Ok(0));
        // A clock that was wrong at boot.
        assert_eq!(count(&records("b3 b-100"), DAY), Ok(1));
    }

    #[test]
    fn a_log_that_is_no_longer_written_says_nothing() {
        for log in ["", "s3", "b90 b80"] {
            assert_eq!(count(&records(log), 2.0 * DAY).unwrap_err().state, ValueState::Absent, "{log}");
        }
        // Without a clock of its own a Raspberry Pi begins in the past.
        assert_eq!(count(&records("b9 b8"), 2.0 * DAY), Ok(1));
    }
}
