//! The real binary where no coordinator answers: exit codes, causes and hints, and what goes to which stream.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

/// coordctl with a home of its own and nothing of the caller's environment.
fn coordctl(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coordctl"));
    command.args(arguments).env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    coordctl(home, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn an_absent_coordinator_is_exit_4_with_cause_and_hint() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [
        vec!["status"],
        vec!["status", "--watch"],
        vec!["get", "nodes"],
        vec!["describe", "node", "a"],
        vec!["why", "a"],
        vec!["check", "--node", "a"],
        vec!["events", "--follow"],
        vec!["token", "create"],
        vec!["node", "revoke", "a", "--yes"],
        vec!["clock", "accept"],
    ] {
        let arguments: Vec<&str> = ["--socket", "none.sock"].into_iter().chain(arguments).collect();
        let output = run(home.path(), &arguments);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        let expected = "error: cannot connect to the coordinator at none.sock\n  \
            caused by: no such file or directory\n\
            hint: if it runs on this machine: systemctl status coordinator\n\
            hint: if it runs elsewhere: coordctl context add NAME\n";
        assert_eq!(text(&output.stderr), expected, "{arguments:?}");
    }
}

#[test]
fn usage_is_exit_2() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [
        vec!["stauts"],
        vec!["--context", "nowhere", "status"],
        vec!["--endpoint", "127.0.0.1:1", "status"],
        vec!["node", "forget", "a"],
        vec!["context", "use", "nowhere"],
        vec!["context", "add", "../x"],
        vec!["explain", "no-such-code"],
    ] {
        assert_eq!(run(home.path(), &arguments).status.code(), Some(2), "{arguments:?}");
    }
    let output = coordctl(home.path(), &["explain", "--list"]).env("COORDCTL_OUTPUT", "xml").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("COORDCTL_OUTPUT is `xml`"));
}

#[test]
fn a_mistyped_code_is_answered_with_those_like_it() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["explain", "gpu-cgroup"]);
    assert!(text(&output.stderr).contains("gpu-device-cgroup"), "{}", text(&output.stderr));
}

#[test]
fn explain_and_completion_and_the_own_version_need_nobody() {
    let home = tempfile::tempdir().unwrap();
    let explained = run(home.path(), &["explain", "disk-full", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert_eq!((&document["kind"], &document["severity"]), (&"Code".into(), &"error".into()));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(run(home.path(), &["completion", shell]).stdout.len() > 1000, "{shell}");
    }
    let version = run(home.path(), &["version", "--client"]);
    assert_eq!(text(&version.stdout), format!("coordctl     {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn colour_is_for_those_who_want_it() {
    let home = tempfile::tempdir().unwrap();
    let coloured = |command: &mut Command| command.output().unwrap().stdout.contains(&0x1b);
    assert!(!coloured(&mut coordctl(home.path(), &["explain", "--list"])), "a pipe has no colour");
    assert!(coloured(&mut coordctl(home.path(), &["explain", "--list", "--color", "always"])));
    assert!(coloured(coordctl(home.path(), &["explain", "--list"]).env("CLICOLOR_FORCE", "1")));
    let forced = ("CLICOLOR_FORCE", "1");
    assert!(!coloured(coordctl(home.path(), &["explain", "--list", "--no-color"]).env(forced.0, forced.1)));
    assert!(!coloured(coordctl(home.path(), &["explain", "--list"]).env("NO_COLOR", "1")));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let mut child =
        coordctl(home.path(), &["completion", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn what_is_not_a_token_is_refused_before_anybody_is_called() {
    let home = tempfile::tempdir().unwrap();
    for (typed, told) in
        [("K10abc", "this is not a token"), ("coord_AAAA", "incomplete or mistyped"), ("", "not a token")]
    {
        let mut command = coordctl(home.path(), &["context", "add", "home"]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{typed}");
        assert!(text(&output.stderr).contains(told), "{typed}: {}", text(&output.stderr));
    }
    assert!(!home.path().join(".config/coordctl/contexts/home").exists());
}

/// A last answer, as an earlier command left it.
fn with_last_answer(home: &Path) {
    let folder = home.join(".local/state/coordctl/answers/socket%20none.sock");
    std::fs::create_dir_all(&folder).unwrap();
    let status = serde_json::json!({
        "apiVersion": "coord.homelab/v1", "kind": "Status", "fleet": "home", "healthy": true,
        "coordinator": {"version": "0.1.0", "uptimeSeconds": 5.0}, "problems": [], "actions": [], "waits": [],
        "nodes": [{"name": "pi", "id": "00", "health": "ready", "lastSeenSeconds": 2.0, "problems": []}],
    });
    let kept = serde_json::json!({"received": "2026-01-01T00:00:00Z", "document": status});
    std::fs::write(folder.join("status.json"), kept.to_string()).unwrap();
}

#[test]
fn the_last_answer_is_shown_marked_stale() {
    let home = tempfile::tempdir().unwrap();
    with_last_answer(home.path());
    let table = run(home.path(), &["--socket", "none.sock", "status"]);
    let screen = text(&table.stdout);
    assert_eq!(table.status.code(), Some(4));
    assert!(screen.starts_with("home: STALE, coordinator none.sock has not answered for "), "{screen}");
    assert!(screen.contains("[ready]") && screen.contains("[2s]"), "{screen}");
    assert_eq!(text(&table.stderr), "");
}

#[test]
fn programs_are_told_that_an_answer_is_stale() {
    let home = tempfile::tempdir().unwrap();
    with_last_answer(home.path());
    let json = run(home.path(), &["--socket", "none.sock", "status", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((json.status.code(), &document["stale"]), (Some(4), &true.into()));
    assert!(document["staleSeconds"].as_f64().unwrap() > 0.0);
    assert!(text(&json.stderr).contains("caused by: no such file or directory"));
    let yaml = run(home.path(), &["--socket", "none.sock", "status", "-o", "yaml"]);
    assert!(text(&yaml.stdout).lines().any(|line| line == "stale: true"), "{}", text(&yaml.stdout));
}

#[test]
fn waiting_ends_in_time_with_exit_5() {
    let home = tempfile::tempdir().unwrap();
    with_last_answer(home.path());
    let output = run(home.path(), &["--socket", "none.sock", "status", "--wait", "--timeout", "1s"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("error: not healthy within 1 s\n"), "{}", text(&output.stderr));
}

#[test]
fn a_bundle_is_written_even_when_nobody_answers_and_never_over_a_file() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["--socket", "none.sock", "support-bundle", "bundle.json"];
    assert_eq!(run(home.path(), &arguments).status.code(), Some(4));
    let bundle = std::fs::read(home.path().join("bundle.json")).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
    assert_eq!(document["kind"], "SupportBundle");
    assert_eq!(run(home.path(), &arguments).status.code(), Some(1));
    assert_eq!(std::fs::read(home.path().join("bundle.json")).unwrap(), bundle);
}
