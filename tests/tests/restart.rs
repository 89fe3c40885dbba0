//! Ends without a farewell, and starts that must not happen.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use coord_model::{CreateToken, Health, List, NodeStatus, TokenRow, TokenState};
use coord_proto::{client::ClientError, identity::Identity, token::Token};
use coord_tests::{
    bystander::{Bystander, events},
    clock,
    lab::{Lab, Running, program, wait_for},
    peer::{self, Conversation, hello},
    strace,
};

/// How often the coordinator is killed.
const KILLS: u32 = 100;

fn present(node: &NodeStatus) -> bool {
    matches!(node.health, Health::Ready | Health::Degraded)
}

fn tokens(lab: &Lab, count: u32) -> Vec<Token> {
    let mut control = peer::control(lab);
    let mut create = |number: u32| {
        let wish = CreateToken { name: format!("node-{number}"), ..CreateToken::default() };
        let created = peer::wait(async { control.create_token(wish).await }).unwrap().into_inner();
        Token::parse(&created.token).unwrap()
    };
    (0..count).map(&mut create).collect()
}

/// Shows the token with the same key until it is taken; what a coordinator that is gone says is not an answer.
fn until_in(key: &Identity, token: &Token, name: &str, cut: &AtomicUsize) -> Identity {
    wait_for("the node to get in", || match peer::show(key, token, name) {
        Ok(identity) => Some(identity),
        Err(ClientError::Connect { .. }) => None,
        Err(error) => {
            let said = peer::error_words(&error);
            assert!(!said.contains("token"), "{said}");
            cut.fetch_add(1, Ordering::Relaxed);
            None
        }
    })
}

#[test]
fn a_hundred_kills_in_the_middle_of_enrolments_keep_nobody_out() {
    let mut lab = Lab::start();
    let _agent = lab.recorded_agent("bystander", "k3s-w1");
    lab.wait_reported("bystander");
    let tokens = tokens(&lab, KILLS);
    let (key, token) = (Identity::generate().unwrap(), peer::token(&lab, &["--node", "calm"]));
    let calm = Instant::now();
    peer::show(&key, &token, "calm").unwrap();
    let usual = calm.elapsed();
    let cut = AtomicUsize::new(0);
    for (number, token) in (0..KILLS).zip(&tokens) {
        let key = Identity::generate().unwrap();
        let name = format!("node-{number}");
        let identity = thread::scope(|scope| {
            let (done, is_done) = mpsc::channel();
            let (key, name, cut) = (&key, &name, &cut);
            let enrolling = scope.spawn(move || {
                let identity = until_in(key, token, name, cut);
                // Whoever waits for it may have struck already.
                let _ = done.send(());
                identity
            });
            // The blow falls a little later in each round, from before the first byte to after the reply.
            let _ = is_done.recv_timeout(usual * 2 * number / KILLS);
            lab.kill_coordinator();
            lab.start_coordinator();
            enrolling.join().unwrap()
        });
        assert_eq!((identity.id, identity.name), (key.key_id().unwrap(), name));
    }
    let cut = cut.into_inner();
    assert!(cut >= 5, "only {cut} of {KILLS} enrolments were cut off");
    let list: List<TokenRow> = serde_json::from_str(&lab.told(&["-o", "json", "get", "tokens"])).unwrap();
    assert!(list.items.iter().all(|row| row.state == TokenState::Used));
    let nodes = lab.status().nodes;
    assert_eq!(nodes.len(), usize::try_from(KILLS).unwrap() + 2);
    lab.wait_node("bystander", "to be back", present);
}

#[test]
fn an_agent_that_is_killed_at_any_step_of_enrolment_and_renewal_comes_back() {
    let lab =
        Lab::with("heartbeat: 500ms\nfacts: 60s\nreconnectCap: 1s\nlostAfter: 60s\nlifetimes:\n  certificate: 30s\n");
    let host = clock::unsynchronised(&lab, "k3s-w2");
    // In order: key, identity, what Welcome said, renewal; each is written, synced, renamed, and its folder synced.
    let steps = [1, 3, 4, 5, 7, 8].map(|count| ("fsync", count)).into_iter();
    let steps: Vec<_> = steps.chain([1, 2, 3, 4].map(|count| ("/^rename", count))).collect();
    let command = |name: &str| {
        let mut command = lab.agent_command(name);
        command.arg("--token-file").arg(lab.path(&format!("{name}.token"))).arg("--root").arg(&host);
        command
    };
    let mut dying: Vec<(String, Running)> = Vec::new();
    for (call, count) in &steps {
        let name = format!("{}-{count}", call.trim_start_matches("/^"));
        let _token = lab.token_file(&name);
        let killed = strace::killed_at(&command(&name), call, *count).spawn().unwrap();
        dying.push((name, Running(killed)));
    }
    for (name, agent) in &mut dying {
        wait_for(&format!("{name} to be killed"), || agent.0.try_wait().unwrap());
    }
    let renewed = events(&lab, "fsync-7");
    assert!(renewed.iter().any(|event| event.message == "certificate renewed"), "killed while it renewed: {renewed:?}");
    let ids: Vec<_> = lab.status().nodes.into_iter().map(|node| (node.name, node.id)).collect();
    let _back: Vec<_> = dying.iter().map(|(name, _)| Running(command(name).spawn().unwrap())).collect();
    for (name, _) in &dying {
        let node = lab.wait_node(name, "to come back", |node| {
            present(node) && node.last_seen_seconds.is_some_and(|age| age < 2.0)
        });
        // Whoever was known before is the same one now.
        let before = ids.iter().find(|(known, _)| known == name);
        assert!(before.is_none_or(|(_, id)| *id == node.id), "{name}");
    }
    assert_eq!(lab.status().nodes.len(), steps.len());
}

