//! What machines really hold: files that are missing, empty, cut or no text, and files that never answer, cost their
//! section at most, and never the agent's heartbeat.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use coord_model::{Code, Health, Report, SectionKind, ValueState, section::MountState};
use coord_tests::{
    fuse::{Fuse, Shape, own_namespace},
    lab::{Lab, Running, program, wait_for},
    recording,
    skip::skipped,
};
use serde_json::Value;

/// `coord-agent check` of a recorded host.
fn check(host: &Path) -> Value {
    let output = Command::new(program("coord-agent")).arg("check").args(["-o", "json", "--root"]).arg(host).output();
    let output = output.expect("the agent starts");
    let told = || format!("{}: {}", host.display(), String::from_utf8_lossy(&output.stderr));
    assert!(matches!(output.status.code(), Some(0 | 3)), "{:?} {}", output.status, told());
    let mut document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error} {}", told()));
    document["report"].take()
}

/// The kinds whose sections differ, and those of them that failed.
fn differing(before: &Value, after: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let sections = |report: &Value| -> BTreeMap<String, Value> {
        let mut sections: BTreeMap<String, Value> = serde_json::from_value(report.clone()).expect("sections");
        for section in sections.values_mut() {
            section["ageSeconds"] = 0.0.into();
        }
        // It counts its own seconds, and says which files it reads.
        sections.remove("agent");
        sections
    };
    let (before, after) = (sections(before), sections(after));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let changed: BTreeSet<String> = after.keys().filter(|kind| before[*kind] != after[*kind]).cloned().collect();
    let failed = changed.iter().filter(|kind| after[*kind].get("failure").is_some()).cloned().collect();
    (changed, failed)
}

/// Every plain file below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.file_type().expect("a type") {
            kind if kind.is_dir() => files(&entry.path(), found),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

/// The sections that have business with a file of /proc.
fn readers(path: &str) -> &'static [&'static str] {
    match path.trim_start_matches(|character: char| character != '/') {
        "/self/mountinfo" => &["mounts", "disk", "gpu", "platform", "k3s", "system"],
        "/self/mountstats" => &["mounts"],
        "/meminfo" | "/stat" | "/loadavg" | "/uptime" | "/cpuinfo" => &["system", "k3s", "platform", "gpu", "mounts"],
        "/net/route" => &["network"],
        "/cmdline" | "/swaps" | "/mdstat" | "/diskstats" | "/modules" | "/version" => {
            &["system", "platform", "disk", "gpu"]
        }
        path if path.starts_with("/pressure/") => &["system"],
        path if path.starts_with("/sys/kernel/") => &["system", "platform"],
        path if path.starts_with("/1/") => &["platform", "k3s", "gpu"],
        path if path.starts_with("/self/") => &["platform", "gpu"],
        // Processes, by number.
        _ => &["k3s", "gpu", "unraid", "platform", "usb"],
    }
}

