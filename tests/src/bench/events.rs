//! How soon the agent tells: its first report, and a change on the screen; and what a storm of events costs.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::{
    agent::PACE,
    process::{Account, figures, own_time},
};
use crate::{
    fuse::own_namespace,
    lab::{Lab, Running, wait_for},
    recording,
};

/// From the moment a mount is there until `coordctl get mounts` shows it, several times.
///
/// An automount point needs no server: the kernel makes it, and the agent must never touch it.
#[must_use]
pub fn latency() -> String {
    let mut lab = Lab::with(PACE);
    let script = "mount --make-rprivate / && exec \"$@\"";
    let plain = lab.agent_command("mounter");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(plain.get_program()).args(plain.get_args());
    command.arg("--token-file").arg(lab.token_file("mounter"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(child) = command.spawn() else { return "change to status: unshare is missing\n".to_owned() };
    let agent = Running(child);
    lab.wait_reported("mounter");
    let mut times: Vec<f64> = (0..5)
        .filter_map(|round| {
            // A second change within a second waits for the end of that second; here each is the first.
            thread::park_timeout(Duration::from_secs(2));
            once(&lab, &agent, round)
        })
        .collect();
    lab.stop_coordinator();
    times.sort_by(f64::total_cmp);
    let Some(median) = times.get(times.len() / 2) else {
        return "change to status: mounting is not allowed here\n".to_owned();
    };
    format!(
        "change to status: a new mount is shown after {median:.2} s (median of {}, slowest {:.2} s)\n",
        times.len(),
        times.last().unwrap_or(median)
    )
}

fn once(lab: &Lab, agent: &Running, round: u32) -> Option<f64> {
    let folder = lab.path(&format!("mount-{round}"));
    fs::create_dir_all(&folder).ok()?;
    let pid = agent.0.id().to_string();
    let mut mount = Command::new("nsenter");
    mount.args(["-t", &pid, "-m", "sh", "-c"]);
    mount.arg("exec 9<>/dev/null; mkfifo \"$0.pipe\" 2>/dev/null; exec 8<>\"$0.pipe\"; mount -i -t autofs -o fd=8,pgrp=$$,minproto=5,maxproto=5,direct coord-bench \"$0\"");
    mount.arg(&folder).stderr(Stdio::null());
    let begun = Instant::now();
    if !mount.status().ok()?.success() {
        return None;
    }
    let path = folder.display().to_string();
    wait_for("the mount on the screen", || lab.told(&["-o", "json", "get", "mounts"]).contains(&path).then_some(()));
    Some(begun.elapsed().as_secs_f64())
}

/// From the start of an enrolled agent until the coordinator has its first report, several times.
#[must_use]
pub fn first_report() -> String {
    let lab = Lab::with(PACE);
    let mut times = Vec::new();
    for round in 0..5 {
        let name = format!("first-{round}");
        let mut command = lab.agent_command(&name);
        command.arg("--token-file").arg(lab.token_file(&name)).stderr(Stdio::null());
        let mut enrolled = Running(command.spawn().unwrap());
        lab.wait_reported(&name);
        enrolled.stop();
        let started = || sections(&lab, &name);
        let before = started();
        let begun = Instant::now();
        let mut command = lab.agent_command(&name);
        let _agent = Running(command.stderr(Stdio::null()).spawn().unwrap());
        wait_for("the first report", || {
            let now = started();
            // Two starts hardly ever take the same time to the nanosecond.
            (now.is_some() && now != before).then_some(())
        });
        times.push(begun.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    format!(
        "first report: {median:.3} s after start (median of {}, slowest {slowest:.3} s; asking costs some of it)\n",
        times.len()
    )
}

/// The seconds since the start that the newest report of `name` tells.
fn sections(lab: &Lab, name: &str) -> Option<f64> {
    let output = lab.ask(&["-o", "json", "describe", "node", name]);
    let node: coord_model::NodeDetail = serde_json::from_slice(&output.stdout).ok()?;
    // The whole report comes in one message, so that its last section proves all.
    node.report.k3s.as_ref()?;
    node.report.agent?.facts?.started_seconds
}

/// Ten thousand changes of the mount table in a minute on this machine: of a kind that pods cause, and of disks.
#[must_use]
pub fn storm(length: Duration) -> String {
    // The agent shares the mount namespace of this thread.
    if let Err(reason) = own_namespace() {
        return format!("storm: {reason}\n");
    }
    let lab = Lab::with(PACE);
    let mut command = lab.agent_command("stormy");
    command.arg("--token-file").arg(lab.token_file("stormy")).stderr(Stdio::null());
    let agent = Running(command.spawn().unwrap());
    let account = Account::open("storm");
    if let Some(account) = &account {
        account.take(agent.0.id());
    }
    lab.wait_reported("stormy");
    let place = lab.path("storm");
    fs::create_dir(&place).unwrap();
    let mut text = String::new();
    for (what, source) in [("of pods", "tmpfs"), ("of disks", "/dev/storm")] {
        let used = || account.as_ref().map_or_else(|| own_time(agent.0.id()), Account::used);
        let (before, begun) = (used(), Instant::now());
        let events = mount_for(&place, source, length);
        let seconds = begun.elapsed().as_secs_f64();
        let share = used().saturating_sub(before).as_secs_f64() / seconds * 100.0;
        let pace = f64::from(events) / seconds * 60.0;
        writeln!(text, "storm {what}: {pace:.0} mount events a minute cost {share:.2} % of a core").unwrap();
    }
    text
}

/// Mounts and unmounts for `length` at an even pace of ten thousand events a minute; how many it made.
fn mount_for(place: &Path, source: &str, length: Duration) -> u32 {
    let pace = Duration::from_secs(60) / 5_000;
    let (begun, mut rounds) = (Instant::now(), 0_u32);
    while begun.elapsed() < length {
        mount(Some(source), place, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        umount2(place, MntFlags::MNT_DETACH).unwrap();
        rounds += 1;
        thread::park_timeout((pace * rounds).saturating_sub(begun.elapsed()));
    }
    rounds * 2
}

/// The main process on a recorded k3s node whose mount table has three thousand shares.
#[must_use]
pub fn many_mounts() -> String {
    let lab = Lab::with(PACE);
    let host = recording::copy(&lab, "k3s-w1");
    let path = host.join("root/proc/self/mountinfo");
    let mut table = fs::read_to_string(&path).unwrap();
    for number in 0..3_000 {
        let id = 1000 + number;
        writeln!(
            table,
            "{id} 28 0:{id} / /data/nfs{number} rw,relatime shared:{id} - nfs4 nas{number}:/export rw,vers=4.2,hard,addr=192.168.1.29"
        )
        .unwrap();
    }
    fs::write(&path, table).unwrap();
    let agent = recording::agent(&lab, "many", &host);
    lab.wait_reported("many");
    thread::park_timeout(Duration::from_secs(130));
    let figures = figures(agent.0.id());
    format!(
        "3 000 mounts: resident {:.2} MiB, anonymous {:.2} MiB after two regular readings\n",
        figures.resident as f64 / 1024.0,
        figures.anonymous as f64 / 1024.0
    )
}
