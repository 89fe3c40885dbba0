//! The whole probe over small recorded hosts: what runs, what only left its containers, and what must not be told.

use std::fs;

use coord_model::{Facts, ValueState, section::UnitState};

use super::*;

const UNIT: &str = "/etc/systemd/system/k3s.service";
const PROCESSES: &str = "/sys/fs/cgroup/system.slice/k3s.service/cgroup.procs";

/// A recorded host with these files and links; a value that begins with `->` is a link.
fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    for (path, text) in [("/etc/hostname", "test")].iter().chain(files) {
        let path = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix("->") {
            Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            None => fs::write(path, text).unwrap(),
        }
    }
    fs::write(folder.path().join("answers.json"), r#"{"schema": 1}"#).unwrap();
    let host = Host::recorded(folder.path()).unwrap();
    (folder, host)
}

fn facts(files: &[(&str, &str)]) -> K3s {
    let (_folder, host) = host(files);
    probe(&host, &mut Memory::default()).facts.unwrap()
}

#[test]
fn without_a_unit_there_is_no_k3s_and_every_value_says_so() {
    let facts = facts(&[("/etc/systemd/system/ssh.service", "")]);
    assert_eq!(facts.role, Some(K3sRole::None));
    assert_eq!(facts.unknown["kubeletHealthy"].state, ValueState::NotApplicable);
    assert!(facts.unexplained().is_empty());
}

#[test]
fn containers_that_k3s_left_behind_are_not_k3s() {
    let left =
        [(UNIT, "ExecStart=/usr/local/bin/k3s server"), (PROCESSES, "900"), ("/proc/900/comm", "containerd-shim")];
    assert_eq!(facts(&left).unit_state, Some(UnitState::Inactive));
    let between = ("/run/systemd/units/invocation:k3s.service", "->b51f");
    let mut starting = left.to_vec();
    starting.push(between);
    assert_eq!(facts(&starting).unit_state, Some(UnitState::Activating));
}

#[test]
fn the_unit_that_runs_comes_before_the_one_of_a_former_role() {
    let facts = facts(&[
        ("/etc/systemd/system/k3s-agent.service", "ExecStart=/usr/local/bin/k3s agent"),
        (UNIT, "ExecStart=/usr/local/bin/k3s \\\n server"),
        ("/etc/systemd/system/multi-user.target.wants/k3s.service", "->../k3s.service"),
        (PROCESSES, "812"),
        ("/proc/812/comm", "k3s-server\n"),
        ("/proc/812/stat", "812 (k3s-server) S 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 33 0 9000 1 2"),
        ("/proc/uptime", "100.00 90.00\n"),
        ("/proc/self/mountinfo", "22 28 0:21 / /sys rw - sysfs sysfs rw\n"),
    ]);
    assert_eq!((facts.role, facts.unit_state), (Some(K3sRole::Server), Some(UnitState::Active)));
    assert_eq!((facts.unit_since_seconds, facts.enabled), (Some(10.0), Some(true)));
}

#[test]
fn in_a_container_age_counts_from_its_first_process() {
    let facts = facts(&[
        (UNIT, "ExecStart=/usr/local/bin/k3s server"),
        (PROCESSES, "812"),
        ("/proc/812/comm", "k3s-server"),
        ("/proc/812/stat", "812 (k3s-server) S 1 812 812 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 33 0 501000 1 2"),
        ("/proc/1/stat", "1 (systemd) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 33 0 500000 1 2"),
        ("/proc/uptime", "100.00 90.00\n"),
        ("/proc/self/mountinfo", "1 2 0:50 /proc/uptime /proc/uptime rw - fuse.lxcfs lxcfs rw\n"),
    ]);
    assert_eq!(facts.unit_since_seconds, Some(90.0));
}

#[test]
fn no_secret_of_k3s_reaches_a_report() {
    let facts = facts(&[
        (
            UNIT,
            "ExecStart=/usr/local/bin/k3s server --token K10secret --datastore-endpoint=mysql://u:K10secret@tcp(db)/x",
        ),
        ("/etc/rancher/k3s/config.yaml", "token: K10secret\nserver: https://me:K10secret@10.0.0.1:6443\n"),
        ("/etc/rancher/k3s/config.yaml.d/broken.yaml", "agent-token: [K10secret\n"),
        ("/etc/systemd/system/k3s.service.env", "K3S_TOKEN=K10secret\n"),
    ]);
    let text = serde_json::to_string(&facts).unwrap();
    assert!(!text.contains("K10secret"), "{text}");
    assert_eq!(facts.datastore.as_deref(), Some("external"));
    assert_eq!(facts.server_url.as_deref(), Some("https://10.0.0.1:6443"));
}

#[test]
fn broken_files_cost_values_and_never_the_reason() {
    for text in ["", "\u{0}\u{0}", "812", "x = [", "ExecStart=", "812 (k3s) S"] {
        let paths = [UNIT, PROCESSES, "/proc/812/comm", "/proc/812/stat", "/proc/uptime", "/proc/self/mountinfo"];
        let more = ["/etc/rancher/k3s/config.yaml", "/etc/systemd/system/k3s.service.env", LOAD_BALANCER];
        let files: Vec<(&str, &str)> = paths.iter().chain(&more).map(|path| (*path, text)).collect();
        let facts = facts(&files);
        assert!(facts.unexplained().is_empty(), "{text:?}: {facts:?}");
    }
}

#[test]
fn a_k3s_that_hangs_is_told_and_costs_no_more_than_its_silence() {
    let (folder, _) = host(&[(UNIT, "ExecStart=/usr/local/bin/k3s server")]);
    let silent = r#"{"unknown": {"state": "timeout", "message": "no answer in 2 s"}}"#;
    let answers = format!(
        r#"{{"schema": 1, "http": {{"127.0.0.1:10248/healthz": {silent}, "127.0.0.1:2381/health": {silent}}},
            "https": {{"127.0.0.1:6443": {silent}, "127.0.0.1:10250": {silent}}}}}"#
    );
    fs::write(folder.path().join("answers.json"), answers).unwrap();
    let facts = probe(&Host::recorded(folder.path()).unwrap(), &mut Memory::default()).facts.unwrap();
    assert_eq!((facts.kubelet_healthy, facts.apiserver_reachable), (Some(false), Some(false)));
    assert_eq!(facts.apiserver_detail.as_deref(), Some("no answer in 2 s"));
    assert_eq!(facts.unknown["etcd"].state, ValueState::Timeout);
    assert_eq!(facts.unknown["certificates"].state, ValueState::Timeout);
}
