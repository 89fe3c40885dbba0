//! Percentiles of etcd's histograms over the time between two readings, so that a bad hour is not hidden by good months.

use coord_model::{Reading, Unknown};
use serde::{Deserialize, Serialize};

/// Buckets that one histogram may have; etcd's have fifteen.
const MOST_BUCKETS: usize = 64;
/// Fewer observations than this have no 99th percentile worth the name.
const FEWEST: u64 = 100;

/// A cumulative histogram as Prometheus counts it: `counts[n]` observations were at most `bounds[n]` seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Histogram {
    /// Upper ends of the buckets, ascending; the last, endless one is left out.
    bounds: Vec<f64>,
    /// Observations up to each bound.
    counts: Vec<u64>,
    /// All observations.
    total: u64,
}

/// What is remembered of a histogram between two readings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Window {
    /// The histogram when the window began.
    start: Histogram,
    /// The percentile of the last window that was full, in seconds.
    last: Option<f64>,
}

impl Histogram {
    /// From `NAME_bucket{le="0.001"} 12` lines; `None` where there is none that makes sense.
    pub(super) fn parse(lines: &[String], name: &str) -> Option<Self> {
        let mut histogram = Self::default();
        let mut ended = false;
        for line in lines {
            let Some((bound, count)) = bucket(line, name) else { continue };
            let last = histogram.counts.last().copied().unwrap_or(0);
            if count < last || ended || histogram.bounds.len() >= MOST_BUCKETS {
                return None;
            }
            if bound.is_infinite() {
                histogram.total = count;
                ended = true;
            } else if histogram.bounds.last().is_none_or(|before| *before < bound) {
                histogram.bounds.push(bound);
                histogram.counts.push(count);
            } else {
                return None;
            }
        }
        (ended && !histogram.bounds.is_empty()).then_some(histogram)
    }

    /// What came after `earlier`; `None` where the counts began again, as they do when etcd restarts.
    fn since(&self, earlier: &Self) -> Option<Self> {
        if self.bounds != earlier.bounds || self.counts.len() != earlier.counts.len() {
            return None;
        }
        let pairs = self.counts.iter().zip(&earlier.counts);
        let counts: Option<Vec<u64>> = pairs.map(|(now, before)| now.checked_sub(*before)).collect();
        Some(Self { bounds: self.bounds.clone(), counts: counts?, total: self.total.checked_sub(earlier.total)? })
    }

    /// The 99th percentile in seconds, evenly spread inside its bucket; beyond the last bound that bound, since nothing
    /// more is known. `None` without observations.
    fn p99(&self) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        // Not rounded: 99 of 100 lie at most at it.
        let rank = to_float(self.total) * 0.99;
        let mut below = (0.0, 0);
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            if to_float(*count) >= rank && *count > below.1 {
                let share = (rank - to_float(below.1)) / to_float(*count - below.1);
                return Some(below.0 + (bound - below.0) * share.clamp(0.0, 1.0));
            }
            below = (*bound, *count);
        }
        self.bounds.last().copied()
    }
}

/// The 99th percentile since the window began, else since etcd started; a full window begins anew.
pub(super) fn p99(now: Option<Histogram>, memory: &mut Option<Window>) -> Reading<f64> {
    let Some(now) = now else { return Err(Unknown::absent("etcd's metrics do not say")) };
    let window = memory.take().and_then(|window| Some((now.since(&window.start)?, window)));
    let (value, kept) = match window {
        Some((difference, _)) if difference.total >= FEWEST => {
            let last = difference.p99();
            (last, Window { start: now, last })
        }
        Some((_, window)) => (window.last.or_else(|| now.p99()), window),
        None => (now.p99(), Window { start: now, last: None }),
    };
    *memory = Some(kept);
    value.ok_or_else(|| Unknown::absent("etcd has written nothing since it started"))
}

/// Bound and count of one line of the family `name`.
fn bucket(line: &str, name: &str) -> Option<(f64, u64)> {
    let rest = line.strip_prefix(name)?.strip_prefix("_bucket{le=\"")?;
    let (bound, count) = rest.split_once("\"} ")?;
    let bound: f64 = bound.parse().ok()?;
    Some((bound, whole(count)?)).filter(|_| bound > 0.0)
}

