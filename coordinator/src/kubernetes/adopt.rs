//! Taking over what somebody else set, when a person says so: labels by moving the managers' entries, taints by listing
//! them as ours. Values stay as they are; what they should be is the planner's business.

use coord_planner::{FieldOwner, LABEL_MANAGER, OWNED_TAINTS, TaintKey, WriteOperation};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, Time};
use serde_json::{Value, json};

use super::{
    Refused,
    connect::Connection,
    failure::{Failure, Kind},
    fields::{give_label, is_empty, take_label},
    reduce::{annotation, manager, reduce},
    seen::SeenNode,
    taints::{patch, read},
    wall_time,
};

/// What to [`write`] to make us the only manager of these labels, under the version that is read for it.
///
/// # Errors
/// Why not: no such Node, no such label, or it cannot be read.
pub(super) async fn labels(connection: &Connection, node: &str, keys: &[String]) -> Result<Value, Refused> {
    let live = find(connection, node).await?;
    let present = live.metadata.labels.clone().unwrap_or_default();
    if let Some(missing) = keys.iter().find(|key| !present.contains_key(*key)) {
        let hint = format!("kubectl get node {node} --show-labels");
        return Err(Refused::new(format!("node {node} has no label {missing}"), Some(hint)));
    }
    let before = live.metadata.managed_fields.clone().unwrap_or_default();
    if before.is_empty() {
        return Err(Refused::new(format!("node {node} does not say who manages its labels"), None));
    }
    let after = moved(before, keys, Time(wall_time()));
    Ok(json!({
        "metadata": { "resourceVersion": live.metadata.resource_version, "managedFields": after },
    }))
}

/// What to [`write`] to list every taint of `key` as ours.
///
/// # Errors
/// Why not: no such Node, no such taint, or it cannot be read.
pub(super) async fn taint(connection: &Connection, node: &str, key: &str) -> Result<Value, Refused> {
    let live = find(connection, node).await?;
    let seen = reduce(live);
    let found = seen.taints.iter().filter(|taint| taint.key == key);
    let found: Vec<_> = found.map(|taint| TaintKey { key: taint.key.clone(), effect: taint.effect }).collect();
    if found.is_empty() {
        let hint = format!("kubectl describe node {node}");
        return Err(Refused::new(format!("node {node} has no taint {key}"), Some(hint)));
    }
    let owned: Vec<_> = seen.owned_taints.into_iter().chain(found).collect();
    Ok(json!({
        "metadata": {
            "resourceVersion": seen.resource_version,
            "annotations": { OWNED_TAINTS: annotation(&owned) },
        },
    }))
}

/// Writes what one of the two above made, as `manager`; the Node as it is then.
///
/// # Errors
/// Why not.
pub(super) async fn write(
    connection: &Connection,
    node: &str,
    body: Value,
    manager: &str,
) -> Result<SeenNode, Refused> {
    patch(connection, node, body, manager).await.map_err(|failure| again(failure, node))
}

async fn find(connection: &Connection, node: &str) -> Result<SeenNode, Refused> {
    read(connection, node).await.map_err(|failure| match failure.kind {
        Kind::Missing => Refused::new(format!("the cluster has no node {node}"), Some("kubectl get nodes".to_owned())),
        Kind::Moved | Kind::Denied | Kind::Refused | Kind::Busy(_) | Kind::Away => failure.into(),
    })
}

/// A person is asked to repeat what a machine would.
fn again(failure: Failure, node: &str) -> Refused {
    match failure.kind {
        Kind::Moved => Refused::new(format!("node {node} changed in between"), Some("try again".to_owned())),
        Kind::Missing | Kind::Denied | Kind::Refused | Kind::Busy(_) | Kind::Away => failure.into(),
    }
}

/// The managers after `keys` moved from everybody else to us.
fn moved(before: Vec<ManagedFieldsEntry>, keys: &[String], now: Time) -> Vec<ManagedFieldsEntry> {
    let us = FieldOwner { name: LABEL_MANAGER.to_owned(), operation: WriteOperation::Apply };
    let is_ours = |entry: &ManagedFieldsEntry| manager(entry) == us && entry.subresource.is_none();
    let mut after = before;
    for entry in after.iter_mut().filter(|entry| !is_ours(entry)) {
        for key in keys {
            take_label(entry, key);
        }
    }
    after.retain(|entry| is_ours(entry) || !is_empty(entry));
    let mut ours = match after.iter().position(is_ours) {
        Some(place) => after.remove(place),
        None => new_entry(now),
    };
    keys.iter().for_each(|key| give_label(&mut ours, key));
    after.push(ours);
    after
}

fn new_entry(now: Time) -> ManagedFieldsEntry {
    ManagedFieldsEntry {
        manager: Some(LABEL_MANAGER.to_owned()),
        operation: Some("Apply".to_owned()),
        api_version: Some("v1".to_owned()),
        fields_type: Some("FieldsV1".to_owned()),
        fields_v1: None,
        subresource: None,
        time: Some(now),
    }
}

#[cfg(test)]
mod tests;
