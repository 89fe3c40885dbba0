//! Staying who one is: renewal, return after the end of a certificate, revocation, and machines that are not the same.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;

use coord_model::{
    AgentMessage, Code, CommandAction, CoordinatorMessage, EndReason, Health, NodeStatus, Outcome, OutcomeResult,
};
use coord_proto::{client, identity::Identity};
use coord_tests::{
    bystander::{Bystander, events, times},
    clock::{DAY, WrongClock},
    elsewhere,
    lab::{Lab, Running, hosts, wait_for},
    peer::{self, Conversation, hello},
};
use nix::sys::signal::Signal;

/// Certificates that live as short as settings allow.
const SHORT: &str = "heartbeat: 500ms\nfacts: 60s\nreconnectCap: 1s\nlostAfter: 60s\nlifetimes:\n  certificate: 30s\n";
/// Seven machines, as in the example home.
const SEVEN: [&str; 7] = ["k3s-cp1", "k3s-cp2", "k3s-cp3", "k3s-w1", "k3s-w2", "k3s-w3", "proxmox"];

fn has(node: &NodeStatus, code: Code) -> bool {
    node.problems.iter().any(|problem| problem.code == code)
}

fn present(node: &NodeStatus) -> bool {
    matches!(node.health, Health::Ready | Health::Degraded)
}

fn identity(lab: &Lab, name: &str) -> Identity {
    Identity::load(&lab.path(&format!("{name}.state")).join("identity.json")).unwrap().unwrap()
}

fn happened(lab: &Lab, name: &str, what: &str) -> bool {
    events(lab, name).iter().any(|event| event.message.contains(what))
}

/// Runs the agent `name` again with the identity that it has.
fn again(lab: &Lab, name: &str, host: &str) -> Running {
    let mut command = lab.agent_command(name);
    Running(command.arg("--root").arg(hosts().join(host)).spawn().unwrap())
}