/// A sample that counts: Prometheus writes large ones as `2.147483648e+09`.
pub(super) fn whole(text: &str) -> Option<u64> {
    let number: f64 = text.trim().parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked to be in range")]
    (0.0..1.8e19).contains(&number).then_some(number as u64)
}

#[expect(clippy::cast_precision_loss, reason = "a percentile of more than 2^53 observations is no finer")]
fn to_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "etcd_disk_wal_fsync_duration_seconds";

    fn lines(buckets: &[(&str, u64)]) -> Vec<String> {
        buckets.iter().map(|(bound, count)| format!("{NAME}_bucket{{le=\"{bound}\"}} {count}")).collect()
    }

    fn histogram(buckets: &[(&str, u64)]) -> Option<Histogram> {
        Histogram::parse(&lines(buckets), NAME)
    }

    #[test]
    fn the_percentile_lies_inside_its_bucket() {
        let even = histogram(&[("0.001", 0), ("0.002", 100), ("+Inf", 100)]).unwrap();
        assert!((even.p99().unwrap() - 0.00199).abs() < 1e-9);
        let beyond = histogram(&[("0.001", 10), ("8.192", 20), ("+Inf", 100)]).unwrap();
        assert_eq!(beyond.p99(), Some(8.192));
        assert_eq!(histogram(&[("0.001", 0), ("+Inf", 0)]).unwrap().p99(), None);
    }

    #[test]
    fn a_window_shows_the_bad_hour_that_months_hide() {
        let months = histogram(&[("0.008", 1_000_000), ("0.128", 1_000_000), ("+Inf", 1_000_000)]);
        let bad = histogram(&[("0.008", 1_000_050), ("0.128", 1_000_200), ("+Inf", 1_000_200)]);
        let mut memory = None;
        assert!(p99(months, &mut memory).unwrap() < 0.008);
        assert!(p99(bad.clone(), &mut memory).unwrap() > 0.12);
        // Until enough has come again, the last full window stands.
        assert!(p99(bad, &mut memory).unwrap() > 0.12);
    }

    #[test]
    fn counts_that_went_down_begin_anew() {
        let mut memory = None;
        let slow = histogram(&[("0.008", 0), ("0.128", 500), ("+Inf", 500)]);
        assert!(p99(slow, &mut memory).unwrap() > 0.1);
        let restarted = histogram(&[("0.008", 200), ("0.128", 200), ("+Inf", 200)]);
        assert!(p99(restarted, &mut memory).unwrap() < 0.008);
        let other_bounds = histogram(&[("0.002", 900), ("+Inf", 900)]);
        assert!(p99(other_bounds, &mut memory).unwrap() < 0.002);
    }

    #[test]
    fn nothing_is_no_figure() {
        assert!(p99(None, &mut None).is_err());
        assert!(p99(histogram(&[("0.001", 0), ("+Inf", 0)]), &mut None).is_err());
        for broken in [
            &[("0.001", 5), ("0.002", 4), ("+Inf", 9)][..],
            &[("0.002", 4), ("0.001", 5), ("+Inf", 9)],
            &[("0.001", 5)],
            &[("+Inf", 5)],
            &[("NaN", 5), ("+Inf", 5)],
        ] {
            assert_eq!(histogram(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn samples_are_whole_and_never_negative() {
        assert_eq!(whole("2.147483648e+09"), Some(2_147_483_648));
        for text in ["", "-1", "NaN", "+Inf", "1e30", "x"] {
            assert_eq!(whole(text), None, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_lines_make_it_panic(lines in proptest::collection::vec(".{0,80}", 0..20), counts in proptest::collection::vec(0u64.., 0..20)) {
            let mut memory = None;
            drop(p99(Histogram::parse(&lines, NAME), &mut memory));
            let bounds = ["0.001", "0.002", "0.5", "+Inf"];
            let buckets: Vec<(&str, u64)> = bounds.into_iter().zip(counts).collect();
            drop(p99(histogram(&buckets), &mut memory));
            drop(p99(histogram(&buckets), &mut memory));
        }
    }
}
