//! Labels by server-side apply: always every label that is ours, so that one that is left out goes.

use std::collections::BTreeMap;

use coord_planner::LABEL_MANAGER;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{
    connect::{Connection, WRITE},
    failure::{Failure, Right},
    seen::SeenNode,
};

pub(super) const PATCH: Right = Right { group: "", resource: "nodes", verb: "patch" };

/// Which version of which Node was decided on.
#[derive(Clone, Copy)]
pub(super) struct Decided<'a> {
    pub(super) node: &'a str,
    pub(super) uid: &'a str,
    pub(super) version: &'a str,
}

/// Applies exactly `set`; the Node as it is then.
///
/// # Errors
/// Why not; [`super::failure::Kind::Moved`] when the Node is another one by now.
pub(super) async fn labels(
    connection: &Connection,
    decided: Decided<'_>,
    set: &BTreeMap<String, String>,
) -> Result<SeenNode, Failure> {
    let nodes: Api<SeenNode> = Api::all(connection.client.clone());
    let parameters = PatchParams::apply(LABEL_MANAGER).force();
    let body = Patch::Apply(body(decided, set));
    connection.ask(WRITE, PATCH, nodes.patch(decided.node, &parameters, &body)).await
}

/// The UID keeps an apply from making the Node anew, the version from overwriting what was not seen.
fn body(decided: Decided<'_>, set: &BTreeMap<String, String>) -> Value {
    let Decided { node, uid, version } = decided;
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": node, "uid": uid, "resourceVersion": version, "labels": set },
    })
}