/// Whether the node read again when coordctl asked it to, and what coordctl said.
fn asked(lab: &Lab, name: &str) -> (bool, String) {
    let output = lab.ask(&["check", "--node", name]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Exit code 3 is an answer about an unhealthy node.
    let answered = matches!(output.status.code(), Some(0 | 3));
    (answered && !said.contains("has not read again"), said)
}

#[test]
fn a_certificate_is_renewed_at_half_its_life_and_the_session_goes_on() {
    let lab = Lab::with(SHORT);
    let _agent = lab.recorded_agent("pi", "k3s-w1");
    lab.wait_reported("pi");
    let first = identity(&lab, "pi");
    let renewed = wait_for("a renewal", || {
        assert!(lab.status().nodes.iter().all(|node| present(node) || node.last_seen_seconds.is_none()));
        let now = identity(&lab, "pi");
        (now.expires > first.expires).then_some(now)
    });
    assert!(!peer::expired(&first), "it was renewed in time");
    assert_eq!((renewed.id.as_str(), renewed.key_id().unwrap()), (first.id.as_str(), first.id.clone()));
    assert!(happened(&lab, "pi", "certificate renewed"));
    lab.wait_node("pi", "to be heard with the new certificate", |node| {
        present(node) && times(&lab, "pi", "session began") >= 2
    });
    let previous = Identity::load(&lab.path("pi.state").join("identity.json.previous")).unwrap().unwrap();
    assert_eq!(previous.key_id().unwrap(), first.id);
}

#[test]
fn seven_nodes_return_unattended_after_the_coordinator_was_away_for_three_days() {
    let pace = "heartbeat: 500ms\nfacts: 60s\nreconnectCap: 1s\nlostAfter: 60s\nclock: assume-synchronised\n";
    let mut lab = Lab::with(pace);
    let mut agents: Vec<Running> = SEVEN.iter().map(|host| lab.recorded_agent(host, host)).collect();
    SEVEN.iter().for_each(|name| drop(lab.wait_reported(name)));
    lab.stop_coordinator();
    // One of them sleeps meanwhile, and one is switched off.
    agents[0].signal(Signal::SIGSTOP);
    assert!(agents[1].stop().success());
    let clock = WrongClock::new(&lab, "three-days");
    clock.set(3 * DAY);
    let mut command = lab.coordinator_command();
    clock.rules(&mut command);
    lab.start_as(command);
    agents[0].signal(Signal::SIGCONT);
    agents[1] = again(&lab, SEVEN[1], SEVEN[1]);
    for name in SEVEN {
        lab.wait_node(name, "to return", present);
        assert!(happened(&lab, name, "rejoined from 127.0.0.1"), "{:?}", events(&lab, name));
    }
}

#[test]
fn an_agent_that_slept_past_the_end_of_its_certificate_returns_by_itself() {
    let lab = Lab::with(SHORT);
    let agent = lab.recorded_agent("pi", "k3s-w2");
    lab.wait_reported("pi");
    agent.signal(Signal::SIGSTOP);
    wait_for("the certificate to run out", || peer::expired(&identity(&lab, "pi")).then_some(()));
    wait_for("the session's end", || happened(&lab, "pi", "session ended: three heartbeats were missed").then_some(()));
    agent.signal(Signal::SIGCONT);
    wait_for("its return", || happened(&lab, "pi", "rejoined from 127.0.0.1").then_some(()));
    lab.wait_node("pi", "to be heard", |node| present(node) && node.last_seen_seconds.is_some_and(|age| age < 2.0));
    assert!(!peer::expired(&identity(&lab, "pi")));
}

#[test]
fn a_revocation_ends_the_stream_and_every_later_call() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let node = peer::enrol(&lab, "thief");
    let (mut session, _) = Conversation::open(&node, hello("thief", 1)).unwrap();
    let open = peer::known(&node).unwrap();
    let _agent = lab.recorded_agent("pi", "k3s-w2");
    lab.wait_reported("pi");
    for name in ["thief", "pi"] {
        lab.told(&["node", "revoke", name, "--yes"]);
    }
    let end = session.until_end();
    assert!(end.is_none_or(|(reason, _)| reason == EndReason::Revoked));
    // On the connection that was open, and on a new one.
    for channel in [Ok(open), peer::known(&node)].into_iter().flatten() {
        let refused = peer::wait(async {
            let request = coord_model::Renew { request: node.request().unwrap() };
            client::agents(channel).renew(request).await.unwrap_err()
        });
        let said = peer::words(&refused);
        assert!(said.contains("this identity was revoked") || said.contains("the connection ended"), "{said}");
    }
    let refused = Conversation::open(&node, hello("thief", 1)).unwrap_err();
    assert!(peer::words(&refused).contains("this identity was revoked | "), "{refused}");
    let evidence = peer::evidence("thief");
    let rejoined = peer::wait(client::rejoin(&node, evidence, coord_proto::tls::Window::Ignore)).unwrap_err();
    assert!(peer::error_words(&rejoined).contains("this identity was revoked | "), "{rejoined}");
    wait_for("the agent to be told", || lab.agent_log("pi").contains("revoked").then_some(()));
    assert_eq!(lab.status().nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["bystander"]);
    assert!(lab.told(&["get", "nodes"]).contains("revoked"));
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_changed_machine_waits_for_a_person() {
    let lab = Lab::start();
    let mut agent = lab.recorded_agent("pi", "k3s-w1");
    lab.wait_reported("pi");
    assert!(agent.stop().success());
    let _moved = again(&lab, "pi", "k3s-w3");
    let pending = lab.wait_node("pi", "to wait", |node| node.health == Health::Pending);
    assert!(has(&pending, Code::NodePending), "{:?}", pending.problems);
    let wait = lab.status().waits.into_iter().find(|wait| wait.subject == "node/pi").unwrap();
    assert_eq!((wait.reason.as_str(), wait.hint.as_deref()), ("approval", Some("coordctl node approve pi")));
    let (obeyed, said) = asked(&lab, "pi");
    assert!(!obeyed && said.contains("it gets no commands until its identity is settled"), "{said}");
    lab.told(&["node", "approve", "pi"]);
    lab.wait_node("pi", "to be let in", present);
    assert!(asked(&lab, "pi").0);
    assert!(happened(&lab, "pi", "approved by"));
}

#[test]
fn a_node_is_renamed_and_forgotten() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let _agent = lab.recorded_agent("old", "k3s-w2");
    let id = lab.wait_reported("old").id;
    let taken = lab.ask(&["node", "rename", "old", "bystander"]);
    assert!(String::from_utf8_lossy(&taken.stderr).contains("belongs to another node"));
    lab.told(&["node", "rename", "old", "new"]);
    assert_eq!(lab.wait_node("new", "to have its name", present).id, id);
    assert!(asked(&lab, "new").0, "its session went on");
    lab.told(&["node", "forget", "new", "--yes"]);
    wait_for("its end", || lab.status().nodes.iter().all(|node| node.id != id).then_some(()));
    assert!(!lab.told(&["get", "nodes"]).contains("new"), "nothing is left of it");
    // Its name is free, and it may come back with a new key only.
    let _next = peer::enrol(&lab, "new");
    wait_for("the old key to be refused", || lab.agent_log("old").contains("revoked").then_some(()));
    bystander.is_undisturbed(&lab);
}

