//! The circle: a real agent and a real coordinator over TLS, what travels between them and when.

use std::{collections::BTreeSet, fs, path::Path};

use coord_model::{AgentMessage, Command, CommandAction, CoordinatorMessage, Health, NodeDetail, SectionKind};
use coord_tests::{
    bystander::{events, times},
    lab::{Lab, hosts, wait_for},
    raw, recording,
    scripted::{self, Said, Scripted},
};
use serde_json::Value;

/// Facts are read once only, so that what a test sees was asked for.
const STILL: &str = "heartbeat: 500ms\nfacts: 1h\nreconnectCap: 1s\nlostAfter: 5s\n";

fn describe(lab: &Lab, name: &str) -> NodeDetail {
    serde_json::from_str(&lab.told(&["-o", "json", "describe", "node", name])).expect("a node's document")
}

fn load(lab: &Lab, name: &str) -> Option<f64> {
    describe(lab, name).report.system?.facts?.load_1
}

fn write_load(host: &Path, load: &str) {
    fs::write(host.join("root/proc/loadavg"), format!("{load} 0.10 0.10 1/200 4321\n")).expect("a writable copy");
}

#[test]
fn an_agent_enrols_reports_and_goes_on_being_heard() {
    let lab = Lab::start();
    let _agent = lab.recorded_agent("k3s-w1", "k3s-w1");
    let node = lab.wait_reported("k3s-w1");
    assert!(node.platform.is_some() && node.agent_version.is_some(), "{node:?}");
    lab.wait_node("k3s-w1", "to be well", |node| matches!(node.health, Health::Ready | Health::Degraded));
    let uptime = lab.status().coordinator.uptime_seconds;
    wait_for("six heartbeats", || (lab.status().coordinator.uptime_seconds > uptime + 3.0).then_some(()));
    let age = lab.wait_reported("k3s-w1").last_seen_seconds.expect("heard");
    assert!(age < 1.5, "heartbeats keep it known: {age}");
    assert_eq!(times(&lab, "k3s-w1", "session began"), 1, "{:?}", events(&lab, "k3s-w1"));
}

