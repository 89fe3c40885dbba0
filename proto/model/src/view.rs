//! What the coordinator shows: the documents behind every table, and exactly what `-o json` prints.
//!
//! Their names and shapes stay (DESIGN section 11). Times are RFC 3339 in UTC, sizes bytes, durations seconds.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use crate::{Health, MachineEvidence, Problem, Report, Unknowns, words::words};

mod plan;
mod row;

pub use plan::{ChangeState, KeptKind, LabelRow, PlanView, PlannedChange};
pub use row::{DiskRow, EventRow, GpuRow, MountRow, TokenRow, TokenState};

/// The version of the documents.
pub const API_VERSION: &str = "coord.homelab/v1";

words! {
    /// Which document is asked for.
    pub enum ViewKind {
        /// [`Status`].
        Status = 1 => "status",
        /// A [`List`] of [`NodeStatus`].
        Nodes = 2 => "nodes",
        /// A [`List`] of [`GpuRow`].
        Gpus = 3 => "gpus",
        /// A [`List`] of [`DiskRow`].
        Disks = 4 => "disks",
        /// A [`List`] of [`MountRow`].
        Mounts = 5 => "mounts",
        /// A [`List`] of [`TokenRow`].
        Tokens = 6 => "tokens",
        /// A [`List`] of [`EventRow`].
        Events = 7 => "events",
        /// A [`NodeDetail`].
        Node = 8 => "node",
        /// A [`Why`].
        Why = 9 => "why",
        /// A [`Check`].
        Check = 10 => "check",
        /// The cluster file in force.
        Cluster = 11 => "cluster",
        /// A [`PlanView`].
        Plan = 12 => "plan",
        /// A [`List`] of [`LabelRow`].
        Labels = 13 => "labels",
    }
}

/// Asks for a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Which one.
    pub view: ViewKind,
    /// A node or a subject; empty for all. For events with [`Self::after`].
    pub name: String,
    /// Events with a larger id only.
    pub after: u64,
}

/// A document as JSON, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// UTF-8 JSON of one of the views.
    pub json: Vec<u8>,
}

/// A list of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `NodeList`, `GpuList` and so on.
    pub kind: String,
    /// Whether this is an old answer because the coordinator did not give a new one.
    #[serde(default)]
    pub stale: bool,
    /// The rows.
    pub items: Vec<T>,
}

impl<T> List<T> {
    /// A fresh list.
    pub fn new(kind: impl ToString, items: Vec<T>) -> Self {
        Self { api_version: API_VERSION.to_string(), kind: kind.to_string(), stale: false, items }
    }
}

/// The coordinator about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CoordinatorStatus {
    /// Its version.
    pub version: String,
    /// Seconds since it started.
    pub uptime_seconds: f64,
    /// Which one; made with its data folder.
    pub instance: String,
}

/// Something that is being done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// `node/NAME` and so on.
    pub subject: String,
    /// What, in one sentence.
    pub message: String,
    /// How long it has been going on.
    pub elapsed_seconds: f64,
    /// How long it may take.
    pub deadline_seconds: f64,
}

/// Something that is not done, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// `node/NAME` and so on.
    pub subject: String,
    /// A stable word for what is waited for.
    pub reason: String,
    /// The same in one sentence.
    pub message: String,
    /// What to type, if somebody is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When it is over by itself; absent where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// One GPU in a line of status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuSummary {
    /// Kernel driver, or `?`.
    pub driver: String,
    /// Whether it can be used; absent when nobody could tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usable: Option<bool>,
}

/// How many mounts answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountSummary {
    /// In state ok, slow or idle-automount.
    pub answering: u32,
    /// All.
    pub total: u32,
}

/// Where a virtual machine or container stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GuestOf {
    /// The name of the host's node.
    pub node: String,
    /// What the host calls the guest: a number, or a UUID.
    pub identifier: String,
}

/// One node in a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Hash of its public key.
    pub id: String,
    /// Its zone; absent while there is no cluster file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// For people: `proxmox vm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The hypervisor host that it stands on, where an agent there reports it as its guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_of: Option<GuestOf>,
    /// `server`, `agent` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How it is doing.
    pub health: Health,
    /// For how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_seconds: Option<f64>,
    /// Since its last sign of life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_seconds: Option<f64>,
    /// Version of its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// GPUs; absent when not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<Vec<GpuSummary>>,
    /// Network mounts; absent when not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounts: Option<MountSummary>,
    /// What is wrong with it, worst first.
    pub problems: Vec<Problem>,
    /// Why values that are absent above are not known.
    #[serde(default, skip_serializing_if = "Unknowns::is_empty")]
    pub unknown: Unknowns,
}

/// Is anything wrong, what is being done, what is it waiting for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `Status`.
    pub kind: String,
    /// Name of the fleet: `home` until a cluster file names it.
    pub fleet: String,
    /// False only if a problem of severity error exists that is not accepted.
    pub healthy: bool,
    /// Whether this is an old answer because the coordinator did not give a new one.
    #[serde(default)]
    pub stale: bool,
    /// The coordinator about itself.
    pub coordinator: CoordinatorStatus,
    /// Ordered by zone and name.
    pub nodes: Vec<NodeStatus>,
    /// Problems of the fleet as a whole.
    pub problems: Vec<Problem>,
    /// What is being done.
    pub actions: Vec<Action>,
    /// What is not done, and why.
    pub waits: Vec<Wait>,
}

impl Status {
    /// Problems of the fleet and of every node that are at least warnings, worst first, with subjects filled in.
    #[must_use]
    pub fn all_problems(&self) -> Vec<Problem> {
        let own = self.nodes.iter().flat_map(|node| node.problems.iter());
        let mut all: Vec<Problem> = self.problems.iter().chain(own).cloned().collect();
        all.sort_by(|a, b| (a.severity, &a.subject, a.code).cmp(&(b.severity, &b.subject, b.code)));
        all
    }
}

/// Who a node is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IdentityView {
    /// Hash of its public key.
    pub id: String,
    /// When it got in.
    pub enrolled: String,
    /// When its certificate ends.
    pub certificate_expires: String,
    /// Seconds until then by the coordinator's clock.
    pub certificate_seconds_left: f64,
    /// Where its session comes from; empty without one.
    pub address: String,
    /// What the machine shows of itself.
    pub evidence: MachineEvidence,
}

/// Everything about one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeDetail {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `Node`.
    pub kind: String,
    /// Whether this is an old answer.
    #[serde(default)]
    pub stale: bool,
    /// The line of status.
    pub node: NodeStatus,
    /// Who it is.
    pub identity: IdentityView,
    /// All facts.
    pub report: Report,
    /// Labels and taints that Coord keeps on it, in the order of their keys.
    #[serde(default)]
    pub labels: Vec<LabelRow>,
    /// The newest events about it, newest first.
    pub events: Vec<EventRow>,
}

/// Every problem and wait about one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `Why`.
    pub kind: String,
    /// Whether this is an old answer.
    #[serde(default)]
    pub stale: bool,
    /// What was asked about.
    pub subject: String,
    /// The state in one sentence.
    pub summary: String,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is waited for.
    pub waits: Vec<Wait>,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRow {
    /// What was checked and found.
    pub message: String,
    /// What is wrong with it; absent when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// Checks about one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckGroup {
    /// `coordinator`, a node's name.
    pub name: String,
    /// In the order they were made.
    pub checks: Vec<CheckRow>,
}

/// Grouped checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `Check`.
    pub kind: String,
    /// Whether this is an old answer.
    #[serde(default)]
    pub stale: bool,
    /// The groups.
    pub groups: Vec<CheckGroup>,
}
