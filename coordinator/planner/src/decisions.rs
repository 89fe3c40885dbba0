//! What people decided: approvals, pauses, accepted risks; and what was taken away lately.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use coord_model::{Boot, Code, Severity, Wall};

/// Why nothing is done about a subject for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Who said so.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// When.
    pub at: Wall,
}

/// A known risk: still listed, not unhealthy any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Which kind of problem.
    pub code: Code,
    /// About what.
    pub subject: String,
    /// How bad it was then: a worse one is not accepted.
    pub severity: Severity,
    /// Until when.
    pub until: Wall,
    /// Why it is taken.
    pub reason: String,
    /// Who took it.
    pub by: String,
}

/// Something that was taken from a Node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// When.
    pub at: Boot,
    /// The Node's name.
    pub node: String,
    /// The label's key, or `taint/KEY`.
    pub what: String,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Contents ([`crate::Change::content`]) of changes that were approved, and until when that holds.
    pub approved: BTreeMap<String, Wall>,
    /// Paused subjects; the empty one is everything.
    pub paused: BTreeMap<String, Pause>,
    /// Accepted risks.
    pub accepted: Vec<Accepted>,
    /// Clusters in which somebody has approved a plan once.
    pub adopted: BTreeSet<String>,
    /// What was taken away in the last ten minutes, without what was approved.
    pub taken: Vec<Taken>,
}