fn damages(original: &[u8]) -> [(&'static str, Option<Vec<u8>>); 4] {
    [
        ("missing", None),
        ("empty", Some(Vec::new())),
        ("truncated", Some(original[..original.len() / 2].to_vec())),
        ("not UTF-8", Some([&[0xff, 0xfe, 0x00, 0x80], original].concat())),
    ]
}

/// Damages every file of /proc of a recorded host, one at a time, in all four ways.
fn damage_proc(host: &str) {
    let lab = Lab::prepare("");
    let copy = recording::copy(&lab, host);
    let before = check(&copy);
    let mut all = Vec::new();
    files(&copy.join("root/proc"), &mut all);
    assert!(all.len() > 10, "{all:?}");
    let mut changed_at_all = 0;
    for path in all {
        let original = fs::read(&path).expect("a file of the copy");
        let name = path.strip_prefix(copy.join("root/proc")).expect("below").display().to_string();
        for (damage, bytes) in damages(&original) {
            match bytes {
                Some(bytes) => fs::write(&path, bytes).expect("a writable copy"),
                None => fs::remove_file(&path).expect("a writable copy"),
            }
            let (changed, failed) = differing(&before, &check(&copy));
            let allowed: BTreeSet<String> =
                readers(&format!("/{name}")).iter().map(|kind| (*kind).to_string()).collect();
            assert!(changed.is_subset(&allowed), "/proc/{name} {damage} changed {changed:?}");
            // The mount table is all that `mounts` reads, and most of what `disk` does.
            let most = if name == "self/mountinfo" { 2 } else { 1 };
            assert!(failed.len() <= most, "/proc/{name} {damage} cost {failed:?}");
            changed_at_all += changed.len();
        }
        fs::write(&path, original).expect("a writable copy");
    }
    assert!(changed_at_all > 20, "the damage was seen");
    assert_eq!(differing(&before, &check(&copy)).0, BTreeSet::new(), "all is as it was");
}

#[test]
fn damaged_files_of_a_container_cost_their_section_at_most() {
    damage_proc("k3s-w3");
}

#[test]
fn damaged_files_of_a_virtual_machine_cost_their_section_at_most() {
    damage_proc("k3s-w1");
}

/// The newest report of a node.
fn report(lab: &Lab, name: &str) -> Report {
    let text = lab.told(&["-o", "json", "describe", "node", name]);
    serde_json::from_str::<coord_model::NodeDetail>(&text).expect("a node's document").report
}

/// That only `system` failed, by its deadline, while the heartbeats went on.
fn only_system_is_late(lab: &Lab, name: &str) {
    let node = lab.wait_reported(name);
    assert!(matches!(node.health, Health::Ready | Health::Degraded | Health::Unknown), "{node:?}");
    let report = report(lab, name);
    let failed: Vec<SectionKind> =
        report.sections().filter(|section| section.failure().is_some()).map(|section| section.kind()).collect();
    assert_eq!(failed, [SectionKind::System]);
    let failure = report.system.and_then(|section| section.failure).expect("it failed");
    assert_eq!(failure.reason, ValueState::Timeout);
    assert!(node.problems.iter().any(|problem| problem.code == Code::SectionFailed), "{node:?}");
    // Longer than a probe may take, heartbeats came all the time: one session, and it is heard.
    let messages: Vec<String> =
        coord_tests::bystander::events(lab, name).into_iter().map(|event| event.message).collect();
    assert_eq!(messages.iter().filter(|message| message.starts_with("session began")).count(), 1, "{messages:?}");
    assert!(!messages.iter().any(|message| message.starts_with("session ended")), "{messages:?}");
    lab.wait_node(name, "to be heard", |node| node.last_seen_seconds.is_some_and(|seconds| seconds < 1.5));
}

#[test]
fn a_stuck_file_over_meminfo_of_a_recorded_host_costs_one_section() {
    let lab = Lab::start();
    let host = recording::copy(&lab, "k3s-w1");
    let mounted = own_namespace().and_then(|()| Fuse::over(&host.join("root/proc/meminfo"), Shape::StuckFile));
    let fuse = match mounted {
        Ok(fuse) => fuse,
        Err(reason) => return skipped("a_stuck_file_over_meminfo_of_a_recorded_host_costs_one_section", &reason),
    };
    let mut agent = recording::agent(&lab, "k3s-w1", &host);
    only_system_is_late(&lab, "k3s-w1");
    assert!(fuse.taken() > 0, "somebody opened it");
    // The process that hangs cannot be ended; the agent can.
    assert!(agent.stop().success());
}

#[test]
fn a_stuck_file_bind_mounted_over_meminfo_of_this_machine_costs_one_section() {
    let lab = Lab::start();
    let stuck = lab.path("meminfo");
    fs::write(&stuck, "").expect("a file");
    // /proc takes no FUSE mount by itself everywhere, a bind mount it does.
    let bind = |place: &Path| {
        let flags = nix::mount::MsFlags::MS_BIND;
        nix::mount::mount(Some(place), "/proc/meminfo", None::<&str>, flags, None::<&str>)
            .map_err(|error| format!("cannot bind over /proc/meminfo: {error}"))
    };
    let mounted = own_namespace().and_then(|()| Fuse::over(&stuck, Shape::StuckFile));
    let mounted = mounted.and_then(|fuse| bind(&stuck).map(|()| fuse));
    let fuse = match mounted {
        Ok(fuse) => fuse,
        Err(reason) => {
            return skipped("a_stuck_file_bind_mounted_over_meminfo_of_this_machine_costs_one_section", &reason);
        }
    };
    let mut command = lab.agent_command("live");
    let mut agent = Running(command.arg("--token-file").arg(lab.token_file("live")).spawn().expect("the agent starts"));
    only_system_is_late(&lab, "live");
    assert!(fuse.taken() > 0, "somebody opened it");
    assert!(agent.stop().success());
}

#[test]
fn ten_thousand_mounts_are_cut_and_counted() {
    let lab = Lab::start();
    let host = recording::copy(&lab, "k3s-w1");
    let path = host.join("root/proc/self/mountinfo");
    let mut table = fs::read_to_string(&path).expect("a mount table");
    let there = check(&host)["mounts"]["facts"]["mounts"].as_array().map_or(0, Vec::len);
    for number in 0..10_000 {
        let (id, minor) = (1000 + number, 1000 + number);
        table.push_str(&format!(
            "{id} 28 0:{minor} / /data/nfs{number} rw,relatime shared:{id} - nfs4 nas{number}:/export rw,vers=4.2,hard,addr=192.168.1.29\n"
        ));
    }
    fs::write(&path, table).expect("a writable copy");
    let _agent = recording::agent(&lab, "k3s-w1", &host);
    // On a busy machine the first reading may pass its deadline; the next one comes by itself.
    let mounts = wait_for("the mounts to be reported", || {
        let text = lab.ask(&["-o", "json", "describe", "node", "k3s-w1"]).stdout;
        let node: coord_model::NodeDetail = serde_json::from_slice(&text).ok()?;
        node.report.mounts.filter(|section| section.facts.is_some())
    });
    let kept = mounts.facts.and_then(|facts| facts.mounts).expect("rows").len();
    assert_eq!(kept + mounts.truncated as usize, there + 10_000);
    assert!(kept > 10, "{kept}");
    let node = lab.wait_reported("k3s-w1");
    let truncated = node.problems.iter().find(|problem| problem.code == Code::SectionTruncated);
    assert!(truncated.is_some(), "{:?}", node.problems);
    lab.wait_node("k3s-w1", "to be well", |node| matches!(node.health, Health::Ready | Health::Degraded));
    assert!(!lab.agent_log("k3s-w1").contains("refused a section"), "{}", lab.agent_log("k3s-w1"));
}

#[test]
fn a_mount_whose_server_answers_but_whose_files_do_not_yet_is_slow() {
    let lab = Lab::prepare("");
    let host = recording::copy(&lab, "k3s-w1");
    let path = host.join("answers.json");
    let mut answers: Value = serde_json::from_slice(&fs::read(&path).expect("answers")).expect("JSON");
    let late = serde_json::json!({ "unknown": { "state": "timeout", "message": "/data/media did not answer in 3 s" } });
    answers["space"]["/data/media"] = late;
    fs::write(&path, answers.to_string()).expect("a writable copy");
    let report: Report = serde_json::from_value(check(&host)).expect("a report");
    let mounts = report.mounts.and_then(|section| section.facts).and_then(|facts| facts.mounts).expect("mounts");
    let state = |place: &str| {
        let mount = mounts.iter().find(|mount| mount.paths.iter().flatten().any(|path| path == place));
        mount.and_then(|mount| mount.state)
    };
    assert_eq!(state("/data/media"), Some(MountState::Slow));
    assert_eq!(state("/data/transcode"), Some(MountState::Ok));
}

#[test]
fn a_probe_that_is_killed_costs_one_round_of_its_section() {
    let lab = Lab::with("heartbeat: 500ms\nfacts: 1s\nreconnectCap: 1s\nlostAfter: 5s\n");
    let agent = lab.recorded_agent("k3s-w1", "k3s-w1");
    lab.wait_reported("k3s-w1");
    // Its children come and go; five of them are shot, whatever they were reading.
    let children = format!("/proc/{0}/task/{0}/children", agent.0.id());
    let mut shot = BTreeSet::new();
    wait_for("five probes to shoot", || {
        let pids = fs::read_to_string(&children).expect("the agent runs");
        for pid in pids.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()) {
            let pid = nix::unistd::Pid::from_raw(pid);
            if nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).is_ok() {
                shot.insert(pid);
            }
        }
        (shot.len() >= 5).then_some(())
    });
    wait_for("a whole report", || {
        let report = report(&lab, "k3s-w1");
        let whole =
            SectionKind::ALL.iter().all(|kind| report.get(*kind).is_some_and(|section| section.failure().is_none()));
        whole.then_some(())
    });
    lab.wait_node("k3s-w1", "to be heard", |node| node.last_seen_seconds.is_some_and(|seconds| seconds < 1.5));
}
