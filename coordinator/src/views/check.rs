//! `Check`: what was looked at and found, grouped, good news too.

use coord_model::{API_VERSION, Check, CheckGroup, CheckRow, NodeStatus, Problem};
use coord_planner::span;
use tonic::Status;

use super::{no_such_node, status};
use crate::state::State;

/// Checks of the coordinator and of every node, or of one.
pub(super) fn check(state: &State, name: &str) -> Result<Check, Status> {
    let all = status::status(state);
    let nodes: Vec<&NodeStatus> = all.nodes.iter().filter(|node| name.is_empty() || node.name == name).collect();
    if nodes.is_empty() && !name.is_empty() {
        return Err(no_such_node(name));
    }
    let mut groups = Vec::new();
    if name.is_empty() {
        groups.push(coordinator(state, &all.problems));
        groups.push(fleet(&all));
    }
    groups.extend(nodes.into_iter().map(node));
    Ok(Check { api_version: API_VERSION.into(), kind: "Check".into(), stale: false, groups })
}

fn good(message: impl Into<String>) -> CheckRow {
    CheckRow { message: message.into(), problem: None }
}

fn bad(problem: &Problem) -> CheckRow {
    CheckRow { message: problem.message.clone(), problem: Some(problem.clone()) }
}

fn coordinator(state: &State, problems: &[Problem]) -> CheckGroup {
    let mut checks = vec![good(format!("coordinator {} answers", env!("CARGO_PKG_VERSION")))];
    if state.store.writable() {
        checks.push(good("the store can be written"));
    }
    if state.distrust().is_none() {
        checks.push(good("the clock is trusted"));
    }
    checks.extend(problems.iter().map(bad));
    CheckGroup { name: "coordinator".into(), checks }
}

fn fleet(all: &coord_model::Status) -> CheckGroup {
    let heard = all.nodes.iter().filter(|node| node.last_seen_seconds.is_some()).count();
    let checks = vec![good(format!("{heard} of {} nodes were heard", all.nodes.len()))];
    CheckGroup { name: "fleet".into(), checks }
}

fn node(node: &NodeStatus) -> CheckGroup {
    let mut checks = Vec::new();
    if let Some(seconds) = node.last_seen_seconds {
        let ago = span(std::time::Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
        checks.push(good(format!("heard {ago} ago, {}", node.health)));
    }
    if let Some(mounts) = node.mounts.filter(|mounts| mounts.total > 0 && mounts.answering == mounts.total) {
        checks.push(good(format!("{} of {} network mounts answer", mounts.answering, mounts.total)));
    }
    for gpu in node.gpus.iter().flatten().filter(|gpu| gpu.usable == Some(true)) {
        checks.push(good(format!("GPU {} can be used", gpu.driver)));
    }
    checks.extend(node.problems.iter().map(bad));
    CheckGroup { name: node.name.clone(), checks }
}
