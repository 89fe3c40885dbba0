//! The k3s binary is run once by a running agent, and again only when it was replaced.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use coord_tests::{
    fuse::{own_namespace, small_disk},
    lab::{Lab, Running, wait_for},
    skip::skipped,
};

const BINARIES: &str = "/usr/local/bin";
const UNITS: &str = "/etc/systemd/system";

/// Puts a k3s of this version in its place, as an upgrade does; it notes each run.
fn install(version: &str, runs: &Path) {
    let script = format!("#!/bin/sh\necho \"$*\" >> {}\necho 'k3s version {version} (0)'\n", runs.display());
    let new = Path::new(BINARIES).join("k3s.new");
    fs::write(&new, script).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(&new, Path::new(BINARIES).join("k3s")).unwrap();
}

/// The version that the coordinator knows, and for how long the agent had run when it read it.
fn told(lab: &Lab) -> Option<(String, f64)> {
    let text = lab.told(&["-o", "json", "describe", "node", "live"]);
    let report = serde_json::from_str::<coord_model::NodeDetail>(&text).unwrap().report;
    Some((report.k3s?.facts?.version?, report.agent?.facts?.started_seconds?))
}

fn noted(runs: &Path) -> Vec<String> {
    fs::read_to_string(runs).unwrap_or_default().lines().map(str::to_string).collect()
}

#[test]
fn the_binary_is_run_again_only_when_it_was_replaced() {
    let lab = Lab::with("heartbeat: 500ms\nfacts: 500ms\nreconnectCap: 1s\nlostAfter: 5s\n");
    let places = || Ok([small_disk(Path::new(BINARIES), "1m")?, small_disk(Path::new(UNITS), "1m")?]);
    // Mounted while they are held.
    let _disks = match own_namespace().and_then(|()| places()) {
        Ok(disks) => disks,
        Err(reason) => return skipped("the_binary_is_run_again_only_when_it_was_replaced", &reason),
    };
    let runs = lab.path("runs");
    fs::write(Path::new(UNITS).join("k3s.service"), "[Service]\nExecStart=/usr/local/bin/k3s server\n").unwrap();
    install("v1.34.3+k3s1", &runs);
    let mut command = lab.agent_command("live");
    let mut agent = Running(command.arg("--token-file").arg(lab.token_file("live")).spawn().unwrap());
    lab.wait_reported("live");
    let rounds = |version: &str, rounds: f64| {
        let first = wait_for(version, || told(&lab).filter(|(found, _)| found == version)).1;
        wait_for("further rounds", || told(&lab).filter(|(_, started)| *started > first + rounds));
    };
    rounds("v1.34.3+k3s1", 3.0);
    assert_eq!(noted(&runs), ["--version"]);
    install("v1.34.10+k3s1", &runs);
    rounds("v1.34.10+k3s1", 3.0);
    assert_eq!(noted(&runs), ["--version", "--version"]);
    assert!(agent.stop().success());
}
