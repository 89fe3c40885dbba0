//! The file as it is written: every key with its meaning, which is also what editors show. Nothing is checked here that
//! needs more than one value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod kubernetes;
mod worker;

pub use kubernetes::{Kubernetes, Snapshots, VirtualAddress, VirtualAddressProvider};
pub use worker::{AfterDrain, Candidate, Drain, FreeDisk, GpuNeed, Manage, Runtime, Spread, WorkerKind, WorkerSet};

/// One home.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Cluster")]
pub struct Cluster {
    /// Always `coord.homelab/v1`.
    pub api_version: Version,
    /// Always `Cluster`.
    pub kind: Kind,
    /// Its name.
    pub metadata: Metadata,
    /// What is declared.
    pub spec: Spec,
}

/// The schema's version.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub enum Version {
    /// The first.
    #[serde(rename = "coord.homelab/v1")]
    V1,
}

/// What the document is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub enum Kind {
    /// A home.
    Cluster,
}

/// The document's name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Shown at the head of `coordctl status`.
    pub name: String,
}

/// What is declared.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// Default region of every zone; without one it is the name of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Where the coordinator is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinator: Option<Coordinator>,
    /// What changes need before they are made.
    #[serde(default)]
    pub policy: Policy,
    /// Failure domains: what dies together.
    pub zones: BTreeMap<String, Zone>,
    /// Physical machines, only where a zone has several.
    #[serde(default)]
    pub hosts: BTreeMap<String, Host>,
    /// The k3s cluster; a home without one is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<Kubernetes>,
    /// Defaults of nodes with a k3s role.
    #[serde(default)]
    pub node_defaults: NodeDefaults,
    /// Machines that run an agent, by name.
    pub nodes: BTreeMap<String, Node>,
    /// Facts that become labels and stop being labels; for each key the first true rule wins.
    #[serde(default)]
    pub label_rules: Vec<LabelRule>,
    /// Network file systems that some nodes must have.
    #[serde(default)]
    pub mounts: BTreeMap<String, Mount>,
    /// GPU workers of applications.
    #[serde(default)]
    pub worker_sets: BTreeMap<String, WorkerSet>,
}

/// Where the coordinator is reached.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coordinator {
    /// `HOST:PORT`, best first; agents try them in order, and join lines print them.
    pub addresses: Vec<String>,
}

/// What a subject's changes need.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Nothing.
    Auto,
    /// `coordctl apply`.
    Approve,
    /// They are not made.
    Off,
}

/// What changes need before they are made.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
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

/// A failure domain.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Its region, where it is not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// A physical machine.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Where it stands.
    pub zone: String,
}

/// Defaults of nodes with a k3s role.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeDefaults {
    /// Labels; a node takes one away with `null`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// What a machine is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A virtual machine.
    Vm,
    /// An LXC container.
    Lxc,
    /// A Docker, Podman or Kubernetes container.
    Container,
    /// A physical machine.
    BareMetal,
    /// A Raspberry Pi.
    RaspberryPi,
    /// A machine that runs Proxmox VE.
    ProxmoxHost,
    /// A machine that runs Unraid.
    UnraidHost,
}

/// What k3s does on a node.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Control plane.
    Server,
    /// Worker.
    Agent,
    /// Nothing.
    None,
}

/// How often a node is there.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Availability {
    /// It should always answer.
    #[default]
    Always,
    /// Being away is normal for it.
    Sometimes,
}

/// A machine that runs an agent.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Node {
    /// Its zone; may be left out where `host` names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Its physical machine, one of `hosts` or a hypervisor node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// IPv4 or IPv6 addresses, the first is the node's; without any the agent's report counts.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The interface of those addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// What the machine must be; another one is a problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<NodeKind>,
    /// What k3s does here.
    pub k3s: Role,
    /// Labels as text; `null` takes a default away.
    #[serde(default)]
    pub labels: BTreeMap<String, Option<String>>,
    /// Taints, `key=value:effect`.
    #[serde(default)]
    pub taints: Vec<String>,
    /// How often it is there.
    #[serde(default)]
    pub availability: Availability,
}

/// What happens to a rule's labels when it stops being true.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum OnFalse {
    /// They go, unless somebody uses them: then that needs approval.
    #[default]
    Ask,
    /// They go.
    Remove,
}

/// Facts that become labels.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelRule {
    /// What is asked of a node's report, for instance `gpu.usable and "av1" in gpu.encode`.
    pub when: String,
    /// Labels as text.
    pub set: BTreeMap<String, String>,
    /// What happens when it stops being true.
    #[serde(default)]
    pub on_false: OnFalse,
}

/// What nodes may do with a mount.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Read.
    Ro,
    /// Read and write.
    Rw,
}

/// How a mount gets onto its nodes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The machine mounts it.
    #[default]
    Host,
    /// The kubelet mounts it while a pod runs.
    Volume,
}

/// A network file system that some nodes must have.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mount {
    /// Name or address of the server.
    pub server: String,
    /// The exported folder.
    pub export: String,
    /// Where it is mounted on a node.
    pub path: String,
    /// What nodes may do.
    pub access: Access,
    /// Which nodes must have it.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// How it gets there.
    #[serde(default)]
    pub via: Via,
    /// A file below `path` that is there only when the right thing is mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<String>,
}
