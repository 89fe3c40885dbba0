//! A container's own cgroup, version 2 or 1: what its memory and processors really are.
//!
//! lxcfs shows the same figures in /proc, from a process of the host that may hang, and made up from these files.
//! So they are read here first; what only lxcfs knows is taken from it and said to be.

use coord_model::{Reading, Unknown};

use crate::{host::Host, probe::mounts::table};

/// A limit of version 1 that is none: it is the largest multiple of a page.
const NO_LIMIT: u64 = 1 << 60;
/// Limit, use and the statistics with the page cache, and the name of that row; version 2, then version 1.
const MEMORY: [[&str; 4]; 2] = [
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"],
    [
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
        "total_inactive_file",
    ],
];
/// Processors that may be used.
const PROCESSORS: [&str; 2] = ["/sys/fs/cgroup/cpuset.cpus.effective", "/sys/fs/cgroup/cpuset/cpuset.effective_cpus"];

/// Whether this is a container, and what lxcfs lies over.
pub(super) struct Cgroup {
    /// Whether the cgroup that is visible as the root is not the machine's.
    pub(super) inside: bool,
    veils: Vec<String>,
}

/// Looks at the mount table, and whether the visible root has what the real root never has.
pub(super) fn cgroup(host: &Host) -> Cgroup {
    let rows = table::read(host).unwrap_or_default();
    let over = |row: &table::Row| row.path.starts_with("/proc/") || row.path.starts_with("/sys/");
    let veils: Vec<String> =
        rows.into_iter().filter(|row| row.kind == "fuse.lxcfs" && over(row)).map(|row| row.path).collect();
    let below = ["/sys/fs/cgroup/cgroup.type", "/sys/fs/cgroup/memory.max"].iter().any(|path| host.exists(path));
    Cgroup { inside: below || !veils.is_empty(), veils }
}

impl Cgroup {
    /// Whether lxcfs answers for `path`.
    pub(super) fn veiled(&self, path: &str) -> bool {
        self.veils.iter().any(|veil| {
            path.strip_prefix(veil.as_str()).is_some_and(|rest| matches!(rest, "") || rest.starts_with('/'))
        })
    }
}

/// The limit of memory and what is used of it without page cache that can be dropped, and the file that says so.
pub(super) struct Memory {
    pub(super) limit: u64,
    pub(super) used: Reading<u64>,
    pub(super) source: &'static str,
}

/// The limit of memory, where the visible cgroup has one.
pub(super) fn memory(host: &Host) -> Option<Memory> {
    MEMORY.iter().find_map(|[limit, current, statistics, row]| {
        let limited = number(host, limit).ok().filter(|bytes| *bytes < NO_LIMIT)?;
        let cached = host.text(statistics).ok().and_then(|text| field(&text, row)).unwrap_or(0);
        let used = number(host, current).map(|used| used.saturating_sub(cached));
        Some(Memory { limit: limited, used, source: limit })
    })
}

/// Swap that may be used, and what is left of it; version 1 counts memory and swap together and says neither.
pub(super) fn swap(host: &Host) -> (Reading<u64>, Reading<u64>) {
    let limit = number(host, "/sys/fs/cgroup/memory.swap.max");
    let used = number(host, "/sys/fs/cgroup/memory.swap.current");
    let free = limit.clone().and_then(|limit| Ok(limit.saturating_sub(used?)));
    (limit, free)
}

/// The list of processors that the cgroup gives.
pub(super) fn processors(host: &Host) -> Option<String> {
    PROCESSORS.iter().find_map(|path| host.text(path).ok().filter(|list| !list.is_empty()))
}

/// The quota of processor time in whole processors, rounded up.
pub(super) fn quota(host: &Host) -> Option<u32> {
    if let Ok(text) = host.text("/sys/fs/cgroup/cpu.max") {
        let (quota, period) = text.trim().split_once(' ')?;
        return whole(quota.parse().ok()?, period.parse().ok()?);
    }
    // Version 1 says -1 for none, which is no number here.
    let quota = number(host, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us").ok()?;
    whole(quota, number(host, "/sys/fs/cgroup/cpu/cpu.cfs_period_us").ok()?)
}

fn whole(quota: u64, period: u64) -> Option<u32> {
    u32::try_from(quota.checked_div(period)?.checked_add(u64::from(!quota.is_multiple_of(period)))?.max(1)).ok()
}

/// Processor time used by the cgroup: microseconds in version 2, nanoseconds in version 1.
pub(super) fn busy_seconds(host: &Host) -> Option<f64> {
    let two = host.text("/sys/fs/cgroup/cpu.stat").ok().and_then(|text| field(&text, "usage_usec"));
    let two = two.map(std::time::Duration::from_micros);
    let one = || number(host, "/sys/fs/cgroup/cpuacct/cpuacct.usage").ok().map(std::time::Duration::from_nanos);
    two.or_else(one).map(|time| time.as_secs_f64())
}

/// A file with one number; `max` is none.
fn number(host: &Host, path: &str) -> Reading<u64> {
    host.text(path)?.parse().map_err(|_| Unknown::absent(format!("{path} sets no limit")))
}

/// `NAME NUMBER` among lines.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fixture::empty;
    use crate::host::fixture::recorded;

    #[test]
    fn either_version_limits_memory_and_processors() {
        let two = recorded(&[
            ("sys/fs/cgroup/memory.max", "1000\n"),
            ("sys/fs/cgroup/memory.current", "700\n"),
            ("sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 200\n"),
            ("sys/fs/cgroup/memory.swap.max", "50\n"),
            ("sys/fs/cgroup/memory.swap.current", "20\n"),
            ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/cpu.stat", "usage_usec 2500000\nuser_usec 1\n"),
        ]);
        let found = memory(&two).unwrap();
        assert_eq!((found.limit, found.used), (1000, Ok(500)));
        assert_eq!((swap(&two), quota(&two), busy_seconds(&two)), ((Ok(50), Ok(30)), Some(2), Some(2.5)));
        let one = recorded(&[
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "700\n"),
            ("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 100\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/cpuacct/cpuacct.usage", "1500000000\n"),
        ]);
        let found = memory(&one).unwrap();
        assert_eq!((found.limit, found.used, found.source), (1000, Ok(600), MEMORY[1][0]));
        assert_eq!((quota(&one), busy_seconds(&one)), (Some(2), Some(1.5)));
        assert!(swap(&one).0.is_err());
    }

    #[test]
    fn no_limit_is_none() {
        let host = recorded(&[
            ("sys/fs/cgroup/memory.max", "max\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "0\n"),
        ]);
        assert!(memory(&host).is_none());
        assert_eq!((quota(&host), busy_seconds(&host)), (None, None));
        assert_eq!((whole(5, 0), whole(1, 100_000), whole(u64::MAX, 1)), (None, Some(1), None));
        assert!(!cgroup(&empty()).inside);
    }

    #[test]
    fn lxcfs_lies_over_files_and_folders() {
        let host = recorded(&[(
            "proc/self/mountinfo",
            "411 402 0:50 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n\
             416 403 0:50 /sys/devices/system/cpu /sys/devices/system/cpu rw - fuse.lxcfs lxcfs rw\n",
        )]);
        let cgroup = cgroup(&host);
        assert!(cgroup.inside && cgroup.veiled("/proc/meminfo") && cgroup.veiled("/sys/devices/system/cpu/online"));
        assert!(!cgroup.veiled("/proc/meminfo2") && !cgroup.veiled("/proc/stat"));
    }
}
