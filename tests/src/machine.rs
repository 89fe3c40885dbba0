//! A machine with a real systemd, in a container that systemd-nspawn boots from a root file system in the cache.
//!
//! It has no network and forgets everything when it is dropped. It needs root and a cgroup hierarchy to write to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};

use crate::lab::wait_for;

mod rootfs;

pub use rootfs::rootfs;

/// Moves itself into the given cgroups, then becomes systemd-nspawn: it must be there before that begins.
const BEGIN: &str =
    "for place in $PLACES; do echo $$ > $place/cgroup.procs || exit 1; done; exec systemd-nspawn \"$@\"";

/// A booted machine.
#[derive(Debug)]
pub struct Machine {
    nspawn: Child,
    /// Its first process, as this machine numbers it.
    leader: i32,
    cgroups: Vec<PathBuf>,
    log: tempfile::NamedTempFile,
}

impl Machine {
    /// Boots one, and waits until systemd has started everything.
    ///
    /// # Errors
    /// Why there can be none here, in words for a skip.
    ///
    /// # Panics
    /// When it does not boot although everything is there.
    pub fn boot() -> Result<Self, String> {
        if !geteuid().is_root() {
            return Err("needs root for systemd-nspawn".to_owned());
        }
        let root = rootfs()?;
        let name = own_name();
        let cgroups = own_cgroups(&name)?;
        let log = tempfile::NamedTempFile::new().unwrap();
        let places: Vec<String> = cgroups.iter().map(|place| place.display().to_string()).collect();
        let mut command = Command::new("sh");
        command.args(["-c", BEGIN, "begin", "-q", "-b", "--register=no", "--keep-unit", "--console=read-only"]);
        command.args(["--volatile=overlay", "--private-network", "-M", &name, "-D"]).arg(root);
        command.env("PLACES", places.join(" ")).env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
        command.stdin(Stdio::null()).stdout(log.reopen().unwrap()).stderr(log.reopen().unwrap());
        let nspawn = command.spawn().map_err(|error| format!("cannot start systemd-nspawn: {error}"))?;
        let mut machine = Self { nspawn, leader: 0, cgroups, log };
        machine.leader = wait_for("the machine's first process", || machine.first_process());
        wait_for("the machine to be up", || {
            machine.alive();
            let state = machine.command(&["systemctl", "is-system-running"]).output().ok()?;
            let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
            matches!(state.as_str(), "running" | "degraded").then_some(())
        });
        Ok(machine)
    }

    fn first_process(&mut self) -> Option<i32> {
        self.alive();
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.nspawn.id())).ok()?;
        children.split_whitespace().filter_map(|child| child.parse().ok()).find(is_first)
    }

    fn alive(&mut self) {
        let ended = self.nspawn.try_wait().unwrap();
        let log = fs::read_to_string(self.log.path()).unwrap_or_default();
        assert!(ended.is_none(), "systemd-nspawn ended: {log}");
    }

    /// A command inside it, as root.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.leader.to_string(), "-m", "-u", "-i", "-n", "-p", "-C", "--"]).args(words);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin").stdin(Stdio::null());
        command
    }

    /// Runs a command inside it, whatever becomes of it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn output(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs a command inside it and gives back what it printed.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, words: &[&str]) -> String {
        let output = self.output(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {}: {said}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Where a path inside it lies on this machine.
    #[must_use]
    pub fn place(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.leader)).join(path.trim_start_matches('/'))
    }

    /// Copies a file into it, with its permissions.
    ///
    /// # Panics
    /// When it cannot be copied.
    pub fn copy(&self, from: &Path, path: &str) {
        fs::copy(from, self.parent_of(path)).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }

    /// Writes a file inside it.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.parent_of(path), text).unwrap();
    }

    fn parent_of(&self, path: &str) -> PathBuf {
        let place = self.place(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // As a power cut would; systemd-nspawn sees it and cleans up. Zero would be every process of this group.
        if self.leader > 0 && kill(Pid::from_raw(self.leader), Signal::SIGKILL).is_ok() {
            let _ = self.nspawn.wait();
        } else {
            // What it started ends with it.
            let _ = self.nspawn.kill();
            let _ = self.nspawn.wait();
        }
        for cgroup in &self.cgroups {
            remove(cgroup);
        }
    }
}

/// Whether this process is number 1 of a namespace: systemd-nspawn has another child before it has this one.
fn is_first(process: &i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    numbers.split_whitespace().count() > 1 && numbers.split_whitespace().next_back() == Some("1")
}

/// A name that no other machine has.
fn own_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("coord-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A cgroup in every hierarchy that systemd uses: one where they are unified, else systemd's own beside that.
fn own_cgroups(name: &str) -> Result<Vec<PathBuf>, String> {
    let top = Path::new("/sys/fs/cgroup");
    let hierarchies = if top.join("cgroup.controllers").exists() {
        vec![top.to_owned()]
    } else {
        vec![top.join("unified"), top.join("systemd")]
    };
    let places: Vec<PathBuf> = hierarchies.iter().map(|hierarchy| hierarchy.join(name)).collect();
    for place in &places {
        fs::create_dir(place).map_err(|error| format!("needs cgroups: {}: {error}", place.display()))?;
    }
    Ok(places)
}

/// Removes a cgroup with those below it, once they are empty.
fn remove(cgroup: &Path) {
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(cgroup);
}
