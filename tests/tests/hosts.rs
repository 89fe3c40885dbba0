//! Recorded hosts: the real `coord-agent check` reads every machine below `tests/hosts` and must say what it always said.
//!
//! Each host has a golden text of every fact and every reason why one is missing; laws that hold over all of them and
//! the list of unread facts in `docs/AGENT.md` are checked beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use coord_model::{Facts, Problem, Report, Severity};
use serde::Deserialize;
use serde_json::{Map, Value};

#[path = "hosts/golden.rs"]
mod golden;
#[path = "hosts/origin.rs"]
mod origin;

/// What `check -o json` prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    report: Report,
    problems: Vec<Problem>,
}

/// The nodes of `tests/examples/homelab.yaml`.
const HOME: [&str; 8] = ["k3s-cp1", "k3s-cp2", "k3s-cp3", "k3s-w1", "k3s-w2", "k3s-w3", "proxmox", "unraid"];

/// Every recorded host, and the codes of what is wrong with it.
const HOSTS: [(&str, &[&str]); 15] = [
    ("k3s-cp1", &[]),
    ("k3s-cp2", &[]),
    ("k3s-cp3", &[]),
    ("k3s-w1", &[]),
    ("k3s-w2", &["mount-server-down", "kubelet-blocked", "mount-server-down"]),
    ("k3s-w3", &["gpu-device-cgroup"]),
    ("pi4", &["undervoltage-seen", "unclean-boots", "kernel-stalls"]),
    ("proxmox", &[]),
    ("unraid", &[]),
    ("unraid-docker", &[]),
    ("vm-seabios", &[]),
    ("amd", &["gpu-open-to-all"]),
    ("lxc-gpu", &[]),
    ("lxc-plain", &[]),
    ("nvidia", &[]),
];

fn tests_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The agent that the same build made: it lies beside the folder of this test's own binary.
fn agent() -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    let built = own.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps").join("coord-agent");
    assert!(built.is_file(), "{} is missing; hint: cargo build -p coord-agent", built.display());
    built
}

/// The JSON that the agent prints for a recorded host.
fn check(host: &str) -> Value {
    let root = tests_folder().join("hosts").join(host);
    let output = Command::new(agent()).args(["check", "-o", "json", "--root"]).arg(&root).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{host}: {error}\n{text}\n{errors}"))
}

fn document(host: &str) -> Document {
    serde_json::from_value(check(host)).unwrap()
}

#[test]
fn every_node_of_the_example_home_is_recorded() {
    let folder = fs::read_dir(tests_folder().join("hosts")).unwrap();
    let recorded: BTreeSet<String> = folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.contains('.'))
        .collect();
    let expected: BTreeSet<String> = HOSTS.iter().map(|(name, _)| (*name).to_string()).collect();
    assert_eq!(recorded, expected);
    let home = fs::read_to_string(tests_folder().join("examples/homelab.yaml")).unwrap();
    for name in HOME {
        assert!(home.lines().any(|line| line.trim_start().starts_with(&format!("{name}:"))), "{name}");
    }
}

#[test]
fn bad_hosts_have_their_problem_and_good_hosts_have_none() {
    for (host, expected) in HOSTS {
        let problems = document(host).problems;
        let bad = problems.iter().filter(|problem| problem.degrades());
        let codes: Vec<&str> = bad.map(|problem| problem.code.as_str()).collect();
        assert_eq!(codes, expected, "{host}: {problems:?}");
    }
}

#[test]
fn a_device_cgroup_is_an_error_and_a_mount_whose_server_is_away_names_its_source() {
    let gpu = document("k3s-w3").problems.into_iter().find(Problem::degrades).unwrap();
    assert_eq!(gpu.severity, Severity::Error);
    assert!(gpu.message.ends_with("its device cgroup has no entry for 226:128"), "{}", gpu.message);
    assert!(gpu.hint.unwrap().ends_with("dev0: /dev/dri/renderD128,gid=993"));
    let mount = document("k3s-w2").problems.into_iter().find(Problem::degrades).unwrap();
    assert!(mount.message.contains("192.168.1.29:/mnt/user/media"), "{}", mount.message);
}

