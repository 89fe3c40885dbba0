//! `Why`: every problem and wait about one subject, and its state in a sentence.

use coord_model::{API_VERSION, Health, KeptKind, LabelRow, NodeStatus, Problem, Wait, Why};
use coord_planner::{ClusterFile, LabelRule, Truth, span};
use coord_proto::refused::Refused;
use tonic::{Code, Status};

use super::{labels, no_such_node, status};
use crate::{config::ClusterSource, state::State};

/// About a node (`pi` or `node/pi`), a label or taint of one, `kubernetes`, `cluster-file` or `coordinator`.
pub(super) fn why(state: &State, subject: &str) -> Result<Why, Status> {
    let all = status::status(state);
    let parts: Vec<&str> = subject.splitn(3, '/').collect();
    match parts.as_slice() {
        ["label", node, key] => kept(state, &all, node, key, KeptKind::Label),
        ["taint", node, key] => kept(state, &all, node, key, KeptKind::Taint),
        ["label" | "taint", ..] => Err(unnamed(parts.first().copied().unwrap_or_default())),
        ["kubernetes"] => Ok(about("kubernetes", kubernetes(state), &all)),
        ["cluster-file"] => Ok(about("cluster-file", cluster_file(state), &all)),
        _ if subject == "coordinator" || subject == all.fleet => Ok(coordinator(all)),
        _ => node(&all, subject.strip_prefix("node/").unwrap_or(subject)),
    }
}

fn document(subject: String, summary: String, problems: Vec<Problem>, waits: Vec<Wait>) -> Why {
    Why { api_version: API_VERSION.into(), kind: "Why".into(), stale: false, subject, summary, problems, waits }
}

/// Exactly one subject.
fn about(subject: &str, summary: String, all: &coord_model::Status) -> Why {
    let problems = all.problems.iter().filter(|problem| problem.subject == subject).cloned().collect();
    let waits = all.waits.iter().filter(|wait| wait.subject == subject).cloned().collect();
    document(subject.to_owned(), summary, problems, waits)
}

fn coordinator(all: coord_model::Status) -> Why {
    let summary = if all.healthy { "all well" } else { "something is wrong" };
    let waits = all.waits.into_iter().filter(|wait| wait.subject == "coordinator").collect();
    document("coordinator".into(), summary.into(), all.problems, waits)
}

/// A node, its labels and its taints.
fn node(all: &coord_model::Status, name: &str) -> Result<Why, Status> {
    let node = all.nodes.iter().find(|node| node.name == name).ok_or_else(|| no_such_node(name))?;
    let problems = all.problems.iter().filter(|problem| concerns(&problem.subject, name) && problem.subject != name);
    let problems = node.problems.iter().chain(problems).cloned().collect();
    let waits = all.waits.iter().filter(|wait| concerns(&wait.subject, name)).cloned().collect();
    Ok(document(format!("node/{name}"), summary(node), problems, waits))
}

/// Whether a subject is this node or something on it.
pub(super) fn concerns(subject: &str, node: &str) -> bool {
    match subject.split('/').collect::<Vec<_>>().as_slice() {
        [name] | ["node", name] | ["label" | "taint", name, ..] => *name == node,
        _ => false,
    }
}

/// A label without its key.
fn unnamed(kind: &str) -> Status {
    Refused::new(format!("a {kind} is named {kind}/NODE/KEY"))
        .hint("coordctl get labels lists them")
        .into_status(Code::InvalidArgument)
}

fn kept(state: &State, all: &coord_model::Status, node: &str, key: &str, kind: KeptKind) -> Result<Why, Status> {
    let rows = labels::rows(state, node)?;
    // A taint is asked for with or without its effect.
    let same = |row: &&LabelRow| row.key == key || row.key.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    let row = rows.iter().filter(|row| row.kind == kind).find(same);
    let why = about(&format!("{kind}/{node}/{key}"), row.map_or_else(String::new, sentence), all);
    if row.is_none() && why.problems.is_empty() && why.waits.is_empty() {
        let shown = coord_model::clean(key);
        if super::has_no_node(state, node) {
            let summary = format!("the cluster has no Node {node}: no {kind} is kept on it");
            return Ok(Why { summary, ..why });
        }
        if let Some(summary) = by_rules(state, node, key).filter(|_| kind == KeptKind::Label) {
            return Ok(Why { summary, ..why });
        }
        return Err(Refused::new(format!("Coord keeps no {kind} {shown} on {node}"))
            .hint(format!("coordctl get labels {node}"))
            .into_status(Code::NotFound));
    }
    let summary = if row.is_some() { why.summary } else { format!("Coord keeps no {kind} {key} on {node}") };
    Ok(Why { summary, ..why })
}

