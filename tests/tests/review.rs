//! What a hostile reader found once and must not find again: revoked people, agents that hammer, files that are damaged.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::Write,
    os::unix::net::UnixListener,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use coord_model::{Health, NodeStatus};
use coord_proto::identity::Identity;
use coord_tests::{
    bystander::{Bystander, events, times},
    clock::{TEN_YEARS, WrongClock, unsynchronised},
    lab::{Lab, Running, free_address, hosts, program, wait_for, wait_within},
    peer,
    proxy::Proxy,
};
use nix::sys::signal::Signal;

/// Certificates that live as short as settings allow.
const SHORT: &str = "heartbeat: 500ms\nfacts: 60s\nreconnectCap: 1s\nlostAfter: 60s\nlifetimes:\n  certificate: 30s\n";
/// What a person calls soon: several times the two seconds after which coordctl calls again.
const SOON: Duration = Duration::from_secs(15);

fn present(node: &NodeStatus) -> bool {
    matches!(node.health, Health::Ready | Health::Degraded)
}

fn identity_file(lab: &Lab, name: &str) -> std::path::PathBuf {
    lab.path(&format!("{name}.state")).join("identity.json")
}

fn identity(lab: &Lab, name: &str) -> Identity {
    Identity::load(&identity_file(lab, name)).unwrap().unwrap()
}

/// How often the log of an agent says this.
fn said(lab: &Lab, name: &str, words: &str) -> usize {
    lab.agent_log(name).matches(words).count()
}

fn sessions(lab: &Lab, name: &str) -> u64 {
    times(lab, name, "session began")
}

/// The agent `name` with the identity that it has, and these further arguments.
fn again(lab: &Lab, name: &str, root: &Path, arguments: &[&str]) -> Running {
    let mut command = lab.agent_command(name);
    Running(command.arg("--root").arg(root).args(arguments).spawn().unwrap())
}

/// coordctl of a person with a home of their own, somewhere else than on the coordinator's machine.
fn person(lab: &Lab, who: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program("coordctl"));
    command.args(arguments).stdin(Stdio::null()).env("HOME", lab.path(who)).env("NO_COLOR", "1");
    for (variable, folder) in [("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")]
    {
        command.env(variable, lab.path(who).join(folder));
    }
    command
}

/// Becomes the operator `ada` with a token made with these arguments.
fn become_ada(lab: &Lab, who: &str, arguments: &[&str]) {
    let all: Vec<&str> = ["token", "create", "--operator", "--node", "ada"].iter().chain(arguments).copied().collect();
    let token = lab.told(&all);
    let mut adding = person(lab, who, &["context", "add", "home"]);
    let mut adding = adding.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    adding.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    let output = adding.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", error_text(&output));
}

fn error_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What coordctl says to a person whose key is not taken any more.
fn assert_refused(output: &Output) {
    assert!(!output.status.success() && error_text(output).contains("this identity was revoked"), "{output:?}");
}

#[test]
fn a_revoked_operator_is_out_at_once() {
    let lab = Lab::start();
    become_ada(&lab, "laptop", &[]);
    assert!(person(&lab, "laptop", &["get", "nodes"]).output().unwrap().status.success());
    let shown = lab.path("shown");
    let mut watching = person(&lab, "laptop", &["status", "--watch"]);
    let watching =
        watching.stdout(fs::File::create(&shown).unwrap()).stderr(fs::File::create(lab.path("why")).unwrap());
    let mut watching = Running(watching.spawn().unwrap());
    wait_for("the watch to show something", || (fs::metadata(&shown).unwrap().len() > 0).then_some(()));
    lab.told(&["node", "revoke", "operator/ada", "--yes"]);
    assert_refused(&person(&lab, "laptop", &["get", "nodes"]).output().unwrap());
    let status = wait_within(SOON, "the watch to end", || watching.0.try_wait().unwrap());
    let why = fs::read_to_string(lab.path("why")).unwrap();
    assert!(!status.success() && why.contains("this identity was revoked"), "{why}");
    let unknown = lab.ask(&["node", "revoke", "operator/ada", "--yes"]);
    assert!(!unknown.status.success(), "there is no such operator any more");
}

#[test]
fn an_operator_is_replaced() {
    let lab = Lab::start();
    become_ada(&lab, "lost-laptop", &[]);
    become_ada(&lab, "new-laptop", &["--replace"]);
    assert_refused(&person(&lab, "lost-laptop", &["get", "nodes"]).output().unwrap());
    assert!(person(&lab, "new-laptop", &["get", "nodes"]).output().unwrap().status.success());
}

