//! The file as it is written: every key with its meaning, which is also what editors show. Nothing is checked here that
//! needs more than one value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// The k3s cluster.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kubernetes {
    /// k3s version of every node, for instance `v1.34.3+k3s1`.
    pub version: String,
    /// The address through which every node joins, for instance `https://192.168.1.100:6443`.
    pub endpoint: String,
    /// Who holds the virtual address of that endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vip: Option<VirtualAddress>,
    /// k3s's own keys, equal on every server.
    #[serde(default)]
    pub server_config: BTreeMap<String, Value>,
    /// k3s's own keys, equal on every agent.
    #[serde(default)]
    pub agent_config: BTreeMap<String, Value>,
    /// Where snapshots go before every server change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Snapshots>,
    /// How long a joined server must be healthy before the next change, for instance `120s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_soak: Option<String>,
}

/// Who holds the virtual address.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualAddress {
    /// Which program.
    pub provider: VirtualAddressProvider,
    /// Whether Coord installs and looks after it.
    #[serde(default)]
    pub manage: bool,
}

/// Which program holds the virtual address.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum VirtualAddressProvider {
    /// kube-vip on the servers.
    KubeVip,
    /// Something outside the cluster.
    External,
    /// There is none.
    None,
}

/// Where snapshots go.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshots {
    /// `coordinator`, or an absolute folder.
    pub to: String,
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

/// GPU workers of one application.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkerSet {
    /// Which application's rules hold.
    pub kind: WorkerKind,
    /// ClusterPlex: address of its orchestrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orchestrator: Option<String>,
    /// How many workers; `0` ends the set.
    pub count: u32,
    /// What workers are spread over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// Who makes the workers.
    #[serde(default)]
    pub manage: Manage,
    /// Image with its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What a worker needs of a GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuNeed>,
    /// Names of mounts that a worker needs.
    #[serde(default)]
    pub mounts: Vec<String>,
    /// Free space that a worker needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_disk: Option<FreeDisk>,
    /// How a worker is emptied before it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// A Secret, or a file of that name in /etc/coord/secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_from: Option<String>,
    /// Where workers may run, in order of preference.
    pub candidates: Vec<Candidate>,
}

/// Which application's rules hold.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerKind {
    /// ClusterPlex.
    Clusterplex,
    /// Any image.
    Generic,
}

/// What workers are spread over.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Zones.
    Zone,
    /// Physical machines.
    Host,
    /// Nodes.
    Node,
}

/// Who makes the workers.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Manage {
    /// Coord.
    #[default]
    Apply,
    /// Coord only prints what to make.
    Render,
    /// They are there already, and Coord takes them over.
    Adopt,
}

/// What a worker needs of a GPU.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuNeed {
    /// How many workers may share one GPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<u32>,
    /// Codecs that it must decode.
    #[serde(default)]
    pub decode: Vec<String>,
    /// Codecs that it must encode.
    #[serde(default)]
    pub encode: Vec<String>,
}

/// Free space that a worker needs.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreeDisk {
    /// On which mount.
    pub mount: String,
    /// How much, for instance `20GiB`.
    pub bytes: String,
}

/// How a worker is emptied before it stops.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// How long it may take, for instance `4h`.
    pub limit: String,
    /// What happens then.
    pub then: AfterDrain,
}

/// What happens when a drain took too long.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum AfterDrain {
    /// It goes on waiting.
    Wait,
    /// The worker is stopped.
    Stop,
}

/// Where a worker may run.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// On which node.
    pub node: String,
    /// By what.
    pub runtime: Runtime,
    /// Docker: the container's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Where mounts lie on that node, by name, where that is not their path.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
}

/// What runs a worker.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// A pod.
    Kubernetes,
    /// A container of the Docker engine.
    Docker,
}
