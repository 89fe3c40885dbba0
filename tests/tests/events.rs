//! Events of the kernel, end to end: what happens on the machine is read at once and no more than that, storms cost few
//! readings, and where nothing happens nothing is written and no share is touched.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use coord_model::{NodeDetail, Report, SectionKind, section::EventSource};
use coord_tests::{
    fuse::{Fuse, Shape, own_namespace, small_disk},
    lab::{Lab, Running, wait_for},
    skip::skipped,
    strace::{all_traced, children_traced, inner},
};
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::stat::{Mode, SFlag, makedev, mknod},
};

/// Only events start a reading: the first regular one is far away.
const EVENTS_ONLY: &str = "heartbeat: 500ms\nfacts: 1h\nreconnectCap: 1s\nlostAfter: 5s\n";
/// A regular reading each second.
const QUICK: &str = "heartbeat: 500ms\nfacts: 1s\nreconnectCap: 1s\nlostAfter: 5s\n";

fn run(words: &[&str]) -> Result<(), String> {
    let output = Command::new(words[0]).args(&words[1..]).output().map_err(|error| format!("{}: {error}", words[0]))?;
    let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{}: {error}", words.join(" "))) }
}

/// A network of this thread and what it starts, with the sysfs that shows it.
fn own_network() -> Result<(), String> {
    own_namespace()?;
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| format!("needs root for a network namespace: {error}"))?;
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), None::<&str>)
        .map_err(|error| format!("cannot mount sysfs: {error}"))?;
    run(&["ip", "link", "set", "lo", "up"])
}

/// A machine of this thread's own as far as events go: its `/dev`, its units, and k3s among them.
fn own_machine() -> Result<[coord_tests::fuse::Mounted; 3], String> {
    own_namespace()?;
    let dev = small_disk(Path::new("/dev"), "1m")?;
    for (name, major, minor) in [("null", 1, 3), ("zero", 1, 5), ("random", 1, 8), ("urandom", 1, 9), ("fuse", 10, 229)]
    {
        let mode = Mode::from_bits_truncate(0o666);
        let made = mknod(&Path::new("/dev").join(name), SFlag::S_IFCHR, mode, makedev(major, minor));
        made.map_err(|error| format!("cannot make /dev/{name}: {error}"))?;
        fs::set_permissions(Path::new("/dev").join(name), fs::Permissions::from_mode(0o666)).unwrap();
    }
    let run = small_disk(Path::new("/run"), "1m")?;
    fs::create_dir_all("/run/systemd/units").unwrap();
    fs::create_dir_all("/etc/systemd/system").map_err(|error| format!("no folder for units: {error}"))?;
    let units = small_disk(Path::new("/etc/systemd/system"), "1m")?;
    fs::write("/etc/systemd/system/k3s.service", "[Service]\nExecStart=/nonexistent/k3s server\n").unwrap();
    Ok([dev, run, units])
}

/// An agent of this machine whose children are counted.
struct Watched {
    strace: Running,
    trace: PathBuf,
}

impl Watched {
    fn start(lab: &Lab) -> Self {
        let trace = lab.path("children.trace");
        let mut command = lab.agent_command("live");
        command.arg("--token-file").arg(lab.token_file("live"));
        let strace = Running(children_traced(&command, &trace).spawn().unwrap());
        lab.wait_reported("live");
        Self { strace, trace }
    }

    /// The sections that each child was asked for.
    fn asked(&self) -> Vec<BTreeSet<String>> {
        let text = fs::read_to_string(&self.trace).unwrap_or_default();
        let names = |line: &str| line.split('"').skip(1).step_by(2).skip(3).map(str::to_owned).collect();
        text.lines().filter(|line| line.contains("\"coord-agent\", \"probe\"")).map(names).collect()
    }

    /// Waits for a child that was asked for `kind` and not for everything, after the first `before` children.
    fn wait_asked(&self, before: usize, kind: &str) {
        wait_for(&format!("{kind} to be read"), || {
            let asked = self.asked();
            let one = |names: &&BTreeSet<String>| names.contains(kind) && !names.contains("unraid");
            asked.get(before..)?.iter().find(one).map(drop)
        });
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // strace lets go of what it traces when it is killed; the agent must end too.
        let pid = i32::try_from(inner(self.strace.0.id())).unwrap();
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM);
        wait_for("the traced agent to end", || self.strace.0.try_wait().unwrap());
    }
}

