//! What a 99th percentile of fdatasync means for a vote in etcd.
//!
//! 10 ms is etcd's own advice; the bands above it are ours, since k3s gives etcd five times its usual patience.

use serde::Serialize;

/// How fit a disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// At most 10 ms.
    Good,
    /// At most 25 ms.
    Fair,
    /// At most 100 ms.
    Slow,
    /// More.
    Unfit,
}

impl Verdict {
    /// Of a 99th percentile in seconds.
    pub(crate) fn of(p99: f64) -> Self {
        match p99 {
            p99 if p99 <= 0.010 => Self::Good,
            p99 if p99 <= 0.025 => Self::Fair,
            p99 if p99 <= 0.100 => Self::Slow,
            _ => Self::Unfit,
        }
    }

    /// For people.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Good => "good: this disk can hold a vote in etcd",
            Self::Fair => "fair: above the 10 ms that etcd asks for; watch it",
            Self::Slow => "slow: this disk is too slow for a vote; run k3s as an agent here, or use a better disk",
            Self::Unfit => "unfit: this disk is much too slow for a vote; run k3s as an agent here",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_end_where_they_say() {
        let bands = [(0.0, Verdict::Good), (0.010, Verdict::Good), (0.011, Verdict::Fair), (0.025, Verdict::Fair)];
        let more = [(0.1, Verdict::Slow), (0.101, Verdict::Unfit), (f64::NAN, Verdict::Unfit)];
        for (p99, verdict) in bands.into_iter().chain(more) {
            assert_eq!(Verdict::of(p99), verdict, "{p99}");
        }
    }
}
