//! What the last turn decided, and the labels and taints that Coord keeps.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::Wait;
use crate::words::words;

words! {
    /// What becomes of a change.
    pub enum ChangeState {
        /// It is made now.
        Now = 1 => "now",
        /// It waits for `coordctl apply`.
        NeedsApproval = 2 => "needs-approval",
        /// The policy says off.
        Off = 3 => "off",
        /// Somebody paused it.
        Paused = 4 => "paused",
        /// This coordinator may not write now.
        NoLease = 5 => "no-lease",
    }
}

/// One change of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChange {
    /// Names it: a short hash of what it changes.
    pub id: String,
    /// `+`, `~` or `-`.
    pub symbol: String,
    /// `label/NODE/KEY` or `taint/NODE/KEY`.
    pub subject: String,
    /// The node that it is about.
    pub node: String,
    /// What is changed and why, in one sentence.
    pub message: String,
    /// What becomes of it.
    pub state: ChangeState,
}

/// What the last turn decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// [`super::API_VERSION`].
    pub api_version: String,
    /// `Plan`.
    pub kind: String,
    /// Whether this is an old answer.
    #[serde(default)]
    pub stale: bool,
    /// Names the plan: a short hash over its changes, or `empty`.
    pub id: String,
    /// Seconds since it was made.
    pub age_seconds: f64,
    /// What is wanted, in the order of nodes and subjects.
    pub changes: Vec<PlannedChange>,
    /// What is not done, and why.
    pub waits: Vec<Wait>,
}

words! {
    /// What Coord keeps on a Node.
    pub enum KeptKind {
        /// A label.
        Label = 1 => "label",
        /// A taint.
        Taint = 2 => "taint",
    }
}

/// A label or taint that Coord keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelRow {
    /// The node.
    pub node: String,
    /// The label's key; of a taint `KEY:EFFECT`.
    pub key: String,
    /// Which of both.
    pub kind: KeptKind,
    /// What it should be; absent when it should not be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// What it is; absent when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// Why it is wanted, or not.
    pub cause: String,
    /// How it stands, in words.
    pub state: String,
}
