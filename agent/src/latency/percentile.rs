//! Percentiles of a list of waits.

use std::time::Duration;

/// What a test found; times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Latency {
    /// Writes that were done.
    pub(crate) writes: usize,
    /// How long all of it took.
    pub(crate) took: f64,
    /// Half of the waits were at most this.
    pub(crate) p50: f64,
    /// 99 of 100.
    pub(crate) p99: f64,
    /// 999 of 1000.
    pub(crate) p999: f64,
    /// The longest.
    pub(crate) max: f64,
}

impl Latency {
    /// Of all waits; `None` without any.
    pub(super) fn of(mut waits: Vec<Duration>, took: Duration) -> Option<Self> {
        waits.sort_unstable();
        Some(Self {
            writes: waits.len(),
            took: took.as_secs_f64(),
            p50: nearest(&waits, 500)?,
            p99: nearest(&waits, 990)?,
            p999: nearest(&waits, 999)?,
            max: waits.last()?.as_secs_f64(),
        })
    }
}

/// The smallest wait that at least `thousandths` of all do not exceed.
fn nearest(sorted: &[Duration], thousandths: usize) -> Option<f64> {
    let rank = sorted.len().saturating_mul(thousandths).div_ceil(1000).max(1);
    sorted.get(rank - 1).map(Duration::as_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_waits_that_happened() {
        let waits = (1..=1000).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(waits, Duration::from_secs(9)).unwrap();
        assert_eq!((latency.p50, latency.p99, latency.p999, latency.max), (0.5, 0.99, 0.999, 1.0));
        let one = Latency::of(vec![Duration::from_millis(7)], Duration::from_secs(1)).unwrap();
        assert_eq!((one.p50, one.p99, one.p999, one.max), (0.007, 0.007, 0.007, 0.007));
        assert_eq!(Latency::of(Vec::new(), Duration::ZERO), None);
    }
}
