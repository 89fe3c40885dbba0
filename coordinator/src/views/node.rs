//! `Node`: everything about one node.

use coord_model::{API_VERSION, EventRow, IdentityView, NodeDetail};
use tonic::Status;

use super::{judgement, labels, no_such_node, rfc3339, rows, status};
use crate::{registry::Known, state::State};

/// Describes the node of this name.
pub(super) fn node(state: &State, name: &str, events: Vec<EventRow>) -> Result<NodeDetail, Status> {
    let judged = judgement::fleet(state).nodes;
    let now = rows::now(state);
    let desired = state.declared.desired();
    let registry = state.registry.fleet();
    let known = registry.nodes.values().filter(|known| known.row.name == name).min_by_key(|known| known.row.revoked_at);
    let known = known.ok_or_else(|| no_such_node(name))?;
    let places = status::places(registry.nodes.values());
    let judged = judged.into_iter().find(|judged| judged.id == known.row.id).ok_or_else(|| no_such_node(name))?;
    Ok(NodeDetail {
        api_version: API_VERSION.into(),
        kind: "Node".into(),
        stale: false,
        node: status::node(known, judged, places.get(&known.row.id), desired.as_deref(), now),
        identity: identity(state, known),
        report: known.report(now),
        labels: labels::of_node(&state.planned(), name),
        events,
    })
}

fn identity(state: &State, known: &Known) -> IdentityView {
    let row = &known.row;
    IdentityView {
        id: row.id.clone(),
        enrolled: rfc3339(row.enrolled),
        certificate_expires: rfc3339(row.certificate.expires),
        certificate_seconds_left: rows::seconds_left(state, row.certificate.expires),
        address: known.address(),
        evidence: row.evidence.clone(),
    }
}
