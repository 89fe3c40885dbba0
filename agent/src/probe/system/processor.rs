//! Processors: how many may be used, which they are, how long they worked.

use coord_model::{Reading, Unknown};

use super::cgroup::{self, Cgroup};
use crate::host::Host;

/// /proc/stat counts in hundredths of a second on every architecture that Coord runs on (USER_HZ).
const TICKS: f64 = 100.0;

const ONLINE: &str = "/sys/devices/system/cpu/online";

/// Online processors; in a container those that its cgroup gives, or fewer where that has a quota.
pub(super) fn count(host: &Host, cgroup: &Cgroup) -> Reading<u32> {
    let given = if cgroup.inside { cgroup::processors(host).or_else(|| allowed(host)) } else { None };
    let text = match given {
        Some(list) => list,
        None => host.text(ONLINE)?,
    };
    let count = ranges(&text).ok_or_else(|| Unknown::error(format!("not a list of processors: {text}")))?;
    let quota = if cgroup.inside { cgroup::quota(host) } else { None };
    Ok(quota.map_or(count, |quota| quota.min(count)))
}

/// Where the kernel may run this process (proc_pid_status(5)).
fn allowed(host: &Host) -> Option<String> {
    let status = host.text("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(list.trim().to_string())
}

/// Processor time that was used: the machine's, in a container its own.
pub(super) fn busy(host: &Host, cgroup: &Cgroup) -> Reading<f64> {
    let own = if cgroup.inside { cgroup::busy_seconds(host) } else { None };
    own.map_or_else(|| host.text("/proc/stat").and_then(|text| busy_seconds(&text)), Ok)
}

/// How many numbers `0-3,6` names.
fn ranges(text: &str) -> Option<u32> {
    let mut count = 0_u32;
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(count)
}

/// x86 names each processor; ARM names the board at the end.
pub(super) fn model(cpuinfo: &str) -> Reading<String> {
    let field = |name: &str| {
        let found = cpuinfo.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
        found.map(|value| value.trim().to_string()).filter(|value| !value.is_empty())
    };
    let found = field("model name").or_else(|| field("Model")).or_else(|| field("Hardware"));
    found.ok_or_else(|| Unknown::absent("/proc/cpuinfo names no processor"))
}

/// All but idle and waiting time of the line `cpu` (Documentation/filesystems/proc.rst).
fn busy_seconds(stat: &str) -> Reading<f64> {
    let missing = || Unknown::error("/proc/stat holds no processor times");
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu ")).ok_or_else(missing)?;
    let fields: Option<Vec<f64>> = line.split_whitespace().map(|field| field.parse().ok()).collect();
    let fields = fields.filter(|fields| fields.len() >= 4).ok_or_else(missing)?;
    let busy = fields.iter().take(8).enumerate().filter(|(place, _)| !matches!(place, 3 | 4));
    Ok(busy.map(|(_, ticks)| ticks).sum::<f64>() / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fixture::recorded;

    #[test]
    fn processors_are_counted() {
        assert_eq!(ranges("0-3,6\n"), Some(5));
        assert_eq!(ranges("0"), Some(1));
        for broken in ["", "a", "3-1", "0-", "0-4294967295"] {
            assert_eq!(ranges(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_container_has_the_processors_of_its_cgroup() {
        let online = ("sys/devices/system/cpu/online", "0-15\n");
        let read = |files: &[(&str, &str)]| {
            let host = recorded(files);
            count(&host, &cgroup::cgroup(&host))
        };
        let limit = ("sys/fs/cgroup/memory.max", "max\n");
        assert_eq!(read(&[online, ("sys/fs/cgroup/cpu.max", "max 100000\n")]), Ok(16));
        assert_eq!(read(&[online, limit, ("sys/fs/cgroup/cpuset.cpus.effective", "2-5\n")]), Ok(4));
        assert_eq!(read(&[online, limit, ("proc/self/status", "Cpus_allowed_list:\t0,7\n")]), Ok(2));
        assert_eq!(read(&[online, limit, ("sys/fs/cgroup/cpu.max", "150000 100000\n")]), Ok(2));
        assert!(read(&[]).is_err());
    }

    #[test]
    fn a_container_counts_its_own_time() {
        let stat = ("proc/stat", "cpu  100 0 100 9999 500 0 0 100 7 7\n");
        let usage = ("sys/fs/cgroup/cpu.stat", "usage_usec 500000\n");
        let read = |files: &[(&str, &str)]| {
            let host = recorded(files);
            busy(&host, &cgroup::cgroup(&host))
        };
        // The real root has such a file too, but nothing that only a cgroup below it has.
        assert_eq!(read(&[stat, usage]), Ok(3.0));
        assert_eq!(read(&[stat, usage, ("sys/fs/cgroup/cgroup.type", "domain\n")]), Ok(0.5));
    }

    #[test]
    fn names_of_both_architectures() {
        assert_eq!(model("processor\t: 0\nmodel name\t: Intel(R) N100\n").unwrap(), "Intel(R) N100");
        assert_eq!(model("processor : 0\nModel\t\t: Raspberry Pi 5\n").unwrap(), "Raspberry Pi 5");
        assert!(model("").is_err());
    }

    #[test]
    fn idle_and_waiting_time_is_not_work() {
        assert_eq!(busy_seconds("cpu  100 0 100 9999 500 0 0 100 7 7\ncpu0 1"), Ok(3.0));
        assert!(busy_seconds("cpu  100 x").is_err() && busy_seconds("").is_err() && busy_seconds("cpu  1 2").is_err());
    }
}
