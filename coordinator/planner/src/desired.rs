//! What the cluster file declares, checked and with every default filled in.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use coord_model::section::{K3sRole, PlatformKind};
use serde::Serialize;

use crate::When;

/// What a subject's changes need before they are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Nothing.
    Auto,
    /// `coordctl apply`.
    #[default]
    Approve,
    /// They are not made.
    Off,
}

/// The policy by subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Labels and taints.
    pub labels: Consent,
    /// Workers.
    pub placement: Consent,
    /// Joins of machines to the cluster.
    pub joins: Consent,
}

impl Default for Policy {
    fn default() -> Self {
        Self { labels: Consent::Auto, placement: Consent::Auto, joins: Consent::Approve }
    }
}

/// What a taint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum TaintEffect {
    /// New pods stay away.
    NoSchedule,
    /// New pods stay away if they can.
    PreferNoSchedule,
    /// Running pods go too.
    NoExecute,
}

/// One taint: `key=value:effect`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value; may be empty.
    pub value: String,
    /// What it does.
    pub effect: TaintEffect,
}

impl fmt::Display for Taint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.as_str() {
            "" => write!(formatter, "{}:{:?}", self.key, self.effect),
            value => write!(formatter, "{}={value}:{:?}", self.key, self.effect),
        }
    }
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeDeclared {
    /// Its failure domain.
    pub zone: String,
    /// All zones of one home.
    pub region: String,
    /// The physical machine below it.
    pub host: String,
    /// Addresses; the first is the node's. Empty where the agent's report counts.
    pub addresses: Vec<String>,
    /// The interface of those addresses, where it is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// What the machine must be, where it is asserted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<PlatformKind>,
    /// What k3s does there.
    pub k3s: K3sRole,
    /// Its own labels: they win over rules.
    pub labels: BTreeMap<String, String>,
    /// Labels of all nodes that it did not take away: rules win over them.
    pub default_labels: BTreeMap<String, String>,
    /// Declared taints.
    pub taints: Vec<Taint>,
    /// Whether being away is normal for it.
    pub sometimes: bool,
}

/// How a declared mount gets onto its nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MountWay {
    /// The machine mounts it.
    #[default]
    Host,
    /// The kubelet mounts it while a pod runs.
    Volume,
}

/// One network file system that some nodes must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MountDeclared {
    /// Name or address of the server.
    pub server: String,
    /// The exported folder.
    pub export: String,
    /// Where it is mounted.
    pub path: String,
    /// Whether it must be writable.
    pub writable: bool,
    /// Which nodes must have it.
    pub nodes: Vec<String>,
    /// How it gets there.
    pub via: MountWay,
    /// A file below `path` that proves that the right thing is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<String>,
}

/// What happens to a rule's labels when it stops being true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFalse {
    /// They go, unless somebody uses them: then that needs approval.
    #[default]
    Ask,
    /// They go.
    Remove,
}

/// Facts that become labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelRule {
    /// As it is written.
    #[serde(rename = "when")]
    pub text: String,
    /// What it asks.
    #[serde(skip)]
    pub when: When,
    /// The labels that it sets.
    pub set: BTreeMap<String, String>,
    /// What happens when it stops being true.
    pub on_false: OnFalse,
}

/// The whole cluster file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// Where coordinators listen, best first.
    pub coordinators: Vec<String>,
    /// What changes need.
    pub policy: Policy,
    /// Zones and their regions.
    pub zones: BTreeMap<String, String>,
    /// Hosts and their zones.
    pub hosts: BTreeMap<String, String>,
    /// Nodes.
    pub nodes: BTreeMap<String, NodeDeclared>,
    /// Declared mounts.
    pub mounts: BTreeMap<String, MountDeclared>,
    /// Label rules, in their order: the first that is true wins.
    pub rules: Vec<LabelRule>,
    /// The cluster's virtual address, where one is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_address: Option<String>,
    /// Whether there is a section `kubernetes`.
    pub kubernetes: bool,
    /// Names of worker sets.
    pub worker_sets: Vec<String>,
}

impl Desired {
    /// The mounts that `node` must have, by name.
    pub fn mounts_of<'a>(&'a self, node: &'a str) -> impl Iterator<Item = (&'a String, &'a MountDeclared)> {
        self.mounts.iter().filter(move |(_, mount)| mount.nodes.iter().any(|name| name == node))
    }

    /// What is declared and not acted on by this version, in words.
    #[must_use]
    pub fn not_acted_on(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if self.kubernetes {
            parts.push("kubernetes (joins, snapshots, virtual address)".to_string());
        }
        if !self.worker_sets.is_empty() {
            parts.push("workerSets".to_string());
        }
        parts
    }
}
