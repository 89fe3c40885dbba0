//! The services as packages install them, on a real systemd: what they may do is counted, an agent that nobody let in
//! waits in peace, its unit hides nothing of the machine from it, and one that hangs is started anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::path::{Path, PathBuf};

use coord_tests::{
    lab::{program, wait_for},
    machine::Machine,
    skip::skipped,
};
use serde_json::Value;

/// What `systemd-analyze security` may count at most, in tenths.
const EXPOSURE: [(&str, &str); 3] =
    [("coord-agent.service", "33"), ("coord-helper@.service", "45"), ("coordinator.service", "20")];
/// With each of these the agent would report a machine that its workloads do not see.
const LYING: [&str; 9] = [
    "ProtectSystem",
    "ProtectHome",
    "PrivateTmp",
    "PrivateDevices",
    "Device",
    "ProtectClock",
    "ProtectProc",
    "ProtectKernel",
    "LoadCredential",
];
/// A share that is mounted when somebody looks.
const AUTOMOUNT: &str = "[Automount]\nWhere=/mnt/asleep\n";
const ASLEEP: &str = "[Mount]\nWhat=none\nWhere=/mnt/asleep\nType=tmpfs\n";
/// The agent's own unit, but for what it runs.
const CHECK: &str = "[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nStandardOutput=truncate:/run/in-unit.json\n\
                     ExecStart=\nExecStart=/usr/bin/coord-agent check -o json\n";
/// Keys whose figures move between two looks.
const MOVING: [&str; 6] = ["Seconds", "Bytes", "Percent", "Inodes", "load", "pressure"];

fn systemd(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd").join(file)
}

fn install(machine: &Machine) {
    for name in ["coord-agent", "coord-helper", "coordinator", "coordctl"] {
        machine.copy(&program(name), &format!("/usr/bin/{name}"));
    }
    for unit in ["coord-agent.service", "coord-helper.socket", "coord-helper@.service", "coordinator.service"] {
        machine.copy(&systemd(unit), &format!("/usr/lib/systemd/system/{unit}"));
    }
    for name in ["coord-agent", "coordinator"] {
        machine.copy(&systemd(&format!("{name}.sysusers")), &format!("/usr/lib/sysusers.d/{name}.conf"));
    }
    machine.run(&["systemd-sysusers"]);
    machine.run(&["systemctl", "daemon-reload"]);
}

#[test]
fn services_protect_without_lying() {
    let machine = match Machine::boot() {
        Ok(machine) => machine,
        Err(reason) => return skipped("services_protect_without_lying", &reason),
    };
    install(&machine);
    exposure_is_held(&machine);
    an_agent_that_nobody_let_in_waits(&machine);
    the_unit_hides_nothing(&machine);
    a_stopped_agent_returns(&machine);
    the_coordinator_serves_its_group(&machine);
}

fn exposure_is_held(machine: &Machine) {
    for (unit, most) in EXPOSURE {
        let path = format!("/usr/lib/systemd/system/{unit}");
        let most = format!("--threshold={most}");
        machine.run(&["systemd-analyze", "security", "--offline=true", "--no-pager", &most, &path]);
        machine.run(&["systemd-analyze", "verify", "--man=no", &path]);
    }
    for unit in ["coord-helper@1.service", "coordinator.service"] {
        let calls = machine.run(&["systemctl", "show", "-P", "SystemCallFilter", unit]);
        assert!(calls.contains(" adjtimex"), "{unit} cannot read whether the clock is synchronised");
    }
    for unit in ["coord-agent.service", "coord-helper@.service"] {
        let text = std::fs::read_to_string(systemd(unit)).unwrap();
        let lies = |line: &&str| LYING.iter().any(|word| line.starts_with(word));
        assert_eq!(text.lines().find(lies), None, "{unit}");
    }
}

fn an_agent_that_nobody_let_in_waits(machine: &Machine) {
    machine.run(&["systemctl", "enable", "--now", "-q", "coord-helper.socket", "coord-agent.service"]);
    let said = || machine.run(&["journalctl", "-u", "coord-agent", "-o", "cat", "--no-pager"]);
    let log =
        wait_for("the agent to say what it waits for", || Some(said()).filter(|log| log.contains("not configured")));
    assert_eq!(log.matches("coord-agent join").count(), 1, "{log}");
    assert_eq!(machine.run(&["systemctl", "list-units", "--failed", "--no-legend", "coord*"]), "");
    assert_eq!(shown(machine, "NRestarts"), "0");
}

