//! Figures of one process and its children, from the kernel's own accounting.

use std::{fs, path::PathBuf, process::Command, time::Duration};

/// Memory in kB and voluntary context switches of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Resident memory.
    pub resident: u64,
    /// The anonymous part of it.
    pub anonymous: u64,
    /// Voluntary context switches of all its threads.
    pub switches: u64,
    /// Threads.
    pub threads: u64,
}

/// Reads the figures of `pid`.
#[must_use]
pub fn figures(pid: u32) -> Figures {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map(Iterator::count).unwrap_or(0);
    Figures {
        resident: field(&status, "VmRSS:"),
        anonymous: field(&status, "RssAnon:"),
        switches: switches(pid),
        threads: threads as u64,
    }
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn switches(pid: u32) -> u64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("status")).unwrap_or_default();
    tasks.flatten().map(|task| field(&of(task), "voluntary_ctxt_switches:")).sum()
}

/// A cgroup whose processor time can be read: cgroup v2's `cpu.stat` exists without any controller.
#[derive(Debug)]
pub struct Account(PathBuf);

impl Account {
    /// Makes one; `None` where the hierarchy cannot be written.
    #[must_use]
    pub fn open(name: &str) -> Option<Self> {
        let roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
        roots
            .iter()
            .map(|root| PathBuf::from(root).join(format!("coord-bench-{name}-{}", std::process::id())))
            .find_map(|path| {
                fs::create_dir(&path).ok()?;
                let account = Self(path);
                account.0.join("cpu.stat").exists().then_some(account)
            })
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.0
    }

    /// Moves a process into it; its children follow.
    pub fn take(&self, pid: u32) {
        fs::write(self.0.join("cgroup.procs"), pid.to_string())
            .expect("a process can be moved into the bench's cgroup");
    }

    /// Processor time used so far by everything in it.
    #[must_use]
    pub fn used(&self) -> Duration {
        let text = fs::read_to_string(self.0.join("cpu.stat")).unwrap_or_default();
        Duration::from_micros(field(&text, "usage_usec"))
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // A cgroup with processes stays; the kernel takes it away with them at the next attempt.
        let _ = fs::remove_dir(&self.0);
    }
}

/// Processor time of one process without its children, from its scheduler statistics.
#[must_use]
pub fn own_time(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    Duration::from_nanos(tasks.map(of).sum())
}

/// Whether a program can be found.
#[must_use]
pub fn installed(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", "command -v \"$0\" > /dev/null", program])
        .status()
        .is_ok_and(|status| status.success())
}
