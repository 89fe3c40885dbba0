//! What one turn decides: what is done now, what is not done and why.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::fmt;

use coord_model::{Boot, Problem, Wait};

use crate::{LabelAt, Taint, TaintKey};

/// Why a label or a taint is wanted, or not wanted any more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The declared zone or region.
    Topology,
    /// The node's own declaration.
    Declared,
    /// A default of all nodes.
    Default,
    /// A rule that is true; as it is written.
    Rule(Arc<str>),
    /// A rule that is not true any more; as it is written.
    RuleFalse(Arc<str>),
    /// It is declared no more.
    Dropped,
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topology => formatter.write_str("declared topology"),
            Self::Declared => formatter.write_str("declared"),
            Self::Default => formatter.write_str("declared for all nodes"),
            Self::Rule(text) => write!(formatter, "fact {text}"),
            Self::RuleFalse(text) => write!(formatter, "fact {text} is false"),
            Self::Dropped => formatter.write_str("no longer declared"),
        }
    }
}

/// The unit that is approved. Its content has no times: the same change again is the same change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A label gets a value.
    SetLabel {
        /// The Node.
        node: String,
        /// The label.
        key: String,
        /// Its value from now on.
        value: String,
        /// Its value so far.
        before: Option<String>,
        /// Who relies on the value so far; others are another change, which needs its own approval.
        users: Vec<String>,
        /// Why.
        cause: Cause,
    },
    /// A label of ours goes.
    RemoveLabel {
        /// The Node.
        node: String,
        /// The label.
        key: String,
        /// Its value so far.
        value: String,
        /// Who relies on it; others are another change, which needs its own approval.
        users: Vec<String>,
        /// Why.
        cause: Cause,
    },
    /// A taint is set, or gets another value.
    SetTaint {
        /// The Node.
        node: String,
        /// The taint from now on.
        taint: Taint,
        /// Its value so far.
        before: Option<String>,
    },
    /// A taint of ours goes.
    RemoveTaint {
        /// The Node.
        node: String,
        /// The taint.
        taint: Taint,
    },
}

impl Change {
    /// The Node that it is about.
    #[must_use]
    pub fn node(&self) -> &str {
        match self {
            Self::SetLabel { node, .. }
            | Self::RemoveLabel { node, .. }
            | Self::SetTaint { node, .. }
            | Self::RemoveTaint { node, .. } => node,
        }
    }

    /// `label/NODE/KEY` or `taint/NODE/KEY`.
    #[must_use]
    pub fn subject(&self) -> String {
        self.subject_on(self.node())
    }

    /// The same with another name of the machine.
    #[must_use]
    pub fn subject_on(&self, name: &str) -> String {
        match self {
            Self::SetLabel { key, .. } | Self::RemoveLabel { key, .. } => label_subject(name, key),
            Self::SetTaint { taint, .. } | Self::RemoveTaint { taint, .. } => taint_subject(name, &taint.key),
        }
    }

    /// What an approval is valid for: everything but times and reasons.
    #[must_use]
    pub fn content(&self) -> String {
        let quoted =
            |before: &Option<String>| before.as_ref().map_or_else(|| "-".to_string(), |old| format!("{old:?}"));
        match self {
            Self::SetLabel { node, key, value, before, users, cause: _ } => {
                format!("set label {node} {key} {} {value:?}{}", quoted(before), relied_on(users))
            }
            Self::RemoveLabel { node, key, value, users, cause: _ } => {
                format!("remove label {node} {key} {value:?}{}", relied_on(users))
            }
            Self::SetTaint { node, taint, before } => format!("set taint {node} {taint} {}", quoted(before)),
            Self::RemoveTaint { node, taint } => format!("remove taint {node} {taint}"),
        }
    }

    /// `+`, `~` or `-`.
    #[must_use]
    pub fn symbol(&self) -> char {
        match self {
            Self::SetLabel { before: None, .. } | Self::SetTaint { before: None, .. } => '+',
            Self::SetLabel { before: Some(_), .. } | Self::SetTaint { before: Some(_), .. } => '~',
            Self::RemoveLabel { .. } | Self::RemoveTaint { .. } => '-',
        }
    }

    /// Whether it takes something away that workloads may rely on.
    #[must_use]
    pub fn takes(&self) -> bool {
        match self {
            Self::RemoveLabel { .. } | Self::RemoveTaint { .. } | Self::SetLabel { before: Some(_), .. } => true,
            Self::SetLabel { before: None, .. } | Self::SetTaint { .. } => false,
        }
    }
}

fn relied_on(users: &[String]) -> String {
    if users.is_empty() { String::new() } else { format!(" used by {}", users.join(", ")) }
}

