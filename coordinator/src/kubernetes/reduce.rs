//! A Node reduced to what the planner uses. Pure; no input makes it fail.

use std::collections::BTreeMap;

use coord_planner::{FieldOwner, KubeNode, OWNED_TAINTS, Taint, TaintEffect, TaintKey, WriteOperation};
use k8s_openapi::{
    api::core::v1::{NodeAddress, NodeCondition},
    apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry,
};

use super::{
    fields::label_keys,
    seen::{SeenNode, SeenSpec, SeenStatus},
};

/// Real Nodes have a dozen entries. With more than this, nobody is taken to be known: nothing is written then.
const MOST_MANAGERS: usize = 256;

/// What is kept of a Node.
pub(super) fn reduce(node: SeenNode) -> KubeNode {
    let SeenNode { metadata, spec, status } = node;
    let (spec, status): (SeenSpec, SeenStatus) = (spec.unwrap_or_default(), status.unwrap_or_default());
    let info = status.node_info.unwrap_or_default();
    let managed = metadata.managed_fields.unwrap_or_default();
    let annotation = metadata.annotations.as_ref().and_then(|all| all.get(OWNED_TAINTS));
    KubeNode {
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
        machine_id: info.machine_id,
        system_uuid: info.system_uuid,
        addresses: addresses(status.addresses.unwrap_or_default()),
        labels: metadata.labels.unwrap_or_default(),
        managers_known: !managed.is_empty() && managed.len() <= MOST_MANAGERS,
        managers: managers(&managed),
        taints: spec.taints.unwrap_or_default().into_iter().filter_map(taint).collect(),
        owned_taints: annotation.map(|text| owned(text)).unwrap_or_default(),
        unschedulable: spec.unschedulable.unwrap_or(false),
        ready: ready(&status.conditions.unwrap_or_default()),
    }
}

/// Addresses that a machine has; names do not count.
fn addresses(all: Vec<NodeAddress>) -> Vec<String> {
    let real = all.into_iter().filter(|address| matches!(address.type_.as_str(), "InternalIP" | "ExternalIP"));
    real.map(|address| address.address).collect()
}

/// Who manages which label. The subresource does not matter: a label is a label.
fn managers(entries: &[ManagedFieldsEntry]) -> BTreeMap<String, Vec<FieldOwner>> {
    let mut found: BTreeMap<String, Vec<FieldOwner>> = BTreeMap::new();
    for entry in entries.iter().take(MOST_MANAGERS) {
        let manager = manager(entry);
        for key in label_keys(entry) {
            let known = found.entry(key.to_owned()).or_default();
            if !known.contains(&manager) {
                known.push(manager.clone());
            }
        }
    }
    found.values_mut().for_each(|managers| managers.sort());
    found
}

/// Who an entry speaks of.
pub(super) fn manager(entry: &ManagedFieldsEntry) -> FieldOwner {
    let operation = match entry.operation.as_deref() {
        Some("Apply") => WriteOperation::Apply,
        _ => WriteOperation::Update,
    };
    FieldOwner { name: entry.manager.clone().unwrap_or_default(), operation }
}

/// An effect that this version does not know is not ours to judge; a write keeps such a taint.
fn taint(taint: k8s_openapi::api::core::v1::Taint) -> Option<Taint> {
    let effect = effect(&taint.effect)?;
    Some(Taint { key: taint.key, value: taint.value.unwrap_or_default(), effect })
}

/// An effect by its name.
pub(super) fn effect(name: &str) -> Option<TaintEffect> {
    match name {
        "NoSchedule" => Some(TaintEffect::NoSchedule),
        "PreferNoSchedule" => Some(TaintEffect::PreferNoSchedule),
        "NoExecute" => Some(TaintEffect::NoExecute),
        _ => None,
    }
}

/// `KEY:EFFECT` separated by commas, as [`annotation`] writes it.
fn owned(text: &str) -> Vec<TaintKey> {
    let one = |part: &str| {
        let (key, name) = part.trim().rsplit_once(':')?;
        Some(TaintKey { key: key.to_owned(), effect: effect(name)? })
    };
    text.split(',').filter_map(one).collect()
}

/// The annotation that lists `owned`, in order; none where nothing is owned.
pub(super) fn annotation(owned: &[TaintKey]) -> Option<String> {
    let mut parts: Vec<String> = owned.iter().map(|taint| format!("{}:{:?}", taint.key, taint.effect)).collect();
    parts.sort();
    parts.dedup();
    (!parts.is_empty()).then(|| parts.join(","))
}

fn ready(conditions: &[NodeCondition]) -> Option<bool> {
    let condition = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    match condition.status.as_str() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
