//! Whether the main process of the k3s unit runs, and since when, from its cgroup and procfs.
//!
//! k3s runs with `KillMode=process`: its containers outlive it in the same cgroup, so a populated cgroup proves
//! nothing. The process named `k3s-server` or `k3s-agent` does. systemd is not asked, so a unit whose main process
//! runs counts as active although it may not have said that it is ready.

use coord_model::{Reading, Unknown, ValueState, section::UnitState};

use crate::host::Host;

/// system.slice on cgroup v2, on a hybrid hierarchy, and on v1.
const SLICES: [&str; 3] =
    ["/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/unified/system.slice", "/sys/fs/cgroup/systemd/system.slice"];
/// procfs counts in units of 1/100 s on every architecture that k3s runs on (proc_pid_stat(5), USER_HZ).
const TICKS: f64 = 100.0;

/// What is known of the unit's processes.
#[derive(Debug, PartialEq)]
pub(super) enum Process {
    /// The main process has this number.
    Main(u32),
    /// systemd started the unit, and its main process is not there now.
    Starting,
    /// Nothing of it runs but, perhaps, containers that it left.
    Gone,
}

impl Process {
    /// Whether the main process is there.
    pub(super) fn runs(&self) -> bool {
        match self {
            Self::Main(_) => true,
            Self::Starting | Self::Gone => false,
        }
    }

    /// The nearest of systemd's words; `failed` cannot be told from `inactive` without systemd.
    pub(super) fn state(&self) -> UnitState {
        match self {
            Self::Main(_) => UnitState::Active,
            Self::Starting => UnitState::Activating,
            Self::Gone => UnitState::Inactive,
        }
    }
}

/// Looks for the main process in the unit's cgroup.
pub(super) fn find(host: &Host, unit: &str) -> Reading<Process> {
    let slice = SLICES.iter().find(|slice| host.list(slice).is_ok());
    let slice = slice.ok_or_else(|| Unknown::absent("systemd's system.slice is not in /sys/fs/cgroup"))?;
    let processes = match host.text(&format!("{slice}/{unit}/cgroup.procs")) {
        Ok(text) => parse_processes(&text),
        Err(reason) if reason.state == ValueState::Absent => Vec::new(),
        Err(reason) => return Err(reason),
    };
    let main = processes.into_iter().find(|number| is_main(host, *number));
    Ok(main.map_or_else(|| without_main(host, unit), Process::Main))
}

/// systemd keeps `invocation:UNIT` while a unit is active or tries to become so, also between two attempts.
fn without_main(host: &Host, unit: &str) -> Process {
    match host.link(&format!("/run/systemd/units/invocation:{unit}")) {
        Ok(_) => Process::Starting,
        Err(_) => Process::Gone,
    }
}

fn is_main(host: &Host, number: u32) -> bool {
    let name = host.text(&format!("/proc/{number}/comm")).unwrap_or_default();
    matches!(name.as_str(), "k3s-server" | "k3s-agent" | "k3s")
}

fn parse_processes(text: &str) -> Vec<u32> {
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// Seconds since the main process started.
pub(super) fn since(host: &Host, process: Reading<&Process>) -> Reading<f64> {
    match process? {
        Process::Main(number) => age(host, *number),
        Process::Starting | Process::Gone => Err(Unknown::absent("its main process does not run")),
    }
}

/// In an LXC container lxcfs counts /proc/uptime from the start of the container's first process, while procfs counts
/// the start of every process from the kernel's boot: there the first process is the common origin.
fn age(host: &Host, number: u32) -> Reading<f64> {
    let uptime = parse_uptime(&host.text("/proc/uptime")?)?;
    let start = parse_start(&host.text(&format!("/proc/{number}/stat"))?)?;
    let mountinfo = host.text("/proc/self/mountinfo")?;
    let origin = if lxcfs_uptime(&mountinfo) { parse_start(&host.text("/proc/1/stat")?)? } else { 0.0 };
    let age = uptime - (start - origin);
    if age < -1.0 { Err(Unknown::error("/proc/uptime is behind the start of the process")) } else { Ok(age.max(0.0)) }
}

fn lxcfs_uptime(mountinfo: &str) -> bool {
    mountinfo.lines().any(|line| line.split(' ').nth(4) == Some("/proc/uptime") && line.contains(" fuse.lxcfs "))
}

fn parse_uptime(text: &str) -> Reading<f64> {
    let seconds = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    seconds.filter(|seconds| seconds.is_finite()).ok_or_else(|| Unknown::error("/proc/uptime makes no sense"))
}

/// Field 22; the name in field 2 may hold spaces and parentheses.
fn parse_start(text: &str) -> Reading<f64> {
    let ticks = text.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)?.parse::<f64>().ok());
    ticks.map(|ticks| ticks / TICKS).ok_or_else(|| Unknown::error("/proc/PID/stat makes no sense"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_field_22_whatever_the_name() {
        let text = "812 (k3s) server) S 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 33 0 4200 1 2";
        assert_eq!(parse_start(text), Ok(42.0));
    }

    #[test]
    fn broken_texts_are_errors() {
        for text in ["", "812", "812 (k3s", "812 (k3s) S", "\u{0}", "812 (k3s) S 1 812 812 0 -1 x x x x"] {
            assert!(parse_start(text).is_err(), "{text:?}");
        }
        for text in ["", "x", "NaN 1", "inf"] {
            assert!(parse_uptime(text).is_err(), "{text:?}");
        }
        assert_eq!(parse_processes("12\nx\n\n-4\n99999999999\n7"), [12, 7]);
    }

    #[test]
    fn lxcfs_is_seen_on_the_uptime_alone() {
        assert!(lxcfs_uptime("1 2 0:50 /proc/uptime /proc/uptime rw - fuse.lxcfs lxcfs rw"));
        assert!(!lxcfs_uptime("1 2 0:50 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw"));
        assert!(!lxcfs_uptime("1 2 0:50 / /proc rw - proc proc rw\n\u{0}"));
    }
}