#[test]
fn a_renewal_that_is_refused_costs_no_session() {
    let mut lab = Lab::prepare(SHORT);
    let clock = WrongClock::new(&lab, "coordinator");
    let mut command = lab.coordinator_command();
    clock.rules(&mut command);
    lab.start_as(command);
    // After a start without a clock the first renewal comes early.
    let host = unsynchronised(&lab, "k3s-w1");
    let mut first = lab.recorded_agent("pi", "k3s-w1");
    lab.wait_reported("pi");
    assert!(first.stop().success());
    let before = sessions(&lab, "pi");
    clock.set(TEN_YEARS);
    wait_for("the distrust", || {
        lab.status().problems.iter().any(|problem| problem.code == coord_model::Code::ClockNotTrusted).then_some(())
    });
    let _agent = again(&lab, "pi", &host, &[]);
    wait_for("three renewals to be refused", || (said(&lab, "pi", "no new certificate") >= 3).then_some(()));
    lab.wait_node("pi", "to be heard", |node| present(node) && node.last_seen_seconds.is_some_and(|age| age < 2.0));
    assert_eq!(sessions(&lab, "pi"), before + 1, "{:?}", events(&lab, "pi"));
    clock.set(0);
    lab.told(&["clock", "accept"]);
    wait_for("a certificate", || {
        let happened = events(&lab, "pi");
        let good = |text: &str| text == "certificate renewed" || text.starts_with("rejoined from");
        happened.iter().any(|event| good(&event.message)).then_some(())
    });
}

#[test]
fn a_revoked_agent_does_not_hammer() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let proxy = Proxy::start(lab.listen);
    let mut command = lab.agent_command("pi");
    command.arg("--token-file").arg(lab.token_file("pi")).arg("--root").arg(hosts().join("k3s-w2"));
    let _agent = Running(command.arg("--coordinator").arg(proxy.address.to_string()).spawn().unwrap());
    lab.wait_reported("pi");
    lab.told(&["node", "revoke", "pi", "--yes"]);
    wait_for("the agent to be told", || {
        (said(&lab, "pi", "this identity was revoked; on this machine") == 1).then_some(())
    });
    let attempts = said(&lab, "pi", "the session ended") + said(&lab, "pi", "cannot reach a coordinator");
    assert!(attempts <= 3, "{}", lab.agent_log("pi"));
    // Nobody asks any more while the coordinator goes on for several times the longest wait between two attempts.
    let (bytes, began) = (proxy.bytes(), lab.status().coordinator.uptime_seconds);
    wait_for("a while of the coordinator's", || (lab.status().coordinator.uptime_seconds > began + 6.0).then_some(()));
    let more = proxy.bytes() - bytes;
    assert!(more < 1000, "{more} bytes after the revocation; a handshake takes more: {}", lab.agent_log("pi"));
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_damaged_identity_gives_way_to_the_one_before() {
    let lab = Lab::start();
    let mut agent = lab.recorded_agent("pi", "k3s-w1");
    let id = lab.wait_reported("pi").id;
    assert!(agent.stop().success());
    let (file, previous) = (identity_file(&lab, "pi"), lab.path("pi.state").join("identity.json.previous"));
    assert!(Identity::load(&previous).unwrap().unwrap().enrolled());
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let before = sessions(&lab, "pi");
    let mut agent = again(&lab, "pi", &hosts().join("k3s-w1"), &[]);
    wait_for("another session", || (sessions(&lab, "pi") > before).then_some(()));
    assert_eq!(lab.wait_node("pi", "to be back", present).id, id);
    assert!(agent.stop().success());
    // What is damaged takes nobody's place.
    assert!(Identity::load(&previous).unwrap().unwrap().enrolled());

    fs::write(&file, "{").unwrap();
    fs::write(&previous, "").unwrap();
    let mut agent = again(&lab, "pi", &hosts().join("k3s-w1"), &[]);
    let status = wait_for("the agent to give up", || agent.0.try_wait().unwrap());
    let log = lab.agent_log("pi");
    assert!(!status.success() && log.contains("this machine's identity cannot be used"), "{log}");
    assert!(log.contains("identity.json") && log.contains("hint: coord-agent leave"), "{log}");
}

#[test]
fn a_file_where_the_socket_should_be_is_left_alone() {
    let mut lab = Lab::prepare("heartbeat: 500ms\n");
    fs::write(lab.socket(), "a letter").unwrap();
    let mut running = Running(lab.coordinator_command().spawn().unwrap());
    let status = wait_for("the coordinator to refuse", || running.0.try_wait().unwrap());
    let log = lab.log();
    assert!(!status.success() && log.contains("something else than a socket") && log.contains("--socket"), "{log}");
    assert_eq!(fs::read_to_string(lab.socket()).unwrap(), "a letter");
    // A socket that a coordinator left when it was killed is in nobody's way.
    fs::remove_file(lab.socket()).unwrap();
    drop(UnixListener::bind(lab.socket()).unwrap());
    lab.start_coordinator();
    lab.kill_coordinator();
    assert!(lab.socket().exists());
    lab.start_coordinator();
    assert!(lab.ask(&["get", "nodes"]).status.success());
}

