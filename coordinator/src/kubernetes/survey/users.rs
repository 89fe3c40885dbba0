//! Whether a pod or a volume needs a label. In doubt it does: then a person is asked.

use std::collections::{BTreeMap, BTreeSet};

use coord_planner::{LabelUser, UserKind};
use k8s_openapi::api::core::v1::{NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PersistentVolume, Pod};

/// The label of pods of Coord's own workers.
const OWN: &str = "coord.homelab/worker-set";

/// Whether `pod` names `key` in what it requires of its node.
pub(super) fn wants(pod: &Pod, key: &str) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let selected = spec.node_selector.as_ref().is_some_and(|selector| selector.contains_key(key));
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required = affinity.and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    selected || required.is_some_and(|selector| names(selector, key))
}

/// Who a pod is: of a DaemonSet the set, since its pods are made and stopped as one.
pub(super) fn pod(pod: &Pod) -> LabelUser {
    let metadata = &pod.metadata;
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    let daemons = owners.iter().find(|owner| owner.kind == "DaemonSet" && owner.controller == Some(true));
    let own = metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(OWN));
    let (kind, name) = match daemons {
        Some(owner) => (UserKind::DaemonSet, owner.name.as_str()),
        None => (UserKind::Pod, metadata.name.as_deref().unwrap_or_default()),
    };
    LabelUser { kind, name: format!("{}/{name}", metadata.namespace.as_deref().unwrap_or_default()), own }
}

/// Who a volume is.
pub(super) fn volume(volume: &PersistentVolume) -> Option<LabelUser> {
    Some(LabelUser { kind: UserKind::Volume, name: volume.metadata.name.clone()?, own: false })
}

/// Whether `volume` names one of `keys`.
pub(super) fn names_any(volume: &PersistentVolume, keys: &BTreeSet<String>) -> bool {
    required(volume).is_some_and(|selector| keys.iter().any(|key| names(selector, key)))
}

/// Whether `volume` can be used on `node` by way of a term that names `key`.
pub(super) fn binds(volume: &PersistentVolume, key: &str, node: &str, labels: &BTreeMap<String, String>) -> bool {
    let terms = required(volume).map(|selector| selector.node_selector_terms.as_slice()).unwrap_or_default();
    terms.iter().any(|term| term_names(term, key) && matches(term, node, labels))
}

fn required(volume: &PersistentVolume) -> Option<&NodeSelector> {
    volume.spec.as_ref()?.node_affinity.as_ref()?.required.as_ref()
}

fn names(selector: &NodeSelector, key: &str) -> bool {
    selector.node_selector_terms.iter().any(|term| term_names(term, key))
}

fn term_names(term: &NodeSelectorTerm, key: &str) -> bool {
    term.match_expressions.iter().flatten().any(|requirement| requirement.key == key)
}

fn matches(term: &NodeSelectorTerm, node: &str, labels: &BTreeMap<String, String>) -> bool {
    let label = |requirement: &NodeSelectorRequirement| holds(requirement, labels.get(&requirement.key));
    let name = node.to_owned();
    let field = |requirement: &NodeSelectorRequirement| match requirement.key.as_str() {
        "metadata.name" => holds(requirement, Some(&name)),
        _ => true,
    };
    term.match_expressions.iter().flatten().all(label) && term.match_fields.iter().flatten().all(field)
}

/// One requirement on the value that is there. Source: Kubernetes API, `NodeSelectorRequirement`.
fn holds(requirement: &NodeSelectorRequirement, value: Option<&String>) -> bool {
    let listed = || value.is_some_and(|value| requirement.values.iter().flatten().any(|one| one == value));
    match requirement.operator.as_str() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        // `Gt`, `Lt` and whatever comes: in doubt it is used.
        _ => true,
    }
}

#[cfg(test)]
mod tests;