/// Calls `visit` with each object of facts and its path of JSON names.
fn objects<'a>(path: &str, value: &'a Value, visit: &mut impl FnMut(&str, &'a Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            visit(path, map);
            for (key, child) in map.iter().filter(|(key, _)| *key != "unknown") {
                objects(&format!("{path}.{key}"), child, visit);
            }
        }
        Value::Array(rows) => rows.iter().for_each(|row| objects(path, row, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every value that is not known, as `path.field`, with its state and message.
fn unknowns(document: &Value) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (section, value) in document["report"].as_object().unwrap() {
        objects(section, &value["facts"], &mut |path, map| {
            for (field, reason) in map.get("unknown").and_then(Value::as_object).into_iter().flatten() {
                let text = |key: &str| reason[key].as_str().unwrap_or_default().to_string();
                found.push((format!("{path}.{field}"), text("state"), text("message")));
            }
        });
    }
    found
}

#[test]
fn no_section_fails_and_no_call_lacks_its_recorded_answer() {
    for (host, _) in HOSTS {
        let document = check(host);
        let report = document["report"].as_object().unwrap();
        assert_eq!(report.len(), 11, "{host}: {:?}", report.keys());
        for (section, value) in report {
            assert!(value["failure"].is_null(), "{host} {section}: {}", value["failure"]);
        }
        let errors: Vec<_> = unknowns(&document).into_iter().filter(|(_, state, _)| state == "error").collect();
        assert!(errors.is_empty(), "{host}: {errors:#?}");
    }
}

/// The facts between `mark` and the end of its list: those in back quotes that have a dot.
fn listed(page: &str, mark: &str) -> BTreeSet<String> {
    let (_, rest) = page.split_once(mark).unwrap();
    let (list, _) = rest.split_once("<!-- end -->").unwrap();
    list.split('`').skip(1).step_by(2).filter(|word| word.contains('.')).map(str::to_string).collect()
}

#[test]
fn the_list_of_unread_facts_is_complete_and_true() {
    let page = fs::read_to_string(tests_folder().join("../docs/AGENT.md")).unwrap();
    let (always, sometimes) = (listed(&page, "<!-- not-implemented -->"), listed(&page, "<!-- sometimes -->"));
    let unread = |host: &str| {
        let rows = unknowns(&check(host)).into_iter();
        rows.filter(|(_, state, _)| state == "not-implemented").map(|(path, ..)| path).collect::<BTreeSet<_>>()
    };
    let found: BTreeSet<String> = HOSTS.iter().flat_map(|(host, _)| unread(host)).collect();
    let found: BTreeSet<String> = found.difference(&sometimes).cloned().collect();
    assert_eq!(found, always);
}

/// Fields of `rows` that are neither known nor explained.
fn rows<'a, T: Facts + 'a>(name: &str, rows: impl IntoIterator<Item = &'a T>, missing: &mut Vec<String>) {
    for row in rows {
        missing.extend(row.unexplained().iter().map(|field| format!("{name}.{field}")));
    }
}

/// The same for a whole report, object by object.
fn unexplained(report: &Report) -> Vec<String> {
    let mut missing = Vec::new();
    let found = &mut missing;
    let facts = |present: bool| assert!(present, "a section has no facts");
    let Report { agent, platform, system, gpu, disk, mounts, k3s, docker, network, usb, unraid } = report;
    macro_rules! facts {
        ($section:ident) => {{
            let section = $section.as_ref().and_then(|section| section.facts.as_ref());
            facts(section.is_some());
            rows(stringify!($section), section, found);
            section.unwrap()
        }};
    }
    facts!(agent);
    let platform = facts!(platform);
    rows("layer", platform.layers.iter().flatten(), found);
    rows("guest", platform.guests.iter().flatten(), found);
    let system = facts!(system);
    rows(
        "pressure",
        [&system.processor_pressure, &system.memory_pressure, &system.io_pressure].into_iter().flatten(),
        found,
    );
    rows("temperature", system.temperatures.iter().flatten(), found);
    rows("power", &system.power, found);
    let gpu = facts!(gpu);
    rows("device", gpu.devices.iter().flatten(), found);
    rows("access", gpu.devices.iter().flatten().filter_map(|device| device.access.as_ref()), found);
    rows("codecs", gpu.devices.iter().flatten().filter_map(|device| device.codecs.as_ref()), found);
    let disk = facts!(disk);
    rows("filesystem", disk.filesystems.iter().flatten(), found);
    rows("disk", disk.devices.iter().flatten(), found);
    let mounts = facts!(mounts);
    rows("mount", mounts.mounts.iter().flatten(), found);
    rows("export", mounts.exports.iter().flatten(), found);
    let k3s = facts!(k3s);
    rows("certificate", k3s.certificates.iter().flatten(), found);
    rows("etcd", &k3s.etcd, found);
    rows("snapshot", k3s.snapshots.iter().flatten(), found);
    rows("container", facts!(docker).containers.iter().flatten(), found);
    rows("interface", facts!(network).interfaces.iter().flatten(), found);
    rows("serial device", facts!(usb).serial_devices.iter().flatten(), found);
    let unraid = facts!(unraid);
    rows("unraid disk", unraid.disks.iter().flatten(), found);
    rows("share", unraid.shares.iter().flatten(), found);
    rows("parity", &unraid.parity, found);
    missing
}

#[test]
fn every_missing_value_says_why() {
    for (host, _) in HOSTS {
        let missing = unexplained(&document(host).report);
        assert!(missing.is_empty(), "{host}: {missing:?}");
    }
}
