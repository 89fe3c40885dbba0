//! Memory of the machine, or of the cgroup where that is less.

use coord_model::{Reading, Unknown};

use crate::host::Host;

/// Figures and their file.
pub(super) struct Memory {
    pub(super) total: Reading<u64>,
    pub(super) available: Reading<u64>,
    pub(super) source: Reading<String>,
    pub(super) swap_total: Reading<u64>,
    pub(super) swap_free: Reading<u64>,
}

/// /proc/meminfo, and the limit of this cgroup where one is visible: the root cgroup has no such files.
pub(super) fn memory(host: &Host) -> Memory {
    let table = host.text("/proc/meminfo");
    let field = |name: &str| table.clone().and_then(|table| field(&table, name));
    let (total, available) = (field("MemTotal"), field("MemAvailable"));
    let limit = number(host, "/sys/fs/cgroup/memory.max");
    let limited = limit.clone().is_ok_and(|limit| total.as_ref().is_ok_and(|total| limit <= *total));
    let (swap_total, swap_free) = (field("SwapTotal"), field("SwapFree"));
    if !limited {
        let source = total.clone().map(|_| "/proc/meminfo".to_string());
        return Memory { total, available, source, swap_total, swap_free };
    }
    let used = number(host, "/sys/fs/cgroup/memory.current");
    let cached = host.text("/sys/fs/cgroup/memory.stat").map(|text| cached(&text)).unwrap_or(0);
    let free = limit.clone().and_then(|limit| Ok(limit.saturating_sub(used?.saturating_sub(cached))));
    let source = Ok("/sys/fs/cgroup/memory.max".to_string());
    // A cgroup can use no more than the machine has left.
    let available = free.map(|free| available.map_or(free, |available| free.min(available)));
    Memory { total: limit, available, source, swap_total, swap_free }
}

/// `Name:  123 kB` in bytes.
fn field(table: &str, name: &str) -> Reading<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let line = line.ok_or_else(|| Unknown::absent(format!("/proc/meminfo has no {name}")))?;
    let kilobytes = line.split_whitespace().next().and_then(|field| field.parse::<u64>().ok());
    let bytes = kilobytes.and_then(|kilobytes| kilobytes.checked_mul(1024));
    bytes.ok_or_else(|| Unknown::error(format!("{name} in /proc/meminfo is no number")))
}

/// A file with one number; `max` is none.
fn number(host: &Host, path: &str) -> Reading<u64> {
    host.text(path)?.parse().map_err(|_| Unknown::absent(format!("{path} sets no limit")))
}

/// Page cache that the kernel drops before it runs out (Documentation/admin-guide/cgroup-v2.rst).
fn cached(stat: &str) -> u64 {
    let value = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse().ok());
    value.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_bytes_or_refused() {
        let table = "MemTotal:       16384 kB\nMemFree: x kB\nSwapTotal: 18446744073709551615 kB\n";
        assert_eq!(field(table, "MemTotal"), Ok(16_384 * 1024));
        assert!(field(table, "MemFree").is_err() && field(table, "SwapTotal").is_err());
        assert_eq!(field("", "MemTotal").unwrap_err().state, coord_model::ValueState::Absent);
        assert_eq!(cached("anon 1\ninactive_file 4096\n"), 4096);
        assert_eq!(cached(""), 0);
    }
}
