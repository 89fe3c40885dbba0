//! The section `workerSets` as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