fn report(lab: &Lab) -> Report {
    let text = lab.told(&["-o", "json", "describe", "node", "live"]);
    serde_json::from_str::<NodeDetail>(&text).unwrap().report
}

/// The event source of this name as the agent tells it.
fn source(lab: &Lab, name: &str) -> EventSource {
    let rows = report(lab).agent.and_then(|section| section.facts).and_then(|facts| facts.event_sources).unwrap();
    rows.into_iter().find(|row| row.name.as_deref() == Some(name)).unwrap()
}

#[test]
fn each_event_reads_its_own_sections() {
    let name = "each_event_reads_its_own_sections";
    if !coord_tests::bench::process::installed("strace") {
        return skipped(name, "strace is missing");
    }
    let _machine = match own_machine() {
        Ok(machine) => machine,
        Err(reason) => return skipped(name, &reason),
    };
    let lab = Lab::with(EVENTS_ONLY);
    let agent = Watched::start(&lab);
    for source_name in ["cgroup", "dev", "mountinfo", "route"] {
        let row = source(&lab, source_name);
        assert_eq!(row.watching, Some(true), "{row:?}");
    }

    let before = agent.asked().len();
    fs::write("/dev/ttyUSB7", "").unwrap();
    agent.wait_asked(before, "usb");

    let before = agent.asked().len();
    fs::create_dir("/dev/dri").unwrap();
    agent.wait_asked(before, "gpu");
    // The folder that appeared is watched as well.
    let before = agent.asked().len();
    fs::write("/dev/dri/renderD128", "").unwrap();
    agent.wait_asked(before, "gpu");

    let before = agent.asked().len();
    symlink("0123", "/run/systemd/units/invocation:cron.service").unwrap();
    symlink("4567", "/run/systemd/units/invocation:k3s.service").unwrap();
    agent.wait_asked(before, "k3s");

    let place = lab.path("share");
    fs::create_dir(&place).unwrap();
    let before = agent.asked().len();
    let fuse = Fuse::over(&place, Shape::Folder).unwrap();
    agent.wait_asked(before, "mounts");
    let before = agent.asked().len();
    umount2(&place, MntFlags::MNT_DETACH).unwrap();
    agent.wait_asked(before, "mounts");
    drop(fuse);
}

#[test]
fn a_new_address_is_told_without_a_regular_reading() {
    let name = "a_new_address_is_told_without_a_regular_reading";
    if let Err(reason) = own_network() {
        return skipped(name, &reason);
    }
    let lab = Lab::with(EVENTS_ONLY);
    let mut command = lab.agent_command("live");
    let mut agent = Running(command.arg("--token-file").arg(lab.token_file("live")).spawn().unwrap());
    lab.wait_reported("live");
    let made = run(&["ip", "link", "add", "lan0", "type", "dummy"])
        .or_else(|_| run(&["ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan1"]));
    if let Err(reason) = made {
        return skipped(name, &reason);
    }
    run(&["ip", "address", "add", "192.0.2.7/24", "dev", "lan0"]).unwrap();
    run(&["ip", "link", "set", "lan0", "up"]).unwrap();
    wait_for("the address to be told", || {
        let interfaces = report(&lab).network?.facts?.interfaces?;
        let told = interfaces.iter().flat_map(|interface| interface.addresses.iter().flatten());
        told.into_iter().any(|address| address.starts_with("192.0.2.7/")).then_some(())
    });
    assert!(agent.stop().success());
}

