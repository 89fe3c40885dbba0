//! A length of time as people say it: one unit, rounded down.

use alloc::{format, string::String};
use core::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `40s`, `14m`, `3h`, `12d`: the largest unit of which there are at least one, or two for hours and days.
#[must_use]
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds < MINUTE => format!("{seconds}s"),
        seconds if seconds < 2 * HOUR => format!("{}m", seconds / MINUTE),
        seconds if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        seconds => format!("{}d", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_change_where_people_change_them() {
        let cases =
            [(0, "0s"), (59, "59s"), (60, "1m"), (7199, "119m"), (7200, "2h"), (172_799, "47h"), (172_800, "2d")];
        for (seconds, text) in cases {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