/// The machine looks the same from inside the unit and from a plain shell of the same user, and looking wakes nothing.
fn the_unit_hides_nothing(machine: &Machine) {
    // The agent tells of a disk's file system by its source.
    machine.run(&["sh", "-c", "mkdir -p /mnt/both /mnt/read /dev/dri && mount -t tmpfs /dev/both /mnt/both"]);
    machine.run(&["mount", "-t", "tmpfs", "-o", "ro", "/dev/read", "/mnt/read"]);
    machine.run(&["mknod", "-m", "0666", "/dev/dri/renderD128", "c", "226", "128"]);
    let automounts = put_automount(machine);
    machine.run(&["cp", "/usr/lib/systemd/system/coord-agent.service", "/etc/systemd/system/look.service"]);
    machine.write("/etc/systemd/system/look.service.d/check.conf", CHECK);
    machine.run(&["systemctl", "daemon-reload"]);
    if automounts {
        machine.run(&["systemctl", "start", "mnt-asleep.automount"]);
    }
    // It exits with 3 where something is wrong with the machine; the unit then counts as failed, which is not the point.
    let _ = machine.output(&["systemctl", "start", "look.service"]);
    let inside = still(&machine.run(&["cat", "/run/in-unit.json"]));
    // Begun by the same systemd, since a container filters the calls of all that it begins.
    let plain = ["systemd-run", "-q", "--pipe", "--wait", "--uid=coord-agent", "coord-agent", "check", "-o", "json"];
    let shell = machine.output(&plain);
    let outside = still(&String::from_utf8(shell.stdout).unwrap());
    for path in ["/mnt/both", "/mnt/read"] {
        assert!(outside["report"].to_string().contains(path), "{path}: {outside:#}");
    }
    let (inside, outside) = (format!("{inside:#}"), format!("{outside:#}"));
    let differ: Vec<_> = inside.lines().zip(outside.lines()).filter(|(inside, outside)| inside != outside).collect();
    assert!(inside == outside, "{differ:#?}");
    let state = machine.run(&["systemctl", "show", "-P", "SubState", "mnt-asleep.automount"]);
    assert_eq!(state.trim(), if automounts { "waiting" } else { "dead" }, "looking has mounted what slept");
}

/// Whether this kernel has automounts; the machine's systemd asks for its node, which containers are not given.
fn put_automount(machine: &Machine) -> bool {
    machine.write("/etc/systemd/system/mnt-asleep.automount", AUTOMOUNT);
    machine.write("/etc/systemd/system/mnt-asleep.mount", ASLEEP);
    let devices = std::fs::read_to_string("/proc/misc").unwrap();
    let Some(minor) = devices.lines().find_map(|line| line.trim().strip_suffix(" autofs")) else { return false };
    machine.run(&["mknod", "/dev/autofs", "c", "10", minor]);
    machine.run(&["systemctl", "daemon-reexec"]);
    true
}

/// The report without the figures that no two looks share.
fn still(text: &str) -> Value {
    let mut value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    calm(&mut value);
    value
}

fn calm(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !MOVING.iter().any(|moving| key.ends_with(moving)));
            map.values_mut().for_each(calm);
        }
        Value::Array(all) => all.iter_mut().for_each(calm),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn a_stopped_agent_returns(machine: &Machine) {
    let hasty = "[Service]\nWatchdogSec=1\nTimeoutStopSec=1\nRestartSec=0\n";
    machine.write("/etc/systemd/system/coord-agent.service.d/hasty.conf", hasty);
    machine.run(&["systemctl", "daemon-reload"]);
    machine.run(&["systemctl", "restart", "coord-agent"]);
    let before = shown(machine, "MainPID");
    machine.run(&["kill", "-STOP", &before]);
    let after = wait_for("another agent", || {
        Some(shown(machine, "MainPID")).filter(|process| *process != before && process != "0")
    });
    assert_ne!(before, after);
    let log = machine.run(&["journalctl", "-u", "coord-agent", "-o", "cat", "--no-pager"]);
    assert!(log.contains("Watchdog timeout"), "{log}");
    wait_for("the agent to be up", || (shown(machine, "ActiveState") == "active").then_some(()));
}

fn the_coordinator_serves_its_group(machine: &Machine) {
    machine.run(&["systemctl", "start", "coordinator"]);
    let token = machine.run(&["coordctl", "token", "create", "--node", "a"]);
    assert!(token.len() > 20, "{token}");
    machine.run(&["useradd", "--groups", "coordinator", "member"]);
    machine.run(&["runuser", "-u", "member", "--", "coordctl", "get", "tokens"]);
    let stranger = machine.output(&["runuser", "-u", "nobody", "--", "coordctl", "get", "tokens"]);
    assert_eq!(stranger.status.code(), Some(4), "{stranger:?}");
    let log = machine.run(&["journalctl", "-u", "coordinator", "-p", "warning", "-o", "cat", "--no-pager"]);
    assert_eq!(log, "", "the coordinator complains");
}

fn shown(machine: &Machine, property: &str) -> String {
    machine.run(&["systemctl", "show", "-P", property, "coord-agent.service"]).trim().to_owned()
}
