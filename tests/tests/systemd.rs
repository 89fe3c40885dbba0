//! The units on a real systemd: the helper's socket works for the agent's user and for nobody else, what only root may
//! see arrives, and the agent follows a k3s unit.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use coord_tests::{
    lab::{program, wait_for},
    machine::Machine,
    skip::skipped,
};
use serde_json::{Value, json};

const SOCKET: &str = "/run/coord-helper.sock";
const SNAPSHOTS: &str = "/var/lib/rancher/k3s/server/db/snapshots";
/// Stands for k3s: it says its version, and becomes a process of the name that k3s has.
const K3S: &str = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'k3s version v1.34.3+k3s1 (abc)' && exit\n\
                   exec /usr/local/lib/k3s-server 100000\n";
const K3S_UNIT: &str = "[Service]\nType=exec\nExecStart=/usr/local/bin/k3s server\n";

/// Where the units of this project lie.
fn units() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd")
}

/// Puts in what a package would, and turns the helper on.
fn install(machine: &Machine) {
    for name in ["coord-agent", "coord-helper"] {
        machine.copy(&program(name), &format!("/usr/bin/{name}"));
    }
    for unit in ["coord-agent.service", "coord-helper.socket", "coord-helper@.service"] {
        machine.copy(&units().join(unit), &format!("/etc/systemd/system/{unit}"));
    }
    machine.copy(&units().join("coord-agent.sysusers"), "/usr/lib/sysusers.d/coord-agent.conf");
    machine.run(&["systemd-sysusers"]);
    machine.run(&["systemctl", "daemon-reload"]);
    machine.run(&["systemctl", "enable", "--now", "-q", "coord-helper.socket"]);
}

/// A section of the agent's report, asked as `user`.
fn section(machine: &Machine, user: &str, name: &str) -> Value {
    let output = machine.output(&["runuser", "-u", user, "--", "coord-agent", "check", "-o", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    facts(&report, name)
}

fn facts(report: &Value, name: &str) -> Value {
    let section = report.get("report").unwrap_or(report);
    section[name]["facts"].clone()
}

/// The helper's own answer, asked as root.
fn helper_facts(machine: &Machine) -> Value {
    let mut stream = UnixStream::connect(machine.place(SOCKET)).unwrap();
    stream.write_all(b"{\"verb\":\"facts\"}\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let reply: Value = serde_json::from_str(&reply).unwrap();
    reply["facts"].clone()
}

#[test]
fn the_units_do_on_a_real_systemd_what_they_say() {
    let machine = match Machine::boot() {
        Ok(machine) => machine,
        Err(reason) => return skipped("the_units_do_on_a_real_systemd_what_they_say", &reason),
    };
    install(&machine);
    units_are_valid(&machine);
    the_agent_alone_is_answered(&machine);
    root_facts_arrive(&machine);
    k3s_is_followed(&machine);
    nothing_stays_behind(&machine);
}

fn units_are_valid(machine: &Machine) {
    let names = ["coord-agent.service", "coord-helper.socket", "coord-helper@.service"];
    let paths = names.map(|name| format!("/etc/systemd/system/{name}"));
    let output = machine
        .output(&[&["systemd-analyze", "verify", "--man=no"][..], &paths.each_ref().map(String::as_str)].concat());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

fn the_agent_alone_is_answered(machine: &Machine) {
    let agent = section(machine, "coord-agent", "agent");
    assert_eq!((&agent["helper"], &agent["user"]), (&json!("present"), &json!("coord-agent")), "{agent}");
    // The mode of the socket keeps others out …
    let stranger = section(machine, "nobody", "agent");
    assert_eq!(stranger["helper"], "missing");
    assert!(stranger.to_string().contains("Permission denied"), "{stranger}");
    // … and where it does not, the helper does.
    machine.run(&["chmod", "0666", SOCKET]);
    let stranger = section(machine, "nobody", "agent");
    assert_eq!(stranger["helper"], "missing");
    assert!(stranger.to_string().contains("may not ask"), "{stranger}");
    machine.run(&["chmod", "0660", SOCKET]);
}

/// With the few rights that the unit leaves it.
fn root_facts_arrive(machine: &Machine) {
    machine.write(&format!("{SNAPSHOTS}/etcd-snapshot-1"), "a snapshot");
    machine.run(&["chmod", "-R", "go=", "/var/lib/rancher"]);
    // Another user's process has a file open that has the name of a stick.
    machine.write("/dev/ttyUSB0", "");
    machine.run(&["chmod", "0666", "/dev/ttyUSB0"]);
    let stick = ["--uid=nobody", "-p", "StandardInput=file:/dev/ttyUSB0", "sleep", "100000"];
    machine.run(&[&["systemd-run", "-q"][..], &stick].concat());
    let users = wait_for("the stick to be open", || {
        let facts = helper_facts(machine);
        facts["openDevices"]["/dev/ttyUSB0"].as_array().cloned()
    });
    assert_eq!(users, [json!("sleep")]);
    let facts = helper_facts(machine);
    assert_eq!(facts["snapshots"][0]["path"], format!("{SNAPSHOTS}/etcd-snapshot-1"), "{facts}");
    assert_eq!(facts["guests"]["unknown"]["state"], "absent");
}

fn k3s_is_followed(machine: &Machine) {
    machine.run(&["cp", "/usr/bin/sleep", "/usr/local/lib/k3s-server"]);
    machine.write("/usr/local/bin/k3s", K3S);
    machine.run(&["chmod", "0755", "/usr/local/bin/k3s"]);
    machine.write("/etc/systemd/system/k3s.service", K3S_UNIT);
    machine.run(&["systemctl", "daemon-reload"]);
    let k3s = section(machine, "coord-agent", "k3s");
    assert_eq!((&k3s["role"], &k3s["unitState"]), (&json!("server"), &json!("inactive")), "{k3s}");
    machine.run(&["systemctl", "start", "k3s"]);
    let k3s = wait_for("k3s to be active", || {
        Some(section(machine, "coord-agent", "k3s")).filter(|k3s| k3s["unitState"] == "active")
    });
    assert_eq!(k3s["snapshots"][0]["sizeBytes"], 10, "{k3s}");
    machine.run(&["systemctl", "stop", "k3s"]);
    assert_eq!(section(machine, "coord-agent", "k3s")["unitState"], "inactive");
}

/// Every question has had a process of its own, and all of them have ended well.
fn nothing_stays_behind(machine: &Machine) {
    wait_for("the helpers to end", || {
        let units = machine.run(&["systemctl", "list-units", "--all", "--no-legend", "coord-helper@*"]);
        units.trim().is_empty().then_some(())
    });
    let log = machine.run(&["journalctl", "-b", "--no-pager", "-u", "coord-helper@*", "-p", "warning"]);
    assert!(!log.contains("coord-helper"), "{log}");
}