/// Why no rule sets this label on the node, where there are rules for it: what each says of it now.
fn by_rules(state: &State, node: &str, key: &str) -> Option<String> {
    let desired = state.declared.desired()?;
    let now = state.boot();
    let report =
        state.registry.fleet().nodes.values().find(|known| known.row.name == node).map(|known| known.report(now));
    let says = |rule: &LabelRule| {
        let says = match report.as_ref().map(|report| rule.when.holds(report)) {
            Some(Truth::True) => "true, and not acted on yet".to_owned(),
            Some(Truth::False) => "false".to_owned(),
            Some(Truth::Unknown(why)) => format!("unknown: {why}"),
            None => "unknown: the node has no agent".to_owned(),
        };
        format!("`{}` is {says}", rule.text)
    };
    let rules = desired.rules.iter().filter(|rule| rule.set.contains_key(key));
    let rules: Vec<String> = rules.map(says).collect();
    let rules = (!rules.is_empty()).then(|| rules.join("; "))?;
    Some(format!("no label {key} is wanted on {node}: {rules} (coordctl describe node {node})"))
}

/// `label gpu of k3s-w3: wanted "true", is "true" (fact gpu.usable): in place`.
fn sentence(row: &LabelRow) -> String {
    let LabelRow { node, key, kind, wanted, live, cause, state } = row;
    let value = |value: &Option<String>| match value.as_deref() {
        None => "absent".to_owned(),
        Some("") if *kind == KeptKind::Taint => "set".to_owned(),
        Some(value) => format!("{value:?}"),
    };
    format!("{kind} {key} of {node}: wanted {}, is {} ({cause}): {state}", value(wanted), value(live))
}

fn kubernetes(state: &State) -> String {
    let planned = state.planned();
    match &planned.cluster {
        Some(cluster) => {
            let (kept, changes) = (planned.plan.kept.len(), planned.changes().count());
            format!("cluster {cluster}: {kept} labels and taints kept, {changes} changes wanted")
        }
        None => "no Kubernetes cluster is seen; nothing is changed in one".to_owned(),
    }
}

fn cluster_file(state: &State) -> String {
    let place = match state.declared.source() {
        ClusterSource::File => state.settings.cluster.display().to_string(),
        ClusterSource::Resource => "the cluster resource".to_owned(),
    };
    match state.declared.standing() {
        ClusterFile::None => format!("nothing is declared: there is no {place}"),
        ClusterFile::InForce => format!("{place} is in force"),
        ClusterFile::Disputed => format!("{place} is in force; the other place declares something else"),
        ClusterFile::Invalid(_) => format!("{place} was refused"),
        ClusterFile::Gone => format!("{place} is gone; what it said stays in force"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_labels_and_taints_concern_it() {
        for subject in ["k3s-w3", "node/k3s-w3", "label/k3s-w3/coord.homelab/x", "taint/k3s-w3/gpu"] {
            assert!(concerns(subject, "k3s-w3"), "{subject}");
        }
        for subject in ["kubernetes", "node/k3s-w1", "label/k3s-w1/k3s-w3", "mount/k3s-w3", ""] {
            assert!(!concerns(subject, "k3s-w3"), "{subject}");
        }
    }

    #[test]
    fn what_is_kept_is_told_in_a_sentence() {
        let row = LabelRow {
            node: "k3s-w3".into(),
            key: "gpu".into(),
            kind: KeptKind::Label,
            wanted: None,
            live: Some("true".into()),
            cause: "fact gpu.usable is false".into(),
            state: "needs approval".into(),
        };
        let told = "label gpu of k3s-w3: wanted absent, is \"true\" (fact gpu.usable is false): needs approval";
        assert_eq!(sentence(&row), told);
    }
}
