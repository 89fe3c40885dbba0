//! The real binary against a coordinator that answers from a script, over a real Unix socket.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod coordinator;
mod deciding;

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use coordinator::Coordinator;

/// coordctl beside a coordinator, with nothing of the caller's environment.
fn coordctl(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coordctl"));
    command.args(["--socket", "control.sock"]).args(arguments).env_clear().env("HOME", home);
    command.current_dir(home).stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    coordctl(home, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn an_answer_is_shown_kept_privately_and_shown_again_when_the_coordinator_is_gone() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let fresh = run(home.path(), &["status"]);
    assert_eq!((fresh.status.code(), text(&fresh.stderr)), (Some(3), String::new()), "{}", text(&fresh.stdout));
    assert!(text(&fresh.stdout).starts_with("home: 1 problem "), "{}", text(&fresh.stdout));
    let json = run(home.path(), &["status", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document, serde_json::to_value(coordinator::status(false)).unwrap());

    let file = home.path().join(".local/state/coordctl/answers/socket%20control.sock/status.json");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    drop(coordinator);
    let stale = run(home.path(), &["status"]);
    assert_eq!(stale.status.code(), Some(4));
    let screen = text(&stale.stdout);
    assert!(screen.starts_with("home: STALE, coordinator control.sock has not answered for 0s"), "{screen}");
    assert!(screen.contains("[x degraded]"), "{screen}");
    let other = run(home.path(), &["get", "gpus"]);
    assert_eq!((other.status.code(), text(&other.stdout)), (Some(4), String::new()), "another view was never kept");
}

#[test]
fn a_refusal_is_told_in_the_coordinators_words() {
    let home = tempfile::tempdir().unwrap();
    let _coordinator = Coordinator::start(home.path());
    let output = run(home.path(), &["node", "revoke", "nobody", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "error: there is no node nobody\n  caused by: it was forgotten\nhint: coordctl get nodes\n";
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn a_token_stands_alone_on_stdout() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let output = run(home.path(), &["token", "create", "--node", "k3s-w3", "--ttl", "1h", "--replace"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "coord_secret\n".to_owned()));
    let talk = text(&output.stderr);
    assert!(talk.starts_with("Token for k3s-w3, good once, until ") && talk.contains("coord-agent join"), "{talk}");
    assert!(!talk.contains("coord_secret"), "{talk}");
    assert_eq!(coordinator.calls(), ["create-token k3s-w3 3600 operator=false replace=true"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    for arguments in [
        vec!["token", "create"],
        vec!["token", "revoke", "9f3a"],
        vec!["node", "approve", "k3s-w3"],
        vec!["node", "approve", "--all-known"],
        vec!["node", "rename", "k3s-w3", "k3s-w4"],
        vec!["node", "revoke", "k3s-w3"],
        vec!["node", "forget", "k3s-w3"],
        vec!["clock", "accept"],
        vec!["apply"],
        vec!["apply", "7f3c"],
        vec!["pause", "k3s-w3"],
        vec!["resume"],
        vec!["accept", "node-silent", "k3s-w3", "--until", "7d", "--reason", "x"],
        vec!["accept", "node-silent", "k3s-w3", "--withdraw"],
        vec!["label", "adopt", "k3s-w3", "--all"],
        vec!["taint", "adopt", "k3s-w3", "gpu"],
    ] {
        let arguments: Vec<&str> = arguments.into_iter().chain(["--dry-run"]).collect();
        let output = run(home.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("nothing was changed"), "{arguments:?}");
    }
    assert!(coordinator.calls().iter().all(|call| call.starts_with("read ")), "{:?}", coordinator.calls());
    let unknown = run(home.path(), &["node", "forget", "k3s-w9", "--dry-run"]);
    assert!(text(&unknown.stderr).contains("hint: there are: k3s-w3"), "{}", text(&unknown.stderr));
}

#[test]
fn changing_verbs_say_what_they_did() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let output = run(home.path(), &["node", "forget", "k3s-w3", "--yes"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), "k3s-w3 is forgotten\n".to_owned()));
    assert_eq!(coordinator.calls(), ["forget k3s-w3"]);
}

#[test]
fn a_checked_node_reads_again_first() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let output = run(home.path(), &["check", "--node", "k3s-w3"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stdout).ends_with("1 ok, 1 failed\n"), "{}", text(&output.stdout));
    assert_eq!(coordinator.calls(), ["refresh k3s-w3", "read check k3s-w3"]);
}

#[test]
fn a_checked_node_measures_what_was_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let output = run(home.path(), &["check", "--node", "k3s-w3", "--gpu-busy", "--disk-latency"]);
    assert!(text(&output.stderr).contains("coordctl describe node k3s-w3"), "{}", text(&output.stderr));
    assert_eq!(coordinator.calls()[0], "refresh k3s-w3 disk-latency gpu-busy");
}

#[test]
fn waiting_ends_when_the_home_is_healthy() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let mut command = coordctl(home.path(), &["status", "--wait", "--timeout", "60s"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut told).unwrap();
    assert_eq!(told, "waiting: 1 problem\n");
    coordinator.heal();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("home: all well"), "{}", text(&output.stdout));
}

#[test]
fn watching_draws_each_change_and_ctrl_c_ends_it_quietly() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let mut command = coordctl(home.path(), &["status", "--watch"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("home: 1 problem"));
    coordinator.heal();
    assert!(lines.any(|line| line.starts_with("home: all well")));
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(130), String::new()));
}

#[test]
fn followed_events_come_once_each() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let mut command = coordctl(home.path(), &["events", "--follow", "-o", "json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let id = |line: String| serde_json::from_str::<serde_json::Value>(&line).unwrap()["id"].as_u64().unwrap();
    assert_eq!([lines.next().map(id), lines.next().map(id)], [Some(1), Some(2)]);
    coordinator.heal();
    assert_eq!(lines.next().map(id), Some(3));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_version_of_both_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let _coordinator = Coordinator::start(home.path());
    let output = run(home.path(), &["version"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).ends_with("coordinator  0.1.0\n"), "{}", text(&output.stdout));
}
