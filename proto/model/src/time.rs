//! Times as types: the boot clock for ages, the wall clock only for people.

use alloc::{
    format,
    string::{String, ToString},
};
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Time since this machine booted, suspend included (`CLOCK_BOOTTIME`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Boot(pub Duration);

impl Boot {
    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment moved into the future.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

/// Milliseconds since 1970 in UTC, as the machine's wall clock says; negative before 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Wall(pub i64);

impl Wall {
    /// This time moved into the future; stops at the end of the range.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(later.as_millis()).unwrap_or(i64::MAX)))
    }

    /// As RFC 3339 in UTC to the second; `unknown` outside the years 1 to 9999, which that form does not have.
    #[must_use]
    pub fn rfc3339(self) -> String {
        const DAY: i64 = 86_400;
        let seconds = self.0.div_euclid(1000);
        let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        match date(days) {
            Some((year, month, day)) => {
                let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
            }
            None => "unknown".to_string(),
        }
    }

    /// From here until `later`; zero when `later` is past.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

/// Year, month and day of so many days after 1970-01-01, in the Gregorian calendar.
fn date(days: i64) -> Option<(i64, i64, i64)> {
    /// Days of four hundred years, of a hundred that end without a leap day, of four years, and of a year.
    const LONG: [i64; 4] = [146_097, 36_524, 1461, 365];
    /// Days from 0001-01-01 to 1970-01-01.
    const EPOCH: i64 = 719_162;
    let mut left = days.checked_add(EPOCH).filter(|days| (0..3_652_059).contains(days))?;
    let mut whole = [0; 4];
    for (count, length) in whole.iter_mut().zip(LONG) {
        *count = left / length;
        left -= *count * length;
    }
    let [fours, hundreds, quads, years] = whole;
    // The last day of a leap year looks like the first of a fifth.
    if hundreds == 4 || years == 4 {
        return Some((fours * 400 + hundreds * 100 + quads * 4 + years, 12, 31));
    }
    let year = fours * 400 + hundreds * 100 + quads * 4 + years + 1;
    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let months = [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    Some((year, month, left + 1))
}

/// One instant on both clocks. Ages use the boot half only (law 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// For ages and deadlines.
    pub boot: Boot,
    /// For showing and for certificates.
    pub wall: Wall,
}
