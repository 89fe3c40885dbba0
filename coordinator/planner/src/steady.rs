//! How long a rule's answer has been steady, and what may be acted on: the only memory that the planner's input has.
//!
//! [`fold`] is pure: the memory before, what every rule says now, and the time go in; the memory after comes out.
//! A label may come quickly and goes slowly: true settles after [`GAINED_AFTER`], false after [`LOST_AFTER`] and not
//! while its machine has just started. A rule that keeps changing its mind is frozen.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::time::Duration;

use coord_model::Boot;

use crate::Truth;

/// So long a rule must have been true before its labels are set.
pub const GAINED_AFTER: Duration = Duration::from_secs(10);
/// So long it must have been false before they may go.
pub const LOST_AFTER: Duration = Duration::from_secs(60);
/// So long after a start of the machine, its k3s or its agent nothing is lost: drivers and disks come late.
pub const CALM_AFTER: Duration = Duration::from_secs(5 * 60);
/// [`CHANGES`] of the answer within this time freeze it, until it has not changed for as long.
pub const QUIET: Duration = Duration::from_secs(30 * 60);
/// So many changes are too many.
pub const CHANGES: usize = 3;

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
    /// When [`Self::known`] changed, the last [`CHANGES`] times, oldest first. These are stored across restarts. A
    /// change while frozen stands here alone, [`CHANGES`] times: it keeps the freeze for another quiet time.
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
pub fn fold(before: &Memories, said: &BTreeMap<FactAt, Said>, now: Boot) -> Memories {
    let heard = said.iter().map(|(at, said)| (at.clone(), next(before.get(at), said, now)));
    let forgotten = before.iter().filter(|(at, memory)| !said.contains_key(*at) && counts(memory, now));
    let mut after: Memories = forgotten.map(|(at, memory)| (at.clone(), faded(memory, now))).collect();
    after.extend(heard);
    after
}

/// What may be acted on of one memory.
#[must_use]
pub fn judged(memory: &Memory, said: &Said, now: Boot) -> Judged {
    let frozen = frozen(memory).filter(|until| *until > now);
    let settles = settling(memory, said).filter(|_| memory.settled != answer(&memory.truth));
    let settles = settles.map(|at| frozen.map_or(at, |until| until.max(at)));
    Judged { truth: memory.truth.clone(), since: memory.since, settled: memory.settled, settles, frozen }
}

fn next(before: Option<&Memory>, said: &Said, now: Boot) -> Memory {
    let mut memory = before.cloned().unwrap_or_else(|| fresh(said, now));
    if !same_answer(&memory.truth, &said.truth) {
        memory.since = now;
    }
    memory.truth = said.truth.clone();
    if let Some(known) = answer(&said.truth) {
        if memory.known == Some(!known) {
            changed(&mut memory, now);
        }
        memory.known = Some(known);
        let thawed = frozen(&memory).is_none_or(|until| until <= now);
        if thawed && settling(&memory, said).is_some_and(|at| at <= now) {
            memory.settled = Some(known);
        }
    }
    memory
}

fn fresh(said: &Said, now: Boot) -> Memory {
    let truth = said.truth.clone();
    Memory { truth, since: now, known: None, settled: None, changes: Vec::new(), resumed: None }
}

fn changed(memory: &mut Memory, now: Boot) {
    if frozen(memory).is_some_and(|until| until > now) {
        memory.changes = vec![now; CHANGES];
        return;
    }
    memory.changes.push(now);
    let old = memory.changes.len().saturating_sub(CHANGES);
    memory.changes.drain(..old);
}

/// What is left of a rule that nobody asked: its changes, and that it is not known.
fn faded(memory: &Memory, now: Boot) -> Memory {
    let truth = Truth::Unknown("it was not asked".to_string());
    let since = if answer(&memory.truth).is_none() { memory.since } else { now };
    Memory { truth, since, known: None, settled: None, ..memory.clone() }
}

/// Whether a change may still be one of too many.
fn counts(memory: &Memory, now: Boot) -> bool {
    memory.changes.last().is_some_and(|last| now.since(*last) < QUIET)
}

/// Until when too many changes freeze it; may lie in the past.
fn frozen(memory: &Memory) -> Option<Boot> {
    let first = memory.changes.len().checked_sub(CHANGES)?;
    let (first, last) = (*memory.changes.get(first)?, *memory.changes.last()?);
    let counted = memory.resumed.is_none_or(|resumed| first > resumed);
    (counted && last.since(first) <= QUIET).then(|| last.plus(QUIET))
}

/// When the present answer has been steady long enough, were nothing frozen.
fn settling(memory: &Memory, said: &Said) -> Option<Boot> {
    match memory.truth {
        Truth::True => Some(memory.since.plus(GAINED_AFTER)),
        Truth::False => {
            let calm = said.calm_since.unwrap_or(memory.since).plus(CALM_AFTER);
            Some(memory.since.plus(LOST_AFTER).max(calm))
        }
        Truth::Unknown(_) => None,
    }
}

const fn answer(truth: &Truth) -> Option<bool> {
    match truth {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Unknown(_) => None,
    }
}

/// Why something is not known may change without it being another answer.
fn same_answer(one: &Truth, other: &Truth) -> bool {
    answer(one) == answer(other)
}

#[cfg(test)]
mod tests;
