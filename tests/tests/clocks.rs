//! Wrong clocks: an agent never locks itself out, and a coordinator that cannot believe its clock issues nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use coord_model::{Code, Health, NodeStatus};
use coord_proto::identity::Identity;
use coord_tests::{
    bystander::{Bystander, events},
    clock::{DAY, TEN_YEARS, WrongClock, unsynchronised},
    lab::{Lab, Running, wait_for},
    peer,
};

/// Certificates that live as short as settings allow, so that renewal is part of the test.
const SHORT: &str = "heartbeat: 500ms\nfacts: 60s\nreconnectCap: 1s\nlostAfter: 60s\nlifetimes:\n  certificate: 30s\n";

fn present(node: &NodeStatus) -> bool {
    matches!(node.health, Health::Ready | Health::Degraded)
}

/// A coordinator whose wall clock is `clock`.
fn start_with(lab: &mut Lab, clock: &WrongClock) {
    let mut command = lab.coordinator_command();
    clock.rules(&mut command);
    lab.start_as(command);
}

fn distrusted(lab: &Lab) -> Option<coord_model::Problem> {
    lab.status().problems.into_iter().find(|problem| problem.code == Code::ClockNotTrusted)
}

/// Neither tokens nor certificates are made.
fn issues_nothing(lab: &Lab, known: &Identity, unused: &coord_proto::token::Token) {
    let refused = lab.ask(&["token", "create", "--node", "later"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("its clock is not trusted"), "{said}");
    let said = peer::error_words(&peer::show(&Identity::generate().unwrap(), unused, "later").unwrap_err());
    assert!(said.contains("the coordinator issues nothing while its clock is not trusted"), "{said}");
    assert!(said.contains("coordctl clock accept"), "{said}");
    let renewal = peer::wait(coord_proto::client::renew(known, coord_proto::tls::Window::Ignore)).unwrap_err();
    assert!(peer::error_words(&renewal).contains("issues nothing"), "{renewal}");
}

#[test]
fn agents_with_wrong_clocks_get_in_renew_and_stay() {
    let lab = Lab::with(SHORT);
    let bystander = lab.recorded_agent("right", "k3s-w1");
    let host = unsynchronised(&lab, "k3s-w2");
    let wrong = [("at-1970", None), ("behind", Some(-DAY)), ("ahead", Some(DAY)), ("far", Some(TEN_YEARS))];
    let agents = wrong.map(|(name, offset)| {
        let clock = WrongClock::new(&lab, name);
        offset.map_or_else(|| clock.set_1970(), |seconds| clock.set(seconds));
        let mut command = lab.agent_command(name);
        command.arg("--token-file").arg(lab.token_file(name)).arg("--root").arg(&host);
        clock.rules(&mut command);
        Running(command.spawn().unwrap())
    });
    for (name, _) in wrong {
        lab.wait_node(name, "to get in", present);
    }
    for (name, _) in wrong {
        wait_for("a renewal", || {
            events(&lab, name).iter().any(|event| event.message == "certificate renewed").then_some(())
        });
        lab.wait_node(name, "to stay", present);
        assert!(!events(&lab, name).iter().any(|event| event.message.contains("ran out")), "{name}");
    }
    lab.wait_node("right", "to be undisturbed", present);
    drop((agents, bystander));
}

#[test]
fn a_coordinator_at_1970_serves_its_own_and_issues_nothing() {
    let mut lab = Lab::start();
    let known = peer::enrol(&lab, "known");
    let unused = peer::token(&lab, &["--node", "later", "--ttl", "1h"]);
    let _agent = lab.recorded_agent("pi", "k3s-w1");
    lab.wait_reported("pi");
    lab.stop_coordinator();
    let clock = WrongClock::new(&lab, "coordinator");
    clock.set_1970();
    start_with(&mut lab, &clock);
    let problem = wait_for("the distrust", || distrusted(&lab));
    assert!(problem.message.contains("earlier than a time that was already seen"), "{problem:?}");
    assert!(problem.hint.is_some_and(|hint| hint.contains("coordctl clock accept")));
    lab.wait_node("pi", "to be served", present);
    peer::Conversation::open(&known, peer::hello("known", 1)).unwrap();
    issues_nothing(&lab, &known, &unused);
    lab.wait_node("pi", "to stay", present);
    // The clock becomes right; somebody says so.
    clock.set(0);
    lab.told(&["clock", "accept"]);
    assert!(distrusted(&lab).is_none());
    peer::show(&Identity::generate().unwrap(), &unused, "later").unwrap();
}

#[test]
fn a_first_start_at_1970_makes_an_authority_that_is_good_later() {
    let mut lab = Lab::prepare("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 5s\n");
    let clock = WrongClock::new(&lab, "coordinator");
    clock.set_1970();
    start_with(&mut lab, &clock);
    assert!(distrusted(&lab).is_some());
    lab.stop_coordinator();
    lab.start_coordinator();
    let _good = peer::enrol(&lab, "good");
}

#[test]
fn a_jump_of_ten_years_and_back_is_survived() {
    let mut lab = Lab::prepare("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 5s\n");
    let clock = WrongClock::new(&lab, "coordinator");
    start_with(&mut lab, &clock);
    let bystander = Bystander::start(&lab);
    let known = peer::enrol(&lab, "known");
    let unused = peer::token(&lab, &["--node", "later", "--ttl", "1h"]);
    clock.set(TEN_YEARS);
    let problem = wait_for("the jump to be noticed", || distrusted(&lab));
    assert!(problem.message.contains("the clock jumped forward by"), "{problem:?}");
    issues_nothing(&lab, &known, &unused);
    bystander.is_undisturbed(&lab);
    peer::Conversation::open(&known, peer::hello("known", 1)).unwrap();
    clock.set(0);
    // Back is not believed by itself either: nobody knows which of the two was right.
    assert!(distrusted(&lab).is_some());
    lab.told(&["clock", "accept"]);
    assert!(distrusted(&lab).is_none());
    peer::show(&Identity::generate().unwrap(), &unused, "later").unwrap();
    bystander.is_undisturbed(&lab);
    // Nothing of the jump is left after a restart.
    lab.stop_coordinator();
    lab.start_coordinator();
    assert!(distrusted(&lab).is_none());
}
