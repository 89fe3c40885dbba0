//! A backup put back: nothing that was taken away returns, nobody who came later is lost, and the old one is not obeyed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use coord_model::{Code, Health, NodeStatus, RefreshNode, SectionKind};
use coord_proto::identity::Identity;
use coord_tests::{
    lab::{Lab, program, wait_for},
    peer::{self, Conversation, hello},
};

fn present(node: &NodeStatus) -> bool {
    matches!(node.health, Health::Ready | Health::Degraded)
}

/// `coordinator VERB` on the lab's data folder; standard error when it failed.
fn coordinator(lab: &Lab, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program("coordinator"));
    command.args(arguments).arg("--config").arg(lab.path("coordinator.yaml")).arg("--data").arg(lab.path("data"));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn identity(lab: &Lab, name: &str) -> Identity {
    Identity::load(&lab.path(&format!("{name}.state")).join("identity.json")).unwrap().unwrap()
}

/// Asks a node to read one cheap section, so many times.
fn refresh(lab: &Lab, name: &str, times: usize) {
    let mut control = peer::control(lab);
    for _ in 0..times {
        let wish = RefreshNode {
            name: name.into(),
            sections: vec![SectionKind::Agent],
            measures: Vec::new(),
            deadline: Duration::from_secs(30),
        };
        peer::wait(async { control.refresh(wish).await }).unwrap();
    }
}

fn approve_all(lab: &Lab) -> String {
    let output = lab.ask(&["node", "approve", "--all-known"]);
    assert!(output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_backup_older_than_a_revocation_an_enrolment_and_a_hundred_commands_is_put_back() {
    let mut lab = Lab::start();
    let _agents = [("worker", "k3s-w1"), ("loyal", "k3s-w2")].map(|(name, host)| lab.recorded_agent(name, host));
    ["worker", "loyal"].iter().for_each(|name| drop(lab.wait_reported(name)));
    let thief = peer::enrol(&lab, "thief");
    let unused = peer::token(&lab, &["--node", "guest", "--ttl", "1h"]);
    let file = lab.path("coord.backup");
    let said = coordinator(&lab, &["backup", file.to_str().unwrap()]).unwrap();
    assert!(said.contains("not encrypted: it holds the authority's key"), "{said}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    lab.told(&["node", "revoke", "thief", "--yes"]);
    let _late = lab.recorded_agent("late", "k3s-w3");
    let late = lab.wait_reported("late").id;
    refresh(&lab, "worker", 100);
    let before = identity(&lab, "worker");
    assert_eq!((before.newest_generation, before.newest_epoch), (100, 1));

    let running = coordinator(&lab, &["restore", file.to_str().unwrap(), "--replace"]).unwrap_err();
    assert!(running.contains("is in use by process"), "{running}");
    lab.stop_coordinator();
    let occupied = coordinator(&lab, &["restore", file.to_str().unwrap()]).unwrap_err();
    assert!(occupied.contains("holds a coordinator already") && occupied.contains("--replace"), "{occupied}");
    copy(&lab.path("data"), &lab.path("old-data"));
    let said = coordinator(&lab, &["restore", file.to_str().unwrap(), "--replace"]).unwrap();
    assert!(said.contains("epoch 2, 1 younger revocations kept, all tokens void"), "{said}");
    lab.start_coordinator();

    // The revoked one stays out.
    let refused = Conversation::open(&thief, hello("thief", 1)).unwrap_err();
    assert!(peer::words(&refused).contains("this identity was revoked"), "{refused}");
    // Those who were known are back, and those who came later wait.
    ["worker", "loyal"].iter().for_each(|name| drop(lab.wait_node(name, "to be back", present)));
    let pending = wait_for("the late one to wait", || lab.status().nodes.into_iter().find(|node| node.id == late));
    assert_eq!(pending.health, Health::Pending);
    assert!(pending.problems.iter().any(|problem| problem.code == Code::NodePending), "{:?}", pending.problems);
    assert!(approve_all(&lab).contains(&format!("approved: {}", pending.name)));
    lab.wait_node(&pending.name, "to be let in", present);
    assert!(approve_all(&lab).contains("nothing waits for approval"));
    // Commands work at once, above what the agents have seen.
    refresh(&lab, "worker", 1);
    let after = identity(&lab, "worker");
    assert_eq!((after.newest_generation, after.newest_epoch), (101, 2));
    // Tokens are void.
    let said = peer::error_words(&peer::show(&Identity::generate().unwrap(), &unused, "guest").unwrap_err());
    assert!(said.contains("was revoked"), "{said}");

    // The coordinator that was replaced is not obeyed if it comes back.
    lab.stop_coordinator();
    fs::rename(lab.path("data"), lab.path("new-data")).unwrap();
    fs::rename(lab.path("old-data"), lab.path("data")).unwrap();
    lab.start_coordinator();
    for name in ["worker", "loyal"] {
        wait_for("the agent to refuse", || lab.agent_log(name).contains("it is not obeyed").then_some(()));
        assert_eq!(identity(&lab, name).newest_epoch, 2);
    }
}

/// `coordinator VERB FILE --passphrase` with the passphrase on standard input.
fn with_passphrase(lab: &Lab, verb: &str, passphrase: &str) -> Output {
    let input = lab.path("passphrase");
    fs::write(&input, format!("{passphrase}\n")).unwrap();
    let mut command = Command::new(program("coordinator"));
    command.arg(verb).arg(lab.path("coord.backup")).arg("--passphrase").stdin(fs::File::open(input).unwrap());
    command.arg("--config").arg(lab.path("coordinator.yaml")).arg("--data").arg(lab.path("data"));
    if verb == "restore" {
        command.arg("--replace");
    }
    command.output().unwrap()
}

#[test]
fn an_encrypted_backup_opens_with_its_passphrase_only() {
    let mut lab = Lab::start();
    let node = peer::enrol(&lab, "kept");
    assert!(with_passphrase(&lab, "backup", "correct horse").status.success());
    let key = fs::read(lab.path("data").join("authority.key")).unwrap();
    let sealed = fs::read(lab.path("coord.backup")).unwrap();
    assert!(!sealed.windows(40).any(|window| window == &key[60..100]), "the key is not readable in it");
    lab.stop_coordinator();
    let wrong = with_passphrase(&lab, "restore", "wrong horse");
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && said.contains("the passphrase does not open"), "{said}");
    assert_eq!(key, fs::read(lab.path("data").join("authority.key")).unwrap(), "a refused restore changes nothing");
    let good = with_passphrase(&lab, "restore", "correct horse");
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    lab.start_coordinator();
    Conversation::open(&node, hello("kept", 1)).unwrap();
}

#[test]
fn what_is_no_backup_is_refused_and_changes_nothing() {
    let mut lab = Lab::start();
    let node = peer::enrol(&lab, "kept");
    let good = lab.path("good.backup");
    coordinator(&lab, &["backup", good.to_str().unwrap()]).unwrap();
    lab.stop_coordinator();
    let half = fs::read(&good).unwrap();
    fs::write(lab.path("half"), &half[..half.len() / 2]).unwrap();
    fs::write(lab.path("text"), "hello").unwrap();
    fs::copy(lab.path("data").join("coordinator.db"), lab.path("database")).unwrap();
    for name in ["half", "text", "database", "missing"] {
        let path = lab.path(name);
        let said = coordinator(&lab, &["restore", path.to_str().unwrap(), "--replace"]).unwrap_err();
        assert!(said.contains(path.to_str().unwrap()), "{said}");
    }
    lab.start_coordinator();
    Conversation::open(&node, hello("kept", 1)).unwrap();
}
