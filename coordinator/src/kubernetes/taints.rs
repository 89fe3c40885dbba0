//! Taints by reading, changing and writing: `spec.taints` is one value, so nobody can apply only his own part of it.

use coord_planner::{OWNED_TAINTS, Taint, TaintKey};
use k8s_openapi::api::core::v1::Taint as KubeTaint;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{
    apply::{Decided, PATCH},
    connect::{Connection, READ, WRITE},
    failure::{Failure, Right},
    reduce::annotation,
    seen::SeenNode,
};

const GET: Right = Right { group: "", resource: "nodes", verb: "get" };

/// What is to be changed.
pub(super) struct Order<'a> {
    pub(super) set: &'a [Taint],
    pub(super) remove: &'a [TaintKey],
    pub(super) owned: &'a [TaintKey],
}

/// What to [`patch`] to write taints and the list of those that are ours in one request. The Node is read for it, which
/// takes its time: whether this may write is asked after it.
///
/// # Errors
/// Why not; [`super::failure::Kind::Moved`] when the Node changed since it was decided on.
pub(super) async fn prepare(connection: &Connection, decided: Decided<'_>, order: Order<'_>) -> Result<Value, Failure> {
    let live = unchanged(read(connection, decided.node).await?, decided)?;
    let before = live.spec.and_then(|spec| spec.taints).unwrap_or_default();
    let after = changed(before, order.set, order.remove);
    let taints = if after.is_empty() { None } else { Some(after) };
    Ok(json!({
        "metadata": {
            "resourceVersion": decided.version,
            "annotations": { OWNED_TAINTS: annotation(order.owned) },
        },
        "spec": { "taints": taints },
    }))
}

/// One Node.
///
/// # Errors
/// Why it cannot be read.
pub(super) async fn read(connection: &Connection, node: &str) -> Result<SeenNode, Failure> {
    let nodes: Api<SeenNode> = Api::all(connection.client.clone());
    connection.ask(READ, GET, nodes.get(node)).await
}

/// A merge patch; `body` carries the version that it is based on.
///
/// # Errors
/// Why it was not carried out.
pub(super) async fn patch(
    connection: &Connection,
    node: &str,
    body: Value,
    manager: &str,
) -> Result<SeenNode, Failure> {
    let nodes: Api<SeenNode> = Api::all(connection.client.clone());
    let parameters = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    connection.ask(WRITE, PATCH, nodes.patch(node, &parameters, &Patch::Merge(body))).await
}

fn unchanged(live: SeenNode, decided: Decided<'_>) -> Result<SeenNode, Failure> {
    let same_node = live.metadata.uid.as_deref() == Some(decided.uid);
    let same_version = live.metadata.resource_version.as_deref() == Some(decided.version);
    match (same_node, same_version) {
        (true, true) => Ok(live),
        (true, false) => Err(Failure::moved(format!("node {} changed in between", decided.node))),
        (false, _) => Err(Failure::moved(format!("node {} was deleted and made again", decided.node))),
    }
}

/// The taints after an order. Others stay as they are, with the time at which they were added.
fn changed(before: Vec<KubeTaint>, set: &[Taint], remove: &[TaintKey]) -> Vec<KubeTaint> {
    let is = |live: &KubeTaint, key: &str, effect: &str| live.key == key && live.effect == effect;
    let mut after = before;
    after.retain(|live| !remove.iter().any(|gone| is(live, &gone.key, &format!("{:?}", gone.effect))));
    for wanted in set {
        let effect = format!("{:?}", wanted.effect);
        let value = (!wanted.value.is_empty()).then(|| wanted.value.clone());
        match after.iter_mut().find(|live| is(live, &wanted.key, &effect)) {
            Some(live) => live.value = value,
            None => after.push(KubeTaint { key: wanted.key.clone(), value, effect, time_added: None }),
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use coord_planner::TaintEffect;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn live(key: &str, value: &str, effect: &str) -> KubeTaint {
        let time_added = Some(Time(jiff::Timestamp::UNIX_EPOCH));
        KubeTaint { key: key.into(), value: Some(value.into()), effect: effect.into(), time_added }
    }

    #[test]
    fn only_what_was_ordered_changes() {
        let before = vec![
            live("node.kubernetes.io/unreachable", "", "NoExecute"),
            live("ours", "old", "NoSchedule"),
            live("ours", "old", "NoExecute"),
            live("new.kind", "x", "NoSuchEffectYet"),
        ];
        let set = [
            Taint { key: "ours".into(), value: "new".into(), effect: TaintEffect::NoSchedule },
            Taint { key: "more".into(), value: String::new(), effect: TaintEffect::PreferNoSchedule },
        ];
        let remove = [TaintKey { key: "ours".into(), effect: TaintEffect::NoExecute }];
        let after = changed(before.clone(), &set, &remove);
        assert_eq!(after[0], before[0]);
        assert_eq!(after[1], KubeTaint { value: Some("new".into()), ..before[1].clone() });
        assert_eq!(after[2], before[3]);
        assert_eq!((after[3].key.as_str(), after[3].value.as_ref(), after.len()), ("more", None, 4));
        assert_eq!(changed(after.clone(), &set, &remove), after, "a second time it changes nothing");
    }

    #[test]
    fn another_version_or_another_node_of_the_same_name_is_not_written() {
        let mut node = SeenNode::default();
        node.metadata.uid = Some("u".into());
        node.metadata.resource_version = Some("7".into());
        let decided = |uid, version| Decided { node: "a", uid, version };
        assert!(unchanged(node.clone(), decided("u", "7")).is_ok());
        assert!(unchanged(node.clone(), decided("u", "6")).is_err_and(|failure| failure.why.ends_with("in between")));
        assert!(unchanged(node, decided("v", "7")).is_err_and(|failure| failure.why.ends_with("made again")));
    }
}