#[test]
fn a_storm_of_mounts_starts_few_readings() {
    let name = "a_storm_of_mounts_starts_few_readings";
    if !coord_tests::bench::process::installed("strace") {
        return skipped(name, "strace is missing");
    }
    if let Err(reason) = own_namespace() {
        return skipped(name, &reason);
    }
    let lab = Lab::with(EVENTS_ONLY);
    let agent = Watched::start(&lab);
    let place = lab.path("storm");
    fs::create_dir(&place).unwrap();
    let storm = |source: &str| {
        for _ in 0..300 {
            mount(Some(source), &place, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
            umount2(&place, MntFlags::MNT_DETACH).unwrap();
        }
    };
    // What pods mount is nobody's business: only pressure, which the storm itself may cause, starts a child.
    let mounts = |asked: Vec<BTreeSet<String>>| asked.iter().filter(|names| names.contains("mounts")).count();
    let before = mounts(agent.asked());
    storm("tmpfs");
    assert_eq!(mounts(agent.asked()), before);
    // A disk that comes and goes six hundred times is looked at once a second.
    let began = Instant::now();
    storm("/dev/storm");
    // One that stays is seen after the storm at the latest.
    mount(Some("/dev/stays"), &place, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    wait_for("the disk that stays to be told", || {
        let disks = report(&lab).disk?.facts?.filesystems?;
        disks.iter().any(|disk| disk.source.as_deref() == Some("/dev/stays")).then_some(())
    });
    let most = usize::try_from(began.elapsed().as_secs()).unwrap() + 2;
    let readings = mounts(agent.asked()) - before;
    assert!((1..=most).contains(&readings), "{readings} readings in {:?}", began.elapsed());
    umount2(&place, MntFlags::MNT_DETACH).unwrap();
}

/// Whether every section fails because no child could be started.
fn refused(lab: &Lab) -> Option<()> {
    let report = report(lab);
    let all = SectionKind::ALL.iter().all(|kind| {
        let failure = report.get(*kind).and_then(|section| section.failure().cloned());
        failure.is_some_and(|failure| failure.message.starts_with("cannot start a probe: "))
    });
    all.then_some(())
}

fn whole(lab: &Lab) -> Option<()> {
    let report = report(lab);
    let good = |kind: &SectionKind| report.get(*kind).is_some_and(|section| section.failure().is_none());
    SectionKind::ALL.iter().all(good).then_some(())
}

/// Runs what follows as another user than root.
const OTHER_USER: [&str; 7] = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"];

/// Takes `limit` from the agent, looks that it says so and lives, and gives it back.
fn without(lab: &Lab, agent: &Running, by: &[&str], limit: &str, none: u32, enough: u32) -> Result<(), String> {
    let pid = agent.0.id().to_string();
    let set = |count: u32| run(&[by, &["prlimit", "--pid", &pid, &format!("--{limit}={count}:")]].concat());
    wait_for("a whole report", || whole(lab));
    set(none)?;
    wait_for("the sections to say that no probe can be started", || refused(lab));
    lab.wait_node("live", "to be heard", |node| node.last_seen_seconds.is_some_and(|seconds| seconds < 1.5));
    set(enough)?;
    wait_for("a whole report again", || whole(lab));
    Ok(())
}

#[test]
fn an_agent_without_free_descriptors_says_so_and_goes_on() {
    let lab = Lab::with(QUICK);
    let mut command = lab.agent_command("live");
    let mut agent = Running(command.arg("--token-file").arg(lab.token_file("live")).spawn().unwrap());
    lab.wait_reported("live");
    if let Err(reason) = without(&lab, &agent, &[], "nofile", 3, 1024) {
        return skipped("an_agent_without_free_descriptors_says_so_and_goes_on", &reason);
    }
    assert!(agent.stop().success());
}

#[test]
fn an_agent_that_may_not_fork_says_so_and_goes_on() {
    let name = "an_agent_that_may_not_fork_says_so_and_goes_on";
    let lab = Lab::with(QUICK);
    let token = lab.token_file("live");
    let state = lab.path("live.state");
    fs::create_dir(&state).unwrap();
    // root is not bound by this limit.
    let other = 65_534;
    if chown(&state, Some(other), Some(other)).and_then(|()| chown(&token, Some(other), Some(other))).is_err() {
        return skipped(name, "needs root to run the agent as another user");
    }
    fs::set_permissions(lab.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let plain = lab.agent_command("live");
    let mut command = Command::new(OTHER_USER[0]);
    command.args(&OTHER_USER[1..]);
    command.arg(plain.get_program()).args(plain.get_args()).arg("--token-file").arg(token);
    let mut agent = Running(command.spawn().unwrap());
    let started = wait_for("the agent to report or to end", || {
        let ended = agent.0.try_wait().unwrap().is_some();
        let there = lab.status().nodes.iter().any(|node| node.name == "live" && node.platform.is_some());
        (ended || there).then_some(there)
    });
    if !started {
        return skipped(name, "another user cannot run the programs of this build");
    }
    if let Err(reason) = without(&lab, &agent, &OTHER_USER, "nproc", 0, 4096) {
        return skipped(name, &reason);
    }
    assert!(agent.stop().success());
}

/// One call of a trace made by [`all_traced`].
struct Called<'a> {
    process: u32,
    name: &'a str,
    arguments: &'a str,
}

fn called(line: &str) -> Option<Called<'_>> {
    let (process, said) = line.split_once(' ')?;
    let (name, arguments) = said.trim_start().split_once('(')?;
    let known = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    known.then_some(Called { process: process.parse().ok()?, name, arguments })
}

/// Whether it changes a file that has a name: pipes, sockets and memory have none.
fn changes_a_file(call: &Called<'_>) -> bool {
    let first = call.arguments.split(',').next().unwrap_or_default();
    let named = first.split_once('<').is_some_and(|(_, path)| path.starts_with('/') && !path.starts_with("/memfd:"));
    match call.name {
        "write" | "writev" | "pwrite64" | "pwritev" | "ftruncate" | "fallocate" | "fsync" | "fdatasync" => {
            named && !call.arguments.contains("</dev/null")
        }
        "open" | "openat" | "creat" => {
            ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| call.arguments.contains(flag))
                && !["\"/dev/null\"", "/proc/pressure/", "\"/proc/self/"]
                    .iter()
                    .any(|path| call.arguments.contains(path))
        }
        "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat" | "mkdir" | "mkdirat" | "truncate" | "symlink"
        | "symlinkat" | "link" | "linkat" => true,
        _ => false,
    }
}

