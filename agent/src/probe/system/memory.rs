//! Memory of the machine, or of the cgroup where that is less.

use coord_model::{Reading, Unknown};

use super::cgroup::{self, Cgroup};
use crate::host::Host;

const TABLE: &str = "/proc/meminfo";

/// Figures and their file.
pub(super) struct Memory {
    pub(super) total: Reading<u64>,
    pub(super) available: Reading<u64>,
    pub(super) source: Reading<String>,
    pub(super) swap_total: Reading<u64>,
    pub(super) swap_free: Reading<u64>,
}

/// The limit of the container's cgroup where one is visible, else /proc/meminfo. lxcfs is asked only where the cgroup
/// shows no limit: Proxmox sets it on a cgroup further up, which the container cannot see.
pub(super) fn memory(host: &Host, cgroup: &Cgroup) -> Memory {
    let limited = cgroup::memory(host).filter(|_| cgroup.inside);
    match limited {
        Some(limited) if cgroup.veiled(TABLE) => of_cgroup(host, limited),
        limited => of_machine(host, limited, cgroup.veiled(TABLE)),
    }
}

/// Without a look at /proc/meminfo, which lxcfs would answer.
fn of_cgroup(host: &Host, limited: cgroup::Memory) -> Memory {
    let (swap_total, swap_free) = cgroup::swap(host);
    let available = limited.used.map(|used| limited.limit.saturating_sub(used));
    Memory { total: Ok(limited.limit), available, source: Ok(limited.source.to_string()), swap_total, swap_free }
}

fn of_machine(host: &Host, limited: Option<cgroup::Memory>, lxcfs: bool) -> Memory {
    let table = host.text(TABLE);
    let field = |name: &str| table.clone().and_then(|table| field(&table, name));
    let (total, available) = (field("MemTotal"), field("MemAvailable"));
    let (swap_total, swap_free) = (field("SwapTotal"), field("SwapFree"));
    let smaller = limited.filter(|limited| total.as_ref().is_ok_and(|total| limited.limit <= *total));
    let Some(limited) = smaller else {
        let source =
            if lxcfs { format!("{TABLE} of lxcfs: the cgroup here shows no limit") } else { TABLE.to_string() };
        let source = total.clone().map(|_| source);
        return Memory { total, available, source, swap_total, swap_free };
    };
    // A cgroup can use no more than the machine has left.
    let free = limited.used.map(|used| limited.limit.saturating_sub(used));
    let available = free.map(|free| available.map_or(free, |available| free.min(available)));
    Memory { total: Ok(limited.limit), available, source: Ok(limited.source.to_string()), swap_total, swap_free }
}

/// `Name:  123 kB` in bytes.
fn field(table: &str, name: &str) -> Reading<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let line = line.ok_or_else(|| Unknown::absent(format!("/proc/meminfo has no {name}")))?;
    let kilobytes = line.split_whitespace().next().and_then(|field| field.parse::<u64>().ok());
    let bytes = kilobytes.and_then(|kilobytes| kilobytes.checked_mul(1024));
    bytes.ok_or_else(|| Unknown::error(format!("{name} in /proc/meminfo is no number")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fixture::recorded;

    const VEIL: (&str, &str) =
        ("proc/self/mountinfo", "411 402 0:50 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n");
    const LIMIT: (&str, &str) = ("sys/fs/cgroup/memory.max", "4096\n");
    const USED: (&str, &str) = ("sys/fs/cgroup/memory.current", "1096\n");
    const TABLE: (&str, &str) =
        ("proc/meminfo", "MemTotal: 8 kB\nMemAvailable: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");

    fn read(files: &[(&str, &str)]) -> Memory {
        let host = recorded(files);
        memory(&host, &cgroup::cgroup(&host))
    }

    #[test]
    fn fields_are_bytes_or_refused() {
        let table = "MemTotal:       16384 kB\nMemFree: x kB\nSwapTotal: 18446744073709551615 kB\n";
        assert_eq!(field(table, "MemTotal"), Ok(16_384 * 1024));
        assert!(field(table, "MemFree").is_err() && field(table, "SwapTotal").is_err());
        assert_eq!(field("", "MemTotal").unwrap_err().state, coord_model::ValueState::Absent);
    }

    #[test]
    fn lxcfs_is_not_asked_where_the_cgroup_has_a_limit() {
        let hung = ("proc/meminfo", "this is what lxcfs would say");
        let memory = read(&[VEIL, LIMIT, USED, hung]);
        assert_eq!((memory.total, memory.available), (Ok(4096), Ok(3000)));
        assert_eq!(memory.source, Ok("/sys/fs/cgroup/memory.max".to_string()));
        assert!(memory.swap_total.is_err());
    }

    #[test]
    fn lxcfs_is_named_where_only_it_knows_the_limit() {
        let memory = read(&[VEIL, ("sys/fs/cgroup/memory.max", "max\n"), TABLE]);
        assert_eq!((memory.total, memory.available), (Ok(8192), Ok(1024)));
        assert!(memory.source.unwrap().contains("lxcfs"));
    }

    #[test]
    fn a_cgroup_has_no_more_than_its_machine() {
        let docker = read(&[LIMIT, USED, TABLE]);
        assert_eq!((docker.total, docker.available, docker.swap_total), (Ok(4096), Ok(1024), Ok(0)));
        let generous = read(&[("sys/fs/cgroup/memory.max", "65536\n"), USED, TABLE]);
        assert_eq!((generous.total, generous.source), (Ok(8192), Ok("/proc/meminfo".to_string())));
    }
}
