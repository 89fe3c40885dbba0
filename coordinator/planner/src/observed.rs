//! What the coordinator knows at one moment, as plain data.

use alloc::{collections::BTreeMap, string::String, sync::Arc, vec::Vec};
use core::time::Duration;

use coord_model::{Boot, MachineEvidence, Moment, Problem, section::PlatformKind};

use crate::{Decisions, Desired, Judged, KubernetesObserved};

/// Whether a node belongs to the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    #[default]
    Member,
    /// It waits for `coordctl node approve`.
    Pending {
        /// Why, as the end of the sentence "NODE …".
        reason: String,
    },
    /// Its key was revoked.
    Revoked,
}

/// How the cluster file stands, or the cluster resource where that is the one that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClusterFile {
    /// There is none.
    #[default]
    None,
    /// What it says is in force.
    InForce,
    /// The same, and the other place where a home can be declared says something else.
    Disputed,
    /// Its newest version was refused, and why.
    Invalid(String),
    /// It was there and is gone.
    Gone,
}

/// How patient the fleet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// So many missed heartbeats make a node silent.
    pub silent_after: u32,
    /// So long without a sign makes it lost; also the term after the coordinator's start in which nobody is judged.
    pub lost_after: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { silent_after: 3, lost_after: Duration::from_secs(300) }
    }
}

/// A network file system that a node has mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkMount {
    /// Where, the shortest of several paths.
    pub path: String,
    /// Its server: the name that the mount gives, and the address that the kernel uses.
    pub servers: Vec<String>,
    /// The folder of the server.
    pub export: String,
}

/// What a node takes from others over the network, and gives to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Its own addresses, without prefix lengths.
    pub addresses: Vec<String>,
    /// What it has mounted.
    pub mounts: Vec<NetworkMount>,
    /// Folders that it exports over NFS.
    pub exports: Vec<String>,
    /// Unraid: whether the mover moves files between disks now.
    pub mover_running: bool,
    /// Unraid: array disks that are spun down.
    pub sleeping_disks: Vec<String>,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeObserved {
    /// Its name.
    pub name: String,
    /// Hash of its public key.
    pub id: String,
    /// Whether it belongs to the fleet.
    pub standing: Standing,
    /// Its last sign of life since the coordinator started.
    pub last_heard: Option<Boot>,
    /// How often it is told to give one.
    pub heartbeat: Duration,
    /// What the machine shows of itself.
    pub evidence: MachineEvidence,
    /// What its report shows (`coord_model::diagnose`) and what the coordinator refused of it. Subjects are relative.
    pub problems: Vec<Problem>,
    /// The two addresses from which its identity is used at once.
    pub cloned: Option<[String; 2]>,
    /// The generation that its Hello claims, if no coordinator can have given it.
    pub implausible_generation: Option<u64>,
    /// Whether being away is normal for it.
    pub sometimes: bool,
    /// What its report says that it is.
    pub kind: Option<PlatformKind>,
    /// The newest protocol that its agent speaks; none before its first Hello.
    pub protocol: Option<u32>,
    /// The version of its agent; empty before its first Hello.
    pub agent_version: String,
    /// What it mounts and exports; its own addresses.
    pub sharing: Sharing,
    /// Its DMI UUID.
    pub uuid: Option<String>,
    /// The rules of the cluster file on this node, by their text.
    pub rules: BTreeMap<String, Judged>,
}

/// The coordinator about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoordinatorObserved {
    /// When it started.
    pub started: Boot,
    /// Why its clock cannot be believed, if so.
    pub clock_distrust: Option<String>,
    /// Whether it can write its store.
    pub store_writable: bool,
    /// How many events it could not write.
    pub events_lost: u64,
}

/// Everything that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// When it was observed; ages use the boot half only.
    pub now: Moment,
    /// How patient the fleet is.
    pub pace: Pace,
    /// The coordinator about itself.
    pub coordinator: CoordinatorObserved,
    /// How the cluster file stands, or the cluster resource where that is the one that counts.
    pub cluster_file: ClusterFile,
    /// What is declared, if anything is.
    pub desired: Option<Arc<Desired>>,
    /// The Kubernetes cluster.
    pub kubernetes: KubernetesObserved,
    /// What people decided.
    pub decisions: Decisions,
    /// The nodes, in any order.
    pub nodes: Vec<NodeObserved>,
}
