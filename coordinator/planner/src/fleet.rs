//! The judgement, phase by phase.
//!
//! 1. Nodes are put in the order of their names, so that the order in which they were observed cannot matter.
//! 2. Each node gets its problems: what it reports, who it is, whether it was heard.
//! 3. Each node gets its health: revoked, then pending, then how long it was not heard, then its problems.
//! 4. The fleet gets the problems that no machine can see alone, and the coordinator's own.
//! 5. A problem that somebody accepted says so, and does not count for health.
//! 6. What waits for a person is said with what to type.

use alloc::{string::String, vec::Vec};

use coord_model::{Health, Problem, Severity, Wait};

use crate::{
    NodeObserved, Observed,
    rule::{
        accepted, approval, condition, coordinator, declared, duplicate, identity, liveness, share, skew, subject,
        version,
    },
};

/// One node, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeHealth {
    /// Hash of its public key.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is doing.
    pub health: Health,
    /// What is wrong with it, worst first; the subject is its name.
    pub problems: Vec<Problem>,
}

/// The fleet, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// In the order of their names.
    pub nodes: Vec<NodeHealth>,
    /// Problems of the fleet as a whole, worst first.
    pub problems: Vec<Problem>,
    /// What is not done, and why.
    pub waits: Vec<Wait>,
    /// False only if there is a problem of severity error that nobody accepted.
    pub healthy: bool,
}

/// Judges the fleet. See the module's head for the phases.
#[must_use]
pub fn fleet(observed: &Observed) -> Fleet {
    let members = in_order(&observed.nodes);
    let nodes: Vec<NodeHealth> = members.iter().map(|node| judge(node, observed)).collect();
    let problems = fleet_problems(&members, observed);
    let asked = members.iter().filter_map(|node| approval::wait(node)).chain(coordinator::wait(observed));
    let waits = asked.chain(declared::waits(&members, observed)).collect();
    let healthy = healthy(nodes.iter().flat_map(|node| &node.problems).chain(&problems));
    Fleet { nodes, problems, waits, healthy }
}

/// Whether none of `problems` is an error that nobody accepted.
#[must_use]
pub fn healthy<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> bool {
    problems.into_iter().all(|problem| problem.severity != Severity::Error || problem.accepted.is_some())
}

/// Phase 1.
fn in_order(nodes: &[NodeObserved]) -> Vec<&NodeObserved> {
    let mut ordered: Vec<&NodeObserved> = nodes.iter().collect();
    ordered.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    ordered
}

/// Phases 2 and 3.
fn judge(node: &NodeObserved, observed: &Observed) -> NodeHealth {
    let presence = liveness::presence(node, observed);
    let problems = if condition::counts(node) { node_problems(node, presence, observed) } else { Vec::new() };
    let health = condition::health(node, presence, &problems);
    NodeHealth { id: node.id.clone(), name: node.name.clone(), health, problems }
}

/// Phase 2.
fn node_problems(node: &NodeObserved, presence: liveness::Presence, observed: &Observed) -> Vec<Problem> {
    let sharp = node.problems.iter().map(|problem| share::sharpened(node, problem, &observed.nodes));
    let reported = sharp.map(|problem| subject::of_node(&node.name, &problem));
    let mut problems: Vec<Problem> = reported
        .chain(approval::problem(node))
        .chain(identity::cloned(node))
        .chain(identity::implausible_generation(node))
        .chain(skew::protocol(node))
        .chain(version::behind(node))
        .chain(declared::of_node(node, observed))
        .chain(liveness::problem(node, presence, observed))
        .collect();
    problems.sort();
    problems.dedup();
    known_risks(problems, observed)
}

/// Phase 4.
fn fleet_problems(members: &[&NodeObserved], observed: &Observed) -> Vec<Problem> {
    let mut problems = duplicate::machine_ids(members);
    problems.extend(share::below_exports(members));
    problems.extend(coordinator::problems(&observed.coordinator));
    problems.extend(declared::problems(observed));
    problems.sort();
    known_risks(problems, observed)
}

/// Phase 5.
fn known_risks(problems: Vec<Problem>, observed: &Observed) -> Vec<Problem> {
    let now = observed.now.wall;
    problems.into_iter().map(|problem| accepted::accepted(problem, &observed.decisions, now)).collect()
}
