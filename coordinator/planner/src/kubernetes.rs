//! The Kubernetes cluster as the coordinator's watches show it, reduced to what is used.

use alloc::{collections::BTreeMap, string::String, sync::Arc, vec::Vec};

use coord_model::Boot;

use crate::{Taint, TaintEffect};

/// The field manager of labels. It stays (DESIGN section 11).
pub const LABEL_MANAGER: &str = "coord-labels";

/// The annotation of a Node that lists the taints that Coord set: `KEY:EFFECT`, separated by commas.
pub const OWNED_TAINTS: &str = "coord.homelab/owned-taints";

/// While a Node has this taint its cloud provider has not seen it yet, and its labels are not settled.
/// Source: Kubernetes, "Cloud Controller Manager Administration".
pub const UNINITIALISED: &str = "node.cloudprovider.kubernetes.io/uninitialized";

/// Whether the cluster can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nobody said where one is.
    #[default]
    NotConfigured,
    /// It does not answer, or refuses; why, and what to do where that is known.
    Away {
        /// One sentence.
        why: String,
        /// What to type or change.
        hint: Option<String>,
    },
    /// It answers, and its Nodes are being read for the first time.
    Reading,
    /// Every Node is known.
    There,
}

/// Who may write to the cluster. Of several coordinators only the holder of the Lease does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WriteLease {
    /// This one, until at least then.
    Held {
        /// On the boot clock, counted from before the renewal was sent.
        until: Boot,
    },
    /// Another one.
    Other {
        /// As it calls itself.
        holder: String,
    },
    /// It is being asked for, or cannot be had, and why.
    #[default]
    Asking,
    /// It cannot be had.
    Refused {
        /// Why, for instance which right is missing.
        why: String,
        /// What to type.
        hint: Option<String>,
    },
}

/// How a field manager wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteOperation {
    /// Server-side apply.
    Apply,
    /// Any other write.
    Update,
}

/// Who manages a label, as `metadata.managedFields` says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldOwner {
    /// Its name, for instance `kubectl-label`.
    pub name: String,
    /// How it wrote.
    pub operation: WriteOperation,
}

/// Which taint: a Node has at most one for each key and effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaintKey {
    /// Its key.
    pub key: String,
    /// Its effect.
    pub effect: TaintEffect,
}

/// One Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeNode {
    /// Its name.
    pub name: String,
    /// Its UID: another one means that it was deleted and made again.
    pub uid: String,
    /// Of the version that was read.
    pub resource_version: String,
    /// `status.nodeInfo.machineID`.
    pub machine_id: String,
    /// `status.nodeInfo.systemUUID`.
    pub system_uuid: String,
    /// Internal and external addresses.
    pub addresses: Vec<String>,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// Who manages each label; absent where nobody is named.
    pub managers: BTreeMap<String, Vec<FieldOwner>>,
    /// Whether `metadata.managedFields` was there; without it nobody knows whose a label is.
    pub managers_known: bool,
    /// All taints.
    pub taints: Vec<Taint>,
    /// Those that Coord set, as [`OWNED_TAINTS`] says.
    pub owned_taints: Vec<TaintKey>,
    /// Whether it was cordoned.
    pub unschedulable: bool,
    /// Its condition Ready; absent when it is Unknown.
    pub ready: Option<bool>,
}

/// One label of one Node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelAt {
    /// The Node's name.
    pub node: String,
    /// The label's key.
    pub key: String,
}

/// What uses a label, and so is hurt when it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UserKind {
    /// Its pods on the node stop at once.
    DaemonSet,
    /// It stays until the kubelet starts again, and is rejected then.
    Pod,
    /// It cannot be attached elsewhere, or here any more.
    Volume,
}

/// Somebody who uses a label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelUser {
    /// What it is.
    pub kind: UserKind,
    /// `NAMESPACE/NAME`, or the name of a volume.
    pub name: String,
    /// Whether it is one of Coord's own workers.
    pub own: bool,
}

/// Who used a label when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// When.
    pub at: Boot,
    /// In order.
    pub users: Vec<LabelUser>,
}

/// A write that the cluster refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteRefusal {
    /// When.
    pub at: Boot,
    /// One sentence.
    pub why: String,
    /// What to type, for instance the rule that RBAC lacks.
    pub hint: Option<String>,
}

/// Who holds the virtual address of the control plane, as kube-vip's Lease says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VirtualAddressHolder {
    /// The Node's name.
    pub holder: String,
    /// How often it has moved.
    pub transitions: u32,
}

/// The whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubernetesObserved {
    /// Whether it can be seen.
    pub reach: Reach,
    /// Which cluster it is: the UID of the namespace `kube-system`.
    pub cluster: Option<String>,
    /// Whether this coordinator may write.
    pub lease: WriteLease,
    /// Nodes by name.
    pub nodes: BTreeMap<String, Arc<KubeNode>>,
    /// Who uses labels whose removal was considered.
    pub surveys: BTreeMap<LabelAt, Survey>,
    /// The last write to a Node, by the Node's name, where the cluster refused it.
    pub refusals: BTreeMap<String, WriteRefusal>,
    /// Why nobody can say who uses a label, where the cluster refuses the look.
    pub survey_refusal: Option<WriteRefusal>,
    /// Who holds the control plane's virtual address, where kube-vip gives it one.
    pub vip: Option<VirtualAddressHolder>,
}