#[test]
fn two_copies_of_one_identity_are_told_with_both_addresses_and_get_no_commands() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let _original = lab.recorded_agent("pi", "k3s-w2");
    lab.wait_reported("pi");
    let copy = lab.path("copy.state");
    fs::create_dir(&copy).unwrap();
    fs::copy(lab.path("pi.state").join("identity.json"), copy.join("identity.json")).unwrap();
    let mut command = lab.agent_command("copy");
    command
        .arg("--coordinator")
        .arg(elsewhere::forward(lab.listen).to_string())
        .arg("--root")
        .arg(hosts().join("k3s-w2"));
    let mut clone = Running(command.spawn().unwrap());
    let cloned = lab.wait_node("pi", "to be seen twice", |node| has(node, Code::ClonedIdentity));
    let problem = cloned.problems.iter().find(|problem| problem.code == Code::ClonedIdentity).unwrap();
    assert!(problem.message.contains("127.0.0.1") && problem.message.contains(elsewhere::ADDRESS), "{problem:?}");
    assert!(problem.hint.is_some());
    for _ in 0..3 {
        let (obeyed, said) = asked(&lab, "pi");
        assert!(!obeyed && said.contains("it gets no commands until its identity is settled"), "{said}");
    }
    // When the copy is gone, a person says so.
    clone.kill();
    lab.told(&["node", "approve", "pi"]);
    lab.wait_node("pi", "to be one again", |node| present(node) && !has(node, Code::ClonedIdentity));
    wait_for("it to obey again", || asked(&lab, "pi").0.then_some(()));
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_restarted_agent_is_no_clone() {
    let lab = Lab::start();
    let node = peer::enrol(&lab, "busy");
    for number in 1..=20 {
        let (_session, _) = Conversation::open(&node, hello("busy", number)).unwrap();
    }
    let shown = lab.wait_node("busy", "to be there", |node| node.last_seen_seconds.is_some());
    assert!(!has(&shown, Code::ClonedIdentity), "{:?}", shown.problems);
}

#[test]
fn two_machines_with_one_machine_id_are_told_and_both_go_on() {
    let lab = Lab::start();
    let _agents = ["one", "two"].map(|name| lab.recorded_agent(name, "k3s-w2"));
    let nodes = ["one", "two"].map(|name| lab.wait_reported(name));
    assert_ne!(nodes[0].id, nodes[1].id);
    let problem = wait_for("the duplicate to be told", || {
        lab.status().problems.into_iter().find(|problem| problem.code == Code::DuplicateMachineId)
    });
    assert!(problem.subject == "one, two" && problem.message.contains("same machine-id"), "{problem:?}");
    assert!(problem.hint.is_some_and(|hint| hint.contains("machine-id")));
    for name in ["one", "two"] {
        assert!(asked(&lab, name).0, "{name} obeys");
    }
}

#[test]
fn a_generation_that_nobody_gave_costs_its_node_commands_and_nobody_else() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let node = peer::enrol(&lab, "far");
    let wild = coord_model::Hello { newest_generation: u64::MAX, ..hello("far", 1) };
    let (session, _) = Conversation::open(&node, wild).unwrap();
    let _beating = session.beat(std::time::Duration::from_millis(200));
    let told = lab.wait_node("far", "to be told", |node| has(node, Code::GenerationImplausible));
    let problem = told.problems.iter().find(|problem| problem.code == Code::GenerationImplausible).unwrap();
    assert!(problem.message.contains(&u64::MAX.to_string()) && problem.hint.is_some(), "{problem:?}");
    let (obeyed, said) = asked(&lab, "far");
    assert!(!obeyed && said.contains("more than any coordinator gives"), "{said}");
    assert!(asked(&lab, "bystander").0);
    // A sane Hello later is a sane node: nothing of the wild number was kept.
    let (mut sane, _) =
        Conversation::open(&node, coord_model::Hello { newest_generation: 5, ..hello("far", 1) }).unwrap();
    let answered = std::thread::scope(|scope| {
        let asking = scope.spawn(|| asked(&lab, "far"));
        let command = loop {
            if let Some(CoordinatorMessage::Command(command)) = sane.hear().unwrap() {
                break command;
            }
        };
        assert!(matches!(command.action, CommandAction::Refresh { .. }));
        assert_eq!(command.generation, 6, "above what the agent has seen");
        let (key, generation) = (command.key, command.generation);
        sane.say(AgentMessage::Outcome(Outcome {
            key,
            generation,
            result: OutcomeResult::Done,
            message: String::new(),
        }));
        asking.join().unwrap()
    });
    assert!(answered.0, "{}", answered.1);
    bystander.is_undisturbed(&lab);
}
