//! Connections that are there and carry nothing, and processes that are there and do nothing: both ends must notice
//! within three heartbeats, and all must be well again afterwards, with one session and no reproach.

use std::time::{Duration, Instant};

use coord_model::{Code, Health};
use coord_tests::{
    bystander::events,
    lab::{Lab, Running, wait_for, wait_within},
    proxy::Proxy,
};
use nix::sys::signal::Signal;

/// Several times the three heartbeats of the lab's pace and the few hundred milliseconds that saying so takes; the
/// figure itself belongs to the benchmark.
const NOTICED: Duration = Duration::from_secs(12);

/// A lab whose agents reach the coordinator through a proxy only.
fn behind_a_proxy() -> (Lab, Proxy) {
    let mut lab = Lab::prepare("");
    let proxy = Proxy::start(lab.listen);
    let settings =
        format!("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 5s\nadvertise: [\"{}\"]\n", proxy.address);
    std::fs::write(lab.path("coordinator.yaml"), settings).expect("a writable folder");
    lab.start_coordinator();
    (lab, proxy)
}

fn well(lab: &Lab, name: &str) {
    lab.wait_node(name, "to be well", |node| {
        let heard = node.last_seen_seconds.is_some_and(|seconds| seconds < 1.5);
        heard && matches!(node.health, Health::Ready | Health::Degraded)
    });
}

fn messages(lab: &Lab, name: &str) -> Vec<String> {
    events(lab, name).into_iter().map(|event| event.message).collect()
}

fn count(lab: &Lab, name: &str, beginning: &str) -> u64 {
    events(lab, name).iter().filter(|event| event.message.starts_with(beginning)).map(|event| event.count).sum()
}

/// The agent noticed, in whichever words fit what it saw.
fn agent_noticed(lab: &Lab, name: &str) -> bool {
    let log = lab.agent_log(name);
    log.contains("has not answered for three intervals")
        || log.contains("the coordinator ended the session")
        || log.contains("the session ended")
}

fn both_ends_notice(hold: impl Fn(&Proxy, bool)) {
    let (lab, proxy) = behind_a_proxy();
    let _agent = lab.recorded_agent("k3s-w1", "k3s-w1");
    well(&lab, "k3s-w1");
    assert!(!agent_noticed(&lab, "k3s-w1"), "{}", lab.agent_log("k3s-w1"));
    let began = Instant::now();
    hold(&proxy, true);
    wait_within(NOTICED, "the agent to notice", || agent_noticed(&lab, "k3s-w1").then_some(()));
    let left = NOTICED.saturating_sub(began.elapsed());
    wait_within(left, "the coordinator to notice", || (count(&lab, "k3s-w1", "session ended") > 0).then_some(()));
    lab.wait_node("k3s-w1", "to be silent", |node| matches!(node.health, Health::Silent | Health::Lost));
    hold(&proxy, false);
    well(&lab, "k3s-w1");
    let node = lab.wait_reported("k3s-w1");
    assert!(
        !node.problems.iter().any(|problem| problem.code == Code::ClonedIdentity),
        "{:?}",
        messages(&lab, "k3s-w1")
    );
}

#[test]
fn both_ends_notice_that_nothing_reaches_the_coordinator() {
    both_ends_notice(Proxy::hold_up);
}

#[test]
fn both_ends_notice_that_nothing_reaches_the_agent() {
    both_ends_notice(Proxy::hold_down);
}

#[test]
fn both_ends_notice_that_nothing_passes_at_all() {
    both_ends_notice(|proxy, hold| {
        proxy.hold_up(hold);
        proxy.hold_down(hold);
    });
}

/// Stops a process until the lab's clock has seen `lab` without it for several heartbeats.
fn hold_agent(lab: &Lab, agent: &Running) {
    agent.signal(Signal::SIGSTOP);
    lab.wait_node("k3s-w1", "to be silent", |node| node.health == Health::Silent);
    lab.wait_node("k3s-w1", "to be lost", |node| node.health == Health::Lost);
    agent.signal(Signal::SIGCONT);
}

#[test]
fn an_agent_that_stood_still_comes_back_as_itself() {
    let lab = Lab::start();
    let agent = lab.recorded_agent("k3s-w1", "k3s-w1");
    well(&lab, "k3s-w1");
    for round in 1..=2 {
        hold_agent(&lab, &agent);
        well(&lab, "k3s-w1");
        assert_eq!(count(&lab, "k3s-w1", "session began"), round + 1, "{:?}", messages(&lab, "k3s-w1"));
    }
    assert_eq!(
        count(&lab, "k3s-w1", "session ended: three heartbeats were missed"),
        2,
        "{:?}",
        messages(&lab, "k3s-w1")
    );
    let node = lab.wait_reported("k3s-w1");
    assert!(!node.problems.iter().any(|problem| problem.code == Code::ClonedIdentity), "{node:?}");
    assert_eq!(lab.status().nodes.len(), 1);
}

#[test]
fn a_coordinator_that_stood_still_is_left_and_found_again() {
    let lab = Lab::start();
    let _agent = lab.recorded_agent("k3s-w1", "k3s-w1");
    well(&lab, "k3s-w1");
    let before = lab.agent_log("k3s-w1").matches("connected").count();
    let coordinator = lab.coordinator.as_ref().expect("it runs");
    coordinator.signal(Signal::SIGSTOP);
    wait_for("the agent to notice", || agent_noticed(&lab, "k3s-w1").then_some(()));
    wait_for("the agent to try again in vain", || {
        lab.agent_log("k3s-w1").contains("cannot reach a coordinator").then_some(())
    });
    coordinator.signal(Signal::SIGCONT);
    // What the coordinator still holds of the old session is well for a moment too.
    wait_for("the agent to connect again", || {
        (lab.agent_log("k3s-w1").matches("connected").count() > before).then_some(())
    });
    well(&lab, "k3s-w1");
    let node = lab.wait_reported("k3s-w1");
    assert!(!node.problems.iter().any(|problem| problem.code == Code::ClonedIdentity), "{node:?}");
    assert_eq!(lab.status().nodes.len(), 1);
}