#[test]
fn an_address_that_is_dead_is_passed_over_and_the_good_one_remembered_first() {
    let lab = Lab::start();
    let mut agent = lab.recorded_agent("pi", "k3s-w1");
    lab.wait_reported("pi");
    assert!(agent.stop().success());
    let proxy = Proxy::start(lab.listen);
    let addresses = format!("{},{}", free_address(), proxy.address);
    let _agent = again(&lab, "pi", &hosts().join("k3s-w1"), &["--coordinator", &addresses]);
    wait_for("the good one to be remembered", || {
        (identity(&lab, "pi").coordinators.first() == Some(&proxy.address.to_string())).then_some(())
    });
    assert!(identity(&lab, "pi").coordinators.contains(&lab.listen.to_string()), "what the coordinator told is kept");
}

#[test]
fn an_expired_identity_returns_although_another_of_its_addresses_is_dead() {
    let lab = Lab::with(SHORT);
    let agent = lab.recorded_agent("pi", "k3s-w2");
    lab.wait_reported("pi");
    let mut agent = agent;
    assert!(agent.stop().success());
    wait_for("the certificate to run out", || peer::expired(&identity(&lab, "pi")).then_some(()));
    let addresses = format!("{},{}", lab.listen, free_address());
    let _agent = again(&lab, "pi", &hosts().join("k3s-w2"), &["--coordinator", &addresses]);
    wait_for("its return", || {
        events(&lab, "pi").iter().any(|event| event.message.starts_with("rejoined from")).then_some(())
    });
    lab.wait_node("pi", "to be heard", |node| present(node) && node.last_seen_seconds.is_some_and(|age| age < 2.0));
}

/// `coordinator VERB FILE` on a lab's data folder.
fn with_file(lab: &Lab, verb: &str, file: &Path) {
    let mut command = Command::new(program("coordinator"));
    command.arg(verb).arg(file).arg("--config").arg(lab.path("coordinator.yaml")).arg("--data").arg(lab.path("data"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", error_text(&output));
}

#[test]
fn an_old_coordinator_on_the_first_address_does_not_keep_an_agent_from_the_restored_one() {
    let old = Lab::start();
    let mut agent = old.recorded_agent("pi", "k3s-w1");
    old.wait_reported("pi");
    assert!(agent.stop().success());
    let file = old.path("coord.backup");
    with_file(&old, "backup", &file);
    let mut new = Lab::prepare("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 5s\n");
    with_file(&new, "restore", &file);
    new.start_coordinator();
    let heard = |node: &NodeStatus| present(node) && node.last_seen_seconds.is_some_and(|age| age < 2.0);
    let mut agent = again(&old, "pi", &hosts().join("k3s-w1"), &["--coordinator", &new.listen.to_string()]);
    new.wait_node("pi", "to meet the restored one", heard);
    assert!(agent.stop().success());
    new.wait_node("pi", "to be gone", |node| !heard(node));
    let addresses = format!("{},{}", old.listen, new.listen);
    let _agent = again(&old, "pi", &hosts().join("k3s-w1"), &["--coordinator", &addresses]);
    wait_for("the old one to be met", || (said(&old, "pi", "replaced by a restored one") > 0).then_some(()));
    new.wait_node("pi", "to come back", heard);
    assert_eq!(identity(&old, "pi").coordinators.first(), Some(&new.listen.to_string()));
}

#[test]
fn what_nobody_waits_for_any_more_goes_away() {
    let lab = Lab::with("heartbeat: 500ms\nfacts: 60s\nreconnectCap: 1s\nlostAfter: 60s\n");
    let agent = lab.recorded_agent("pi", "k3s-w1");
    lab.wait_reported("pi");
    agent.signal(Signal::SIGSTOP);
    let mut check = Running(lab.coordctl(&["check", "--node", "pi"]).stderr(Stdio::null()).spawn().unwrap());
    wait_for("the action", || (lab.status().actions.len() == 1).then_some(()));
    check.signal(Signal::SIGINT);
    wait_for("coordctl to end", || check.0.try_wait().unwrap());
    assert_eq!(lab.status().actions.len(), 1, "the answer may still come");
    // Ten seconds for the answer, and ten more.
    wait_within(Duration::from_secs(20), "the action to go", || lab.status().actions.is_empty().then_some(()));
    agent.signal(Signal::SIGCONT);
    lab.wait_node("pi", "to be back", present);
}
