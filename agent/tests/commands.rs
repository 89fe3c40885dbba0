//! `check`, `probe` and `record` as a person runs them, against recorded hosts and this machine.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn host(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hosts").join(name)
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_coord-agent")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&run(arguments).stdout).unwrap()
}

fn codes(document: &Value) -> Vec<&str> {
    document["problems"].as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[test]
fn a_refused_gpu_is_the_first_thing_that_check_says() {
    let folder = host("k3s-w3");
    let output = run(&["check", "--root", folder.to_str().unwrap()]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains("gpu-device-cgroup") && shown.contains("hint: "), "{shown}");
    let long = shown.lines().find(|line| line.chars().count() > 80 && line.contains(' ') && !line.contains("k3s-w3"));
    assert_eq!(long, None);
}

#[test]
fn the_json_of_check_is_a_report_with_its_problems() {
    let folder = host("k3s-w3");
    let document = json(&["check", "-o", "json", "--root", folder.to_str().unwrap()]);
    assert_eq!(
        (document["apiVersion"].as_str(), document["kind"].as_str()),
        (Some("coord.homelab/v1"), Some("Report"))
    );
    assert_eq!(codes(&document), ["gpu-device-cgroup"]);
    let sections = document["report"].as_object().unwrap();
    assert_eq!(sections.len(), 11);
    assert_eq!(document["report"]["platform"]["facts"]["label"], "proxmox lxc");
    assert_eq!(document["report"]["agent"]["facts"]["helper"], "recorded");
}

#[test]
fn a_dead_server_costs_its_mount_and_nothing_else() {
    let folder = host("k3s-w2");
    let document = json(&["check", "-o", "json", "--root", folder.to_str().unwrap()]);
    assert!(codes(&document).iter().any(|code| code.starts_with("mount-")), "{:?}", codes(&document));
    let sections = document["report"].as_object().unwrap();
    assert!(sections.values().all(|section| section["failure"].is_null()), "{sections:?}");
}

#[test]
fn a_folder_that_is_no_recorded_host_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["check", "--root", folder.path().to_str().unwrap()]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("error: cannot read ") && said.contains("because: ") && said.contains("hint: "), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_mistyped_command_line_is_usage() {
    let output = run(&["check", "-o", "yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("hint: coord-agent check --help"));
    assert_eq!(run(&["probe", "nonsense"]).status.code(), Some(1));
}

/// Takes away what moves by itself and what says where the report comes from.
fn comparable(mut document: Value) -> Value {
    let report = document["report"].as_object_mut().unwrap();
    report.remove("agent");
    for (name, section) in report.iter_mut() {
        let parsed = serde_json::from_value(serde_json::json!({ name: section.clone() }));
        let parsed: coord_model::AnySection = parsed.unwrap();
        *section = serde_json::to_value(parsed.settled()).unwrap()[name].take();
    }
    document["report"].take()
}

#[test]
fn this_machine_can_be_recorded_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("host");
    let output = run(&["record", place.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let live = comparable(json(&["check", "-o", "json"]));
    let replayed = comparable(json(&["check", "-o", "json", "--root", place.to_str().unwrap()]));
    // Names and numbers are replaced; what kind of machine it is must not be.
    for pointer in ["/platform/facts/kind", "/platform/facts/label", "/system/facts/processors", "/disk/facts/devices"]
    {
        assert_eq!(live.pointer(pointer), replayed.pointer(pointer), "{pointer}");
    }
    let rows = |report: &Value, pointer: &str| report.pointer(pointer).and_then(Value::as_array).map(Vec::len);
    for pointer in
        ["/disk/facts/filesystems", "/mounts/facts/mounts", "/network/facts/interfaces", "/gpu/facts/devices"]
    {
        assert_eq!(rows(&live, pointer), rows(&replayed, pointer), "{pointer}");
    }
    let again = run(&["record", place.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1));
}
