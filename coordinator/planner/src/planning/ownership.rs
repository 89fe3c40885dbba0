//! Whose a label is, as the Node's managed fields say.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::{FieldOwner, KubeNode, LABEL_MANAGER, WriteOperation};

/// Keys below it are Coord's by their name.
const OWN_PREFIX: &str = "coord.homelab/";

/// The stable form of a key and the old one that the cloud node controller copies over it.
pub(super) const TWINS: [(&str, &str); 3] = [
    ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"),
    ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"),
    ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"),
];

/// Names under which k3s itself writes Nodes: its kubelet and the cloud node controller inside it. What only they hold
/// of [`TWINS`] is free. The list is not proved on every k3s: another name makes a wait, never a wrong write.
const K3S: [&str; 6] =
    ["k3s", "k3s-agent", "k3s-server", "k3s-cloud-controller-manager", "cloud-controller-manager", "kubelet"];

/// Whose a label is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Nobody's.
    Free,
    /// Coord's alone.
    Ours,
    /// Coord's and theirs.
    Shared(Vec<String>),
    /// Theirs.
    Foreign(Vec<String>),
}

/// One label of a Node: its value, and who manages it.
#[derive(Clone, Copy)]
pub(super) struct Live<'a> {
    /// Its value; absent where it is not there.
    pub(super) value: Option<&'a str>,
    key: &'a str,
    managers: &'a [FieldOwner],
}

/// The label `key` of `node`, which may be absent.
pub(super) fn live<'a>(node: &'a KubeNode, key: &'a str) -> Live<'a> {
    let value = node.labels.get(key).map(String::as_str);
    let managers = value.and_then(|_| node.managers.get(key)).map_or(&[][..], Vec::as_slice);
    Live { value, key, managers }
}

impl Live<'_> {
    /// Whose it is.
    pub(super) fn owner(&self) -> Owner {
        let mine = self.is_held();
        match (mine, self.managers.len()) {
            (_, 0) if self.value.is_none() || is_place_or_own(self.key) => return Owner::Free,
            // Its entry was lost, as by a restore: whoever set it meant it.
            (_, 0) => return Owner::Foreign(Vec::from(["nobody that the Node names".into()])),
            (true, 1) => return Owner::Ours,
            (true | false, _) => {}
        }
        let others = others(self.managers, |manager| of_k3s(self.key, manager));
        match (mine, others.is_empty() || self.key.starts_with(OWN_PREFIX)) {
            (true, true) => Owner::Ours,
            (false, true) => Owner::Free,
            (true, false) => Owner::Shared(others),
            (false, false) => Owner::Foreign(others),
        }
    }

    /// Whether Coord holds it, alone or not.
    pub(super) fn is_held(&self) -> bool {
        self.managers.iter().any(is_ours)
    }

    /// Everybody else who holds it, k3s too: while they do, it does not go when Coord lets go of it.
    pub(super) fn other_holders(&self) -> Vec<String> {
        others(self.managers, |_| false)
    }
}

fn others(all: &[FieldOwner], ignored: impl Fn(&FieldOwner) -> bool) -> Vec<String> {
    let mut names: Vec<String> = all
        .iter()
        .filter(|manager| !is_ours(manager) && !ignored(manager))
        .map(|manager| manager.name.clone())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn is_ours(manager: &FieldOwner) -> bool {
    manager.operation == WriteOperation::Apply && manager.name == LABEL_MANAGER
}

fn of_k3s(key: &str, manager: &FieldOwner) -> bool {
    K3S.contains(&manager.name.as_str()) && is_twin(key)
}

fn is_twin(key: &str) -> bool {
    TWINS.iter().any(|(stable, old)| key == *stable || key == *old)
}

/// Keys that are free where nobody holds them.
fn is_place_or_own(key: &str) -> bool {
    is_twin(key) || key.starts_with(OWN_PREFIX)
}

/// The keys of labels that Coord manages on `node`.
pub(super) fn keys(node: &KubeNode) -> impl Iterator<Item = &str> {
    node.managers.iter().filter(|(_, all)| all.iter().any(is_ours)).map(|(key, _)| key.as_str())
}

/// The labels that Coord holds on `node` now, alone or not, with their live values.
fn held(node: &KubeNode) -> impl Iterator<Item = (&String, &String)> {
    keys(node).filter_map(|key| node.labels.get_key_value(key))
}

/// Whether Coord holds this one.
pub(super) fn holds(node: &KubeNode, key: &str) -> bool {
    live(node, key).is_held()
}

/// The whole set that the next apply must name.
pub(super) fn held_set(node: &KubeNode) -> BTreeMap<String, String> {
    held(node).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Whether Coord owns any label or taint there.
pub(super) fn owns_anything(node: &KubeNode) -> bool {
    !node.owned_taints.is_empty() || held(node).next().is_some()
}
