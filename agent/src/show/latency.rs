//! The result of a disk latency test, for people.

use std::path::Path;

use crate::latency::{Latency, Verdict};

/// The whole text.
pub(crate) fn latency(path: &Path, file_system: &str, latency: &Latency, verdict: Verdict) -> String {
    let mut text = format!("disk latency of {} ({file_system})\n", coord_model::clean(&path.display().to_string()));
    text.push_str(&format!(
        "  {} writes of 2300 bytes, fdatasync after each, in {:.1} s\n",
        latency.writes, latency.took
    ));
    let rows = [("p50", latency.p50), ("p99", latency.p99), ("p99.9", latency.p999), ("max", latency.max)];
    for (name, seconds) in rows {
        text.push_str(&format!("  {name:<6}{:>9.2} ms\n", seconds * 1000.0));
    }
    text.push_str(&format!("{}\n", verdict.text()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_stands_below_the_figures() {
        let found = Latency { writes: 812, took: 20.04, p50: 0.0181, p99: 0.1204, p999: 0.3, max: 0.4 };
        let text = latency(Path::new("/var/lib/rancher"), "ext4 on /dev/mmcblk0p2", &found, Verdict::Unfit);
        assert_eq!(
            text,
            "disk latency of /var/lib/rancher (ext4 on /dev/mmcblk0p2)\n\
             \x20 812 writes of 2300 bytes, fdatasync after each, in 20.0 s\n\
             \x20 p50       18.10 ms\n  p99      120.40 ms\n  p99.9    300.00 ms\n  max      400.00 ms\n\
             unfit: this disk is much too slow for a vote; run k3s as an agent here\n"
        );
    }
}
