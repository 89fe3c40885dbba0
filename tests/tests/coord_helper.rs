//! coord-helper over a machine of files: who may ask, what may be asked, and a part that hangs costs itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    fs,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream, process::CommandExt},
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use coord_tests::{
    accept::{self, Accepting},
    fuse::{Fuse, Shape, own_namespace},
    lab::program,
    skip::skipped,
};
use nix::unistd::geteuid;
use serde_json::Value;
use tempfile::TempDir;

const FACTS: &[u8] = b"{\"verb\":\"facts\"}\n";
const UUID: &str = "4c4c4544-0038-5a10-8052-b7c04f4d5933";
/// Nobody in particular.
const STRANGER: u32 = 65_534;

/// A machine of files on which the user `owner` is the agent's.
fn machine(owner: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    put(&folder, "etc/passwd", &format!("root:x:0:0::/:\ncoord-agent:x:{owner}:{owner}::/:/bin/false\n"));
    put(&folder, "sys/class/dmi/id/product_uuid", &UUID.to_uppercase());
    put(&folder, "etc/pve/lxc/113.conf", "hostname: k3s-w3\nnet0: name=eth0,hwaddr=BC:24:11:8E:14:0E\n");
    put(&folder, "dev/kmsg", "3,1,1,-;I/O error, dev sda, sector 9 op 0x0:(READ)\n");
    folder
}

fn put(folder: &TempDir, path: &str, text: &str) {
    let place = folder.path().join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
}

fn helper(root: &Path) -> Command {
    let mut command = Command::new(program("coord-helper"));
    command.arg("--root").arg(root);
    command
}

/// Starts a helper; the other end of its standard input is ours.
fn connect(root: &Path) -> (Child, UnixStream) {
    let (own, other) = UnixStream::pair().unwrap();
    (accept::start(helper(root), other), own)
}

/// Sends `request` and reads the one line of the reply.
fn say(mut stream: &UnixStream, request: &[u8]) -> Value {
    // A helper that refuses an endless request does not read it to its end.
    let _ = stream.write_all(request);
    let mut reply = String::new();
    let _ = stream.read_to_string(&mut reply);
    assert_eq!(reply.lines().count(), 1, "{reply}");
    serde_json::from_str(&reply).unwrap()
}

/// One question and its reply.
fn ask(root: &Path, request: &[u8]) -> Value {
    let (mut child, stream) = connect(root);
    let reply = say(&stream, request);
    assert!(child.wait().unwrap().success());
    reply
}

/// What the agent says of itself, asked as `user`.
fn agent(folder: &TempDir, user: Option<u32>) -> Value {
    // The folder of the build may be closed to others.
    let copy = folder.path().join("coord-agent");
    if !copy.exists() {
        fs::copy(program("coord-agent"), &copy).unwrap();
    }
    let mut command = Command::new(copy);
    command.args(["check", "-o", "json"]).current_dir("/");
    command.env("COORD_AGENT_HELPER", folder.path().join("helper.sock"));
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report.pointer("/report/agent/facts").or_else(|| report.pointer("/agent/facts")).cloned().unwrap_or(report)
}

#[test]
fn one_question_gives_every_part() {
    let machine = machine(geteuid().as_raw());
    let reply = ask(machine.path(), FACTS);
    let facts = &reply["facts"];
    assert_eq!(facts["dmiUuid"], UUID);
    assert_eq!(facts["guests"][0]["name"], "k3s-w3");
    // A file of that name is not the kernel's log, whatever it says.
    assert_eq!(facts["kernelLog"]["unknown"]["state"], "absent");
    assert_eq!(facts["dockerVersion"]["unknown"]["state"], "absent");
    assert_eq!(facts["openDevices"], serde_json::json!({}));
    assert_eq!(facts.as_object().unwrap().len(), 12, "{facts}");
}

#[test]
fn only_what_is_on_the_list_can_be_asked() {
    let machine = machine(geteuid().as_raw());
    let endless = vec![b'{'; 64 << 10];
    let wrong: [&[u8]; 5] = [
        b"{\"verb\":\"restart\",\"unit\":\"k3s\"}\n",
        b"{\"verb\":\"facts\",\"path\":\"/etc/shadow\"}\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xfe\n",
        &endless,
    ];
    for request in wrong {
        let reply = ask(machine.path(), request);
        assert!(reply["refused"].is_string(), "{}: {reply}", String::from_utf8_lossy(request));
    }
}

#[test]
fn the_agent_has_its_root_facts_and_a_stranger_has_none() {
    let me = geteuid();
    let machine = machine(if me.is_root() { 64_000 } else { me.as_raw() });
    let root = machine.path().to_owned();
    let _socket = Accepting::at(&machine.path().join("helper.sock"), move || helper(&root));
    let known = agent(&machine, None);
    assert_eq!(known["helper"], "present", "{known}");
    if me.is_root() {
        let agents = agent(&machine, Some(64_000));
        assert_eq!((&agents["helper"], &agents["user"]), (&"present".into(), &"64000".into()), "{agents}");
        let stranger = agent(&machine, Some(STRANGER));
        assert_eq!(stranger["helper"], "missing");
        let why = stranger["helperDetail"].as_str().or(stranger["unknown"]["helperDetail"]["message"].as_str());
        assert!(why.unwrap().contains("user 65534 may not ask"), "{stranger}");
    } else {
        put(&machine, "etc/passwd", "coord-agent:x:1:1::/:\n");
        assert!(ask(machine.path(), FACTS)["refused"].as_str().unwrap().contains("may not ask"));
    }
}

#[test]
fn who_says_nothing_is_let_go() {
    let machine = machine(geteuid().as_raw());
    let (mut child, stream) = connect(machine.path());
    let began = Instant::now();
    // Half a request, and the connection stays open.
    let reply = say(&stream, b"{\"verb\":");
    assert!(reply["refused"].as_str().unwrap().contains("did not come"), "{reply}");
    assert!(child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_folder_that_hangs_costs_its_part_and_no_second_reader() {
    if let Err(reason) = own_namespace() {
        return skipped("a_folder_that_hangs_costs_its_part_and_no_second_reader", &reason);
    }
    let machine = machine(geteuid().as_raw());
    let stuck = match Fuse::over(&machine.path().join("etc/pve/lxc/113.conf"), Shape::StuckFile) {
        Ok(stuck) => stuck,
        Err(reason) => return skipped("a_folder_that_hangs_costs_its_part_and_no_second_reader", &reason),
    };
    let (mut first, stream) = connect(machine.path());
    let reply = say(&stream, FACTS);
    let facts = &reply["facts"];
    assert_eq!(facts["guests"]["unknown"]["state"], "timeout", "{facts}");
    assert_eq!((&facts["dmiUuid"], &facts["openDevices"]), (&UUID.into(), &serde_json::json!({})));
    assert_eq!(stuck.taken(), 1);
    // The first reader cannot be ended; nobody waits with it.
    let (mut second, stream) = connect(machine.path());
    let reply = say(&stream, FACTS);
    let why = reply["facts"]["guests"]["unknown"]["message"].as_str().unwrap().to_owned();
    assert!(why.contains("has not come back"), "{why}");
    assert_eq!(reply["facts"]["dmiUuid"], UUID);
    assert_eq!(stuck.taken(), 1, "a second reader asked");
    drop(stuck);
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    let reply = ask(machine.path(), FACTS);
    assert_eq!(reply["facts"]["guests"][0]["name"], "k3s-w3", "it does not recover: {reply}");
}