/// Starts a coordinator that must refuse, and returns what it says.
fn refuses(lab: &Lab, mut command: Command) -> String {
    let before = lab.log().len();
    let mut running = Running(command.spawn().unwrap());
    let status = wait_for("the coordinator to refuse", || running.0.try_wait().unwrap());
    let said = lab.log()[before..].to_owned();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("error: ") && said.contains("hint: "), "{said}");
    said
}

/// A lab whose coordinator has one node and was stopped, and that node.
fn stopped() -> (Lab, Identity) {
    let mut lab = Lab::start();
    let node = peer::enrol(&lab, "kept");
    lab.stop_coordinator();
    (lab, node)
}

/// The coordinator refuses while `name` is away from the data folder, and knows its node when it is back.
fn without(name: &str, words: &str) {
    let (mut lab, node) = stopped();
    let (here, away) = (lab.path("data").join(name), lab.path("away"));
    fs::rename(&here, &away).unwrap();
    let said = refuses(&lab, lab.coordinator_command());
    assert!(said.contains(words) && said.contains("coordinator restore FILE"), "{said}");
    assert!(!here.exists(), "nothing new takes its place");
    fs::rename(&away, &here).unwrap();
    lab.start_coordinator();
    Conversation::open(&node, hello("kept", 1)).unwrap();
}

#[test]
fn a_database_that_is_gone_is_not_made_anew_beside_an_authority() {
    without("coordinator.db", "has an authority but no database");
}

#[test]
fn an_authority_that_is_gone_is_not_made_anew_beside_a_database() {
    without("authority.key", "has a database but no authority.key");
    without("authority.crt", "has a database but no authority.crt");
}

#[test]
fn a_damaged_database_is_told_and_left_as_it_is() {
    let (mut lab, node) = stopped();
    let path = lab.path("data").join("coordinator.db");
    let good = fs::read(&path).unwrap();
    let mut torn = good.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 4096].fill(0xa5);
    let truncated = good[..good.len() / 2].to_vec();
    for (damage, bytes) in [
        ("another file", b"not a database, but long enough to be looked at".repeat(100)),
        ("torn", torn),
        ("truncated", truncated),
    ] {
        fs::write(&path, &bytes).unwrap();
        let said = refuses(&lab, lab.coordinator_command());
        assert!(said.contains("coordinator.db is damaged"), "{damage}: {said}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{damage}");
    }
    fs::write(&path, good).unwrap();
    lab.start_coordinator();
    Conversation::open(&node, hello("kept", 1)).unwrap();
}

#[test]
fn halves_of_two_coordinators_do_not_make_one() {
    let (lab, _) = stopped();
    let (other, _) = stopped();
    for name in ["authority.key", "authority.crt"] {
        fs::copy(other.path("data").join(name), lab.path("data").join(name)).unwrap();
    }
    let said = refuses(&lab, lab.coordinator_command());
    assert!(said.contains("do not belong together"), "{said}");
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let lab = Lab::prepare("heartbeat: 500ms\n");
    fs::write(lab.path("data"), "a file").unwrap();
    let said = refuses(&lab, lab.coordinator_command());
    assert!(said.contains("is not a folder") && said.contains("--data"), "{said}");
    fs::remove_file(lab.path("data")).unwrap();
    fs::create_dir(lab.path("data")).unwrap();
    let said = refuses(&lab, powerless(&lab));
    assert!(said.contains("is not writable"), "{said}");
}

/// The coordinator as a user whose data folder lets it read only. Root may write anywhere, so it becomes another user,
/// who needs a program that it may run.
fn powerless(lab: &Lab) -> Command {
    const NOBODY: u32 = 65_534;
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let usual = lab.coordinator_command();
    if !nix::unistd::geteuid().is_root() {
        mode(&lab.path("data"), 0o500);
        return usual;
    }
    let copy = lab.path("coordinator");
    fs::copy(program("coordinator"), &copy).unwrap();
    std::os::unix::fs::chown(lab.path("data"), Some(NOBODY), Some(NOBODY)).unwrap();
    mode(&lab.path("data"), 0o500);
    mode(lab.folder.path(), 0o755);
    let log = fs::OpenOptions::new().create(true).append(true).open(lab.path("coordinator.log")).unwrap();
    let mut command = Command::new(copy);
    command.args(usual.get_args()).stderr(log).uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn a_second_coordinator_is_refused_and_the_first_does_not_notice() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let process = lab.coordinator.as_ref().unwrap().0.id();
    let said = refuses(&lab, lab.coordinator_command());
    assert!(said.contains(&format!("is in use by process {process}")), "{said}");
    for (flag, address) in [("--listen", lab.listen), ("--http", lab.http)] {
        let mut other = Lab::prepare("heartbeat: 500ms\n");
        match flag {
            "--listen" => other.listen = address,
            _ => other.http = address,
        }
        let said = refuses(&other, other.coordinator_command());
        assert!(said.contains(&format!("cannot listen on {address}")) && said.contains(flag), "{said}");
    }
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_stop_is_orderly_and_quick_with_sessions_open() {
    let mut lab = Lab::start();
    let node = peer::enrol(&lab, "open");
    let (mut session, _) = Conversation::open(&node, hello("open", 1)).unwrap();
    let mut running = lab.coordinator.take().unwrap();
    let asked = Instant::now();
    assert!(running.stop().success());
    assert!(asked.elapsed() < Duration::from_secs(15));
    let (reason, message) = session.until_end().expect("the end is said");
    assert_eq!((reason, message.as_str()), (coord_model::EndReason::Stopping, "the coordinator stops"));
    assert!(!lab.socket().exists());
}
