//! Processors: how many may be used, which they are, how long they worked.

use coord_model::{Reading, Unknown};

use crate::host::Host;

/// /proc/stat counts in hundredths of a second on every architecture that Coord runs on (USER_HZ).
const TICKS: f64 = 100.0;

/// Online processors, or fewer where the cgroup has a quota.
pub(super) fn count(host: &Host) -> Reading<u32> {
    let text = host.text("/sys/devices/system/cpu/online")?;
    let online = ranges(&text).ok_or_else(|| Unknown::error("/sys/devices/system/cpu/online holds no list"))?;
    let quota = host.text("/sys/fs/cgroup/cpu.max").ok().and_then(|text| quota(&text));
    Ok(quota.map_or(online, |quota| quota.min(online)))
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

/// `QUOTA PERIOD` in whole processors, rounded up; `max` is no quota.
fn quota(text: &str) -> Option<u32> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    u32::try_from(quota.checked_div(period)?.checked_add(u64::from(quota % period > 0))?.max(1)).ok()
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
pub(super) fn busy_seconds(stat: &str) -> Reading<f64> {
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

    #[test]
    fn processors_are_counted() {
        assert_eq!(ranges("0-3,6\n"), Some(5));
        assert_eq!(ranges("0"), Some(1));
        for broken in ["", "a", "3-1", "0-", "0-4294967295"] {
            assert_eq!(ranges(broken), None, "{broken}");
        }
        assert_eq!(quota("150000 100000"), Some(2));
        assert_eq!(quota("max 100000"), None);
        assert_eq!(quota("5 0"), None);
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