#[test]
fn check_of_a_node_makes_it_read_again_and_waits_for_it() {
    let lab = Lab::with(STILL);
    let host = recording::copy(&lab, "k3s-w1");
    write_load(&host, "0.25");
    let _agent = recording::agent(&lab, "k3s-w1", &host);
    lab.wait_reported("k3s-w1");
    assert_eq!(load(&lab, "k3s-w1"), Some(0.25));
    for (text, number) in [("3.50", 3.5), ("7.75", 7.75)] {
        write_load(&host, text);
        let checked = lab.ask(&["check", "--node", "k3s-w1"]);
        assert!(matches!(checked.status.code(), Some(0 | 3)), "{checked:?}");
        assert_eq!(load(&lab, "k3s-w1"), Some(number), "the new value is there when check returns");
    }
    let unknown = lab.ask(&["check", "--node", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
}

#[test]
fn after_a_restart_of_the_coordinator_everything_comes_again_with_the_newest_state() {
    let mut lab = Lab::with(STILL);
    let host = recording::copy(&lab, "k3s-w1");
    write_load(&host, "1.00");
    let _agent = recording::agent(&lab, "k3s-w1", &host);
    let before = lab.wait_reported("k3s-w1");
    lab.kill_coordinator();
    ["2.00", "3.00", "4.00"].into_iter().for_each(|load| write_load(&host, load));
    lab.start_coordinator();
    let after = lab.wait_reported("k3s-w1");
    assert_eq!((before.id, before.platform, before.role), (after.id, after.platform, after.role));
    assert_eq!(load(&lab, "k3s-w1"), Some(4.0));
    let sections = describe(&lab, "k3s-w1").report.sections().map(|section| section.kind()).collect::<Vec<_>>();
    assert_eq!(sections, SectionKind::ALL);
    lab.wait_node("k3s-w1", "to be well again", |node| matches!(node.health, Health::Ready | Health::Degraded));
}

/// Kinds of each message of sections in one session, with its sequence number and whether it was whole.
fn told(said: &[Said], session: usize) -> Vec<(u64, bool, Vec<SectionKind>)> {
    said.iter()
        .filter(|said| said.session == session)
        .filter_map(|said| match &said.message {
            AgentMessage::Sections { sequence, whole, sections, .. } => {
                Some((*sequence, *whole, sections.iter().map(coord_model::AnySection::kind).collect()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn only_what_changed_is_told_and_everything_after_a_reconnect() {
    let lab = Lab::prepare("");
    let host = recording::copy(&lab, "k3s-w1");
    write_load(&host, "1.00");
    let root = host.clone();
    // After the first report the load changes and all is read again; the outcome ends the first session.
    let script = move |session: usize, message: &AgentMessage| {
        let mut answers = scripted::polite(message);
        match message {
            AgentMessage::Sections { sequence: 1, .. } if session == 1 => {
                write_load(&root, "2.00");
                let action = CommandAction::Refresh { sections: Vec::new(), measures: Vec::new() };
                let deadline = std::time::Duration::from_secs(20);
                let command = Command { key: "again".into(), generation: 1, epoch: 1, deadline, action };
                answers.push(raw::coordinator(CoordinatorMessage::Command(command)));
            }
            AgentMessage::Outcome(_) if session == 1 => return None,
            _ => {}
        }
        Some(answers)
    };
    let coordinator = Scripted::start(script);
    coordinator.admit(&lab, "actor");
    let mut command = lab.agent_command("actor");
    let _agent = coord_tests::lab::Running(command.arg("--root").arg(&host).spawn().expect("the agent starts"));
    let second = wait_for("the second session to tell something", || {
        Some(told(&coordinator.said(), 2)).filter(|told| !told.is_empty())
    });
    let first = told(&coordinator.said(), 1);
    assert_eq!(first[0], (1, true, SectionKind::ALL.to_vec()));
    // The section `agent` counts its own seconds, `mounts` those of each state.
    let counting = [SectionKind::Agent, SectionKind::Mounts];
    let news: Vec<_> =
        first[1..].iter().flat_map(|(_, _, kinds)| kinds).filter(|kind| !counting.contains(kind)).collect();
    assert_eq!(news, [&SectionKind::System], "{first:?}");
    assert!(first[1..].iter().all(|(sequence, whole, _)| *sequence == 2 && !whole), "{first:?}");
    assert_eq!(second[0], (1, true, SectionKind::ALL.to_vec()));
    // The outcome was not acknowledged, so it is told again, and the command is not carried out twice.
    let again = wait_for("the outcome to be told again", || {
        let said = coordinator.said();
        said.into_iter().find(|said| {
            said.session == 2 && matches!(&said.message, AgentMessage::Outcome(outcome) if outcome.key == "again")
        })
    });
    assert!(
        matches!(again.message, AgentMessage::Outcome(outcome) if outcome.result == coord_model::OutcomeResult::Done)
    );
}

/// Every field of the status document that people script against, and no other.
#[test]
fn status_as_json_has_the_promised_shape() {
    let lab = Lab::start();
    let _good = lab.recorded_agent("k3s-w1", "k3s-w1");
    let _bad = lab.recorded_agent("k3s-w3", "k3s-w3");
    lab.wait_reported("k3s-w1");
    lab.wait_node("k3s-w3", "to show its problems", |node| !node.problems.is_empty());
    let output = lab.ask(&["-o", "json", "status"]);
    assert_eq!(output.status.code(), Some(3), "a GPU that cannot be used is an error");
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    keys(
        &status,
        &["apiVersion", "kind", "fleet", "healthy", "stale", "coordinator", "nodes", "problems", "actions", "waits"],
        &[],
    );
    assert_eq!((&status["apiVersion"], &status["kind"]), (&"coord.homelab/v1".into(), &"Status".into()));
    assert_eq!((&status["healthy"], &status["stale"]), (&false.into(), &false.into()));
    keys(&status["coordinator"], &["version", "uptimeSeconds", "instance"], &[]);
    let nodes = status["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 2);
    for node in nodes {
        let may = [
            "zone",
            "platform",
            "role",
            "healthSeconds",
            "lastSeenSeconds",
            "agentVersion",
            "gpus",
            "mounts",
            "unknown",
        ];
        keys(node, &["name", "id", "health", "problems"], &may);
        for field in ["zone", "platform", "role", "lastSeenSeconds", "agentVersion", "gpus", "mounts"] {
            let known = node.get(field).is_some();
            assert!(known != node["unknown"].get(field).is_some(), "{field} is known or says why not: {node}");
        }
        assert!(node["lastSeenSeconds"].as_f64().is_some_and(|seconds| seconds < 60.0), "{node}");
        for problem in node["problems"].as_array().expect("problems") {
            keys(problem, &["code", "severity", "subject", "message"], &["hint"]);
            assert!(["error", "warning", "info"].contains(&problem["severity"].as_str().expect("a word")), "{problem}");
        }
    }
    let yaml = lab.ask(&["-o", "yaml", "status"]);
    let same: Value = serde_saphyr::from_slice(&yaml.stdout).expect("YAML");
    assert_eq!(same["nodes"].as_array().map(Vec::len), Some(2));
    assert!(hosts().join("k3s-w3").is_dir());
}

/// That an object has all of `must`, and nothing but those and `may`.
fn keys(object: &Value, must: &[&str], may: &[&str]) {
    let there: BTreeSet<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    let must: BTreeSet<&str> = must.iter().copied().collect();
    let all: BTreeSet<&str> = must.iter().chain(may).copied().collect();
    assert!(must.is_subset(&there), "missing {:?} in {object}", must.difference(&there));
    assert!(there.is_subset(&all), "unexpected {:?} in {object}", there.difference(&all));
}
