//! `Why`: every problem and wait about one subject, and its state in a sentence.

use coord_model::{API_VERSION, Health, NodeStatus, Why};
use coord_planner::span;
use tonic::Status;

use super::{no_such_node, status};
use crate::state::State;

/// About a node (`pi` or `node/pi`) or about `coordinator`.
pub(super) fn why(state: &State, subject: &str) -> Result<Why, Status> {
    let all = status::status(state);
    let document = |subject: String, summary, problems, waits| Why {
        api_version: API_VERSION.into(),
        kind: "Why".into(),
        stale: false,
        subject,
        summary,
        problems,
        waits,
    };
    if subject == "coordinator" || subject == all.fleet {
        let summary = if all.healthy { "all well".to_owned() } else { "something is wrong".to_owned() };
        let waits = status::waits_about(&all.waits, "coordinator");
        return Ok(document("coordinator".into(), summary, all.problems, waits));
    }
    let name = subject.strip_prefix("node/").unwrap_or(subject);
    let node = all.nodes.into_iter().find(|node| node.name == name).ok_or_else(|| no_such_node(name))?;
    let summary = summary(&node);
    let waits = status::waits_about(&all.waits, &format!("node/{name}"));
    Ok(document(format!("node/{name}"), summary, node.problems, waits))
}

fn summary(node: &NodeStatus) -> String {
    let since = node.health_seconds.unwrap_or(0.0);
    let since = span(std::time::Duration::from_secs_f64(since.clamp(0.0, 1e9)));
    match node.health {
        Health::Ready => format!("ready for {since}, nothing is wrong with it"),
        Health::Degraded => format!("degraded for {since}"),
        Health::Pending => "waits for approval; it is connected, but gets no commands".to_owned(),
        Health::Unknown => "not heard since the coordinator started".to_owned(),
        Health::Silent => format!("silent for {since}; its last facts are kept"),
        Health::Lost => format!("lost for {since}; its last facts are kept"),
        Health::Revoked => "its identity was revoked".to_owned(),
        Health::Unrecognised(_) => node.health.to_string(),
    }
}
