//! A coordinator whose disk is full, and one whose folder is on a file system that cannot be trusted.

use std::{fs, io::Write, path::Path};

use coord_model::{Code, Health};
use coord_proto::identity::Identity;
use coord_tests::{
    fuse::{Fuse, Shape, own_namespace, small_disk},
    lab::{Lab, wait_for, wait_within},
    peer,
    skip::skipped,
};

const ROOM: &str = "2m";

/// Takes all the room that is left on the file system of `folder`.
fn fill(folder: &Path) {
    let mut ballast = fs::OpenOptions::new().create(true).append(true).open(folder.join("ballast")).expect("a file");
    for block in [64 * 1024, 4096, 512, 1] {
        while ballast.write_all(&vec![0; block]).is_ok() {}
    }
}

fn has(lab: &Lab, code: Code) -> bool {
    lab.status().problems.iter().any(|problem| problem.code == code)
}

#[test]
fn on_a_full_disk_sessions_and_status_go_on_and_what_must_be_stored_is_refused() {
    const NAME: &str = "on_a_full_disk_sessions_and_status_go_on_and_what_must_be_stored_is_refused";
    let mut lab = Lab::prepare("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 5s\n");
    let data = lab.path("data");
    fs::create_dir(&data).expect("a folder");
    let _disk = match own_namespace().and_then(|()| small_disk(&data, ROOM)) {
        Ok(disk) => disk,
        Err(reason) => return skipped(NAME, &reason),
    };
    lab.start_coordinator();
    let _agent = lab.recorded_agent("k3s-w1", "k3s-w1");
    lab.wait_node("k3s-w1", "to be well", |node| matches!(node.health, Health::Ready | Health::Degraded));
    let late = lab.token_file("k3s-w2");
    let tokens: Vec<_> = (0..20).map(|number| peer::token(&lab, &["--node", &format!("peer-{number}")])).collect();
    fill(&data);

    // A token, an enrolment and a command all have to be stored first. SQLite finds room in its own files for a while.
    let refused = |arguments: &[&str]| {
        wait_for("the full disk to be noticed", || {
            fill(&data);
            let text = String::from_utf8_lossy(&lab.ask(arguments).stderr).into_owned();
            text.contains("cannot be written").then_some(text)
        })
    };
    let text = refused(&["token", "create"]);
    assert!(text.contains("hint: make room"), "{text}");
    let text = refused(&["check", "--node", "k3s-w1"]);
    assert!(text.contains("has not read again"), "{text}");
    let (key, token, error) = tokens
        .iter()
        .find_map(|token| {
            fill(&data);
            let key = Identity::generate().ok()?;
            peer::show(&key, token, "").err().map(|error| (key, token, peer::error_words(&error)))
        })
        .expect("an enrolment that finds no room");
    assert!(error.contains("cannot be written") && error.contains("make room"), "{error}");
    let mut newcomer = lab.agent_command("k3s-w2");
    newcomer.arg("--token-file").arg(&late).arg("--root").arg(coord_tests::lab::hosts().join("k3s-w2"));
    let mut newcomer = coord_tests::lab::Running(newcomer.spawn().expect("the agent starts"));
    wait_for("the newcomer to be told", || {
        let log = lab.agent_log("k3s-w2");
        (log.contains("cannot be written") || log.contains("connected")).then_some(())
    });

    // The rest goes on: heartbeats, status, reports, and it says what is wrong.
    wait_for("store-full to be shown", || has(&lab, Code::StoreFull).then_some(()));
    wait_for("lost events to be counted", || has(&lab, Code::EventsLost).then_some(()));
    lab.wait_node("k3s-w1", "to be heard", |node| node.last_seen_seconds.is_some_and(|seconds| seconds < 1.5));
    assert_eq!(lab.ask(&["status"]).status.code(), Some(3), "a store that cannot be written is an error");
    assert!(lab.told(&["get", "nodes"]).contains("k3s-w1"));

    // Room again: it recovers by itself, and the newcomer gets in with the same token.
    fs::remove_file(data.join("ballast")).expect("the ballast");
    wait_within(coord_tests::lab::PATIENCE, "the store to recover", || (!has(&lab, Code::StoreFull)).then_some(()));
    assert!(!lab.told(&["token", "create"]).is_empty());
    // What was refused was not used up: the same key gets in with the same token.
    assert!(peer::show(&key, token, "").is_ok_and(|identity| identity.enrolled()));
    let entered = || lab.status().nodes.iter().any(|node| node.name == "k3s-w2" && node.last_seen_seconds.is_some());
    wait_for("the newcomer to be in", || {
        entered().then_some(()).or_else(|| {
            let over = newcomer.0.try_wait().expect("a child");
            assert!(over.is_none(), "it gave up: {over:?} {}", lab.agent_log("k3s-w2"));
            None
        })
    });
    assert!(has(&lab, Code::EventsLost), "what was lost stays counted");
}

#[test]
fn on_a_full_disk_an_agent_still_gets_a_new_session() {
    const NAME: &str = "on_a_full_disk_an_agent_still_gets_a_new_session";
    let mut lab = Lab::prepare("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 5s\n");
    let data = lab.path("data");
    fs::create_dir(&data).expect("a folder");
    let _disk = match own_namespace().and_then(|()| small_disk(&data, ROOM)) {
        Ok(disk) => disk,
        Err(reason) => return skipped(NAME, &reason),
    };
    lab.start_coordinator();
    let mut agent = lab.recorded_agent("k3s-w1", "k3s-w1");
    lab.wait_node("k3s-w1", "to be well", |node| matches!(node.health, Health::Ready | Health::Degraded));
    agent.stop();
    wait_for("the full disk to be noticed", || {
        fill(&data);
        (!lab.ask(&["token", "create"]).status.success()).then_some(())
    });
    lab.wait_node("k3s-w1", "to be silent", |node| matches!(node.health, Health::Silent | Health::Lost));
    let mut command = lab.agent_command("k3s-w1");
    command.arg("--root").arg(coord_tests::lab::hosts().join("k3s-w1"));
    let _again = coord_tests::lab::Running(command.spawn().expect("the agent starts"));
    lab.wait_node("k3s-w1", "to be well again", |node| {
        let heard = node.last_seen_seconds.is_some_and(|seconds| seconds < 1.5);
        heard && matches!(node.health, Health::Ready | Health::Degraded)
    });
    assert!(has(&lab, Code::StoreFull));
}

#[test]
fn a_data_folder_on_a_user_space_file_system_is_refused() {
    let lab = Lab::prepare("");
    let data = lab.path("data");
    fs::create_dir(&data).expect("a folder");
    let mounted = own_namespace().and_then(|()| Fuse::over(&data, Shape::Folder));
    let _fuse = match mounted {
        Ok(fuse) => fuse,
        Err(reason) => return skipped("a_data_folder_on_a_user_space_file_system_is_refused", &reason),
    };
    let output = lab.coordinator_command().stderr(std::process::Stdio::piped()).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("is on FUSE") && text.contains("hint:") && text.contains("--data"), "{text}");
}
