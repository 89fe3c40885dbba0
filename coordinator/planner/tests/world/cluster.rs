//! A cluster that carries out actions as the API server does: values, and who manages them.
#![allow(dead_code, reason = "every test uses its own part of the world")]

use std::{collections::BTreeMap, sync::Arc};

use coord_planner::{Action, FieldOwner, KubeNode, KubernetesObserved, LABEL_MANAGER, Taint, TaintKey, WriteOperation};

/// The Node, to be changed.
pub(crate) fn node<'a>(kubernetes: &'a mut KubernetesObserved, name: &str) -> &'a mut KubeNode {
    Arc::make_mut(kubernetes.nodes.get_mut(name).expect("the Node is there"))
}

/// Carries out one action. A version that is not the Node's is refused, as the API server does.
pub(crate) fn carry_out(kubernetes: &mut KubernetesObserved, action: &Action) {
    let at = node(kubernetes, action.node());
    match action {
        Action::ApplyLabels { uid, set, .. } => {
            assert_eq!(*uid, at.uid);
            apply(at, set);
        }
        Action::WriteTaints { uid, set, remove, owned, .. } => {
            assert_eq!(*uid, at.uid);
            taint(at, set, remove);
            at.owned_taints = owned.clone();
        }
    }
    renewed(at);
}

/// Server-side apply with force: a new value takes the key from everybody else, an equal one is shared, and a key that
/// is not named any more goes if nobody else holds it.
pub(crate) fn apply(node: &mut KubeNode, set: &BTreeMap<String, String>) {
    let ours = FieldOwner { name: LABEL_MANAGER.into(), operation: WriteOperation::Apply };
    for (key, value) in set {
        let managers = node.managers.entry(key.clone()).or_default();
        if node.labels.insert(key.clone(), value.clone()).as_ref() != Some(value) {
            managers.clear();
        }
        if !managers.contains(&ours) {
            managers.push(ours.clone());
        }
    }
    for (key, managers) in &mut node.managers {
        if !set.contains_key(key) && managers.contains(&ours) {
            managers.retain(|manager| *manager != ours);
            if managers.is_empty() {
                node.labels.remove(key);
            }
        }
    }
    node.managers.retain(|_, managers| !managers.is_empty());
}

/// A write by another program, as `kubectl label --overwrite`: a new value is its alone, an equal one changes nothing.
pub(crate) fn label(node: &mut KubeNode, name: &str, key: &str, value: Option<&str>) {
    let Some(value) = value else {
        node.labels.remove(key);
        node.managers.remove(key);
        return renewed(node);
    };
    if node.labels.insert(key.into(), value.into()).as_deref() != Some(value) {
        let manager = FieldOwner { name: name.into(), operation: WriteOperation::Update };
        node.managers.insert(key.into(), vec![manager]);
    }
    renewed(node);
}

/// Sets and removes taints: one of the same key and effect is replaced.
pub(crate) fn taint(node: &mut KubeNode, set: &[Taint], remove: &[TaintKey]) {
    let same = |taint: &Taint, key: &str, effect| taint.key == key && taint.effect == effect;
    node.taints.retain(|taint| !remove.iter().any(|gone| same(taint, &gone.key, gone.effect)));
    for new in set {
        node.taints.retain(|taint| !same(taint, &new.key, new.effect));
        node.taints.push(new.clone());
    }
    renewed(node);
}

fn renewed(node: &mut KubeNode) {
    let version: u64 = node.resource_version.parse().unwrap_or_default();
    node.resource_version = (version + 1).to_string();
}
