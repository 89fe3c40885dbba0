//! What an operator decides: the requests that store a decision of a person.

use alloc::{string::String, vec::Vec};

use crate::Wall;

/// Approves the changes of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyPlan {
    /// The plan that was looked at.
    pub plan: String,
    /// Ids of its changes; all that wait for approval when empty.
    pub changes: Vec<String>,
}

/// Nothing is done about a subject until it is resumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PauseSubject {
    /// Which one; empty for everything.
    pub subject: String,
    /// Why; may be empty.
    pub reason: String,
}

/// Ends a pause, or the freeze of a fact that changed too often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeSubject {
    /// Which one; empty for the pause of everything.
    pub subject: String,
}

/// Takes a known risk: it stays listed and is not unhealthy any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AcceptProblem {
    /// The code of the problem, as a word.
    pub code: String,
    /// What it is about.
    pub subject: String,
    /// Until when.
    pub until: Wall,
    /// Why.
    pub reason: String,
}

/// Takes an accepted risk back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WithdrawProblem {
    /// The code of the problem, as a word.
    pub code: String,
    /// What it is about.
    pub subject: String,
}

/// Takes the ownership of labels that somebody else set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdoptLabels {
    /// The node.
    pub node: String,
    /// The label's key; empty with [`Self::all`].
    pub key: String,
    /// Every label of the node that Coord wants and somebody else owns.
    pub all: bool,
}

/// Takes the ownership of a taint that was there before Coord.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdoptOneTaint {
    /// The node.
    pub node: String,
    /// The taint's key.
    pub key: String,
}

/// Puts a cluster file in the place of the one in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyClusterFile {
    /// Its whole text.
    pub text: String,
}