/// In words that plan, log, events and page share.
impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetLabel { key, value, before: None, cause, .. } => {
                write!(formatter, "label {key}={value} ({cause})")
            }
            Self::SetLabel { key, value, before: Some(before), cause, .. } => {
                write!(formatter, "label {key}: {before:?} -> {value:?} ({cause})")
            }
            Self::RemoveLabel { key, value, cause, .. } => write!(formatter, "label {key}={value} goes ({cause})"),
            Self::SetTaint { taint, before: None, .. } => write!(formatter, "taint {taint}"),
            Self::SetTaint { taint, before: Some(before), .. } => {
                write!(formatter, "taint {taint}, its value was {before:?}")
            }
            Self::RemoveTaint { taint, .. } => write!(formatter, "taint {taint} goes (no longer declared)"),
        }
    }
}

/// `label/NODE/KEY`.
#[must_use]
pub fn label_subject(node: &str, key: &str) -> String {
    format!("label/{node}/{key}")
}

/// `taint/NODE/KEY`.
#[must_use]
pub fn taint_subject(node: &str, key: &str) -> String {
    format!("taint/{node}/{key}")
}

/// One write to one Node. It leaves nothing open: the executor writes exactly this, or reports why it could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Server-side apply as [`crate::LABEL_MANAGER`] with force, under UID and resource version: nothing can have
    /// changed since the decision.
    ApplyLabels {
        /// The Node.
        node: String,
        /// Its UID.
        uid: String,
        /// The version that was decided on.
        resource_version: String,
        /// Every label that Coord owns on it from now on.
        set: BTreeMap<String, String>,
        /// What that changes.
        changes: Vec<Change>,
    },
    /// Read, change and write `spec.taints` and the annotation [`crate::OWNED_TAINTS`] in one update under the
    /// resource version.
    WriteTaints {
        /// The Node.
        node: String,
        /// Its UID.
        uid: String,
        /// The version that was decided on.
        resource_version: String,
        /// Taints to set; one of the same key and effect is replaced.
        set: Vec<Taint>,
        /// Taints to take away.
        remove: Vec<TaintKey>,
        /// Every taint that Coord owns on it from now on.
        owned: Vec<TaintKey>,
        /// What that changes.
        changes: Vec<Change>,
    },
}

impl Action {
    /// The Node that is written.
    #[must_use]
    pub fn node(&self) -> &str {
        match self {
            Self::ApplyLabels { node, .. } | Self::WriteTaints { node, .. } => node,
        }
    }

    /// What it changes.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::ApplyLabels { changes, .. } | Self::WriteTaints { changes, .. } => changes,
        }
    }
}

/// Why a change that is wanted is not made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// It needs `coordctl apply`.
    NeedsApproval,
    /// The policy says off.
    Off,
    /// Somebody paused it.
    Paused,
    /// This coordinator may not write now: no lease.
    NoLease,
}

/// A change that is wanted and not made now. Its wait stands in [`Plan::waits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What would be changed.
    pub change: Change,
    /// Why it is not.
    pub held: Held,
}

/// A wait, and until when where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedWait {
    /// What is not done and why.
    pub wait: Wait,
    /// When the next turn should look again.
    pub until: Option<Boot>,
}

impl TimedWait {
    /// Without a time at which it should be looked at again.
    #[must_use]
    pub fn new(subject: impl ToString, reason: &str, message: impl ToString) -> Self {
        let (subject, reason, message) = (subject.to_string(), reason.to_string(), message.to_string());
        Self { wait: Wait { subject, reason, message, hint: None, until: None }, until: None }
    }

    /// The same with something to type.
    #[must_use]
    pub fn hint(mut self, hint: impl ToString) -> Self {
        self.wait.hint = Some(hint.to_string());
        self
    }

    /// The same, to be looked at again then.
    #[must_use]
    pub fn until(mut self, until: Option<Boot>) -> Self {
        self.until = until;
        self
    }
}

/// How a label or taint that Coord keeps stands. A large home has many of them every turn, mostly with the same few
/// keys, values and causes: their texts are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The Node.
    pub node: Arc<str>,
    /// The label's key; of a taint `KEY:EFFECT`.
    pub key: Arc<str>,
    /// Whether it is a taint.
    pub taint: bool,
    /// What it should be; absent when it should not be there.
    pub wanted: Option<Arc<str>>,
    /// What it is.
    pub live: Option<Arc<str>>,
    /// Why it is wanted, or not.
    pub cause: Cause,
    /// How it stands, in words: `in place`, `is set now`, `goes now`, `is set next` and `goes next` where another write
    /// to the Node comes first, or the reason of its wait.
    pub state: &'static str,
}

/// What one turn decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Done now.
    pub actions: Vec<Action>,
    /// Wanted, not done now.
    pub proposals: Vec<Proposal>,
    /// Why things are not done, in order of their subjects.
    pub waits: Vec<TimedWait>,
    /// Labels whose users must be known before they may go: a read-only survey.
    pub questions: Vec<LabelAt>,
    /// What is wrong that only the plan can see: flapping facts, another coordinator.
    pub problems: Vec<Problem>,
    /// Every label and taint that Coord keeps, in order of nodes and keys.
    pub kept: Vec<Kept>,
}