#[test]
fn an_idle_agent_writes_nothing_and_touches_no_share() {
    let name = "an_idle_agent_writes_nothing_and_touches_no_share";
    if !coord_tests::bench::process::installed("strace") {
        return skipped(name, "strace is missing");
    }
    if let Err(reason) = own_namespace() {
        return skipped(name, &reason);
    }
    let lab = Lab::with(QUICK);
    let share = lab.path("share");
    fs::create_dir(&share).unwrap();
    let fuse = match Fuse::over(&share, Shape::Folder) {
        Ok(fuse) => fuse,
        Err(reason) => return skipped(name, &reason),
    };
    let trace = lab.path("idle.trace");
    let mut command = lab.agent_command("live");
    command.arg("--token-file").arg(lab.token_file("live"));
    let mut strace = Running(all_traced(&command, &trace).spawn().unwrap());
    lab.wait_reported("live");
    let main = inner(strace.0.id());
    let length = || fs::metadata(&trace).map_or(0, |file| file.len());
    // What is written at the start, the identity, is not periodic.
    wait_for("a whole report", || whole(&lab));
    let begin = usize::try_from(length()).unwrap();
    let children = || {
        let text = fs::read(&trace).unwrap();
        let text = String::from_utf8_lossy(text.get(begin..).unwrap_or_default()).into_owned();
        text.lines().filter(|line| line.contains("execve(")).count()
    };
    wait_for("five regular readings", || (children() >= 5).then_some(()));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(main).unwrap()), nix::sys::signal::Signal::SIGTERM)
        .unwrap();
    wait_for("the traced agent to end", || strace.0.try_wait().unwrap());
    drop(fuse);
    let bytes = fs::read(&trace).unwrap();
    let text = String::from_utf8_lossy(&bytes[begin..]);
    let calls: Vec<Called<'_>> = text.lines().filter_map(called).collect();
    assert!(calls.len() > 100, "{}", calls.len());
    let shown = |call: &&Called<'_>| format!("{} {}({}", call.process, call.name, call.arguments);
    let writes: Vec<String> = calls.iter().filter(|call| changes_a_file(call)).map(|call| shown(&call)).collect();
    let log = |line: &String| line.contains("live.trace") || line.contains("idle.log");
    assert!(writes.iter().all(log), "{writes:#?}");
    let path = share.display().to_string();
    let touches: Vec<&Called<'_>> = calls.iter().filter(|call| call.arguments.contains(&path)).collect();
    // Whether it answers is asked by statfs alone, in a child.
    let wrong: Vec<String> =
        touches.iter().filter(|call| call.process == main || call.name != "statfs").map(shown).collect();
    assert_eq!(wrong, [] as [String; 0]);
}
