//! Who may write, of several coordinators: one Lease, judged by this machine's boot clock only.
//!
//! A Lease of another one is alive until nothing about it changed for its own duration as seen from here; what its
//! times say is never compared with a clock. Ours counts from before a renewal was sent and ends so early that a write
//! which began while it was held has failed before anybody else can take it. It is renewed every ten seconds, not
//! more often: each renewal is a write to every etcd member's disk, and no label is worse for coming half a minute
//! later.

use std::time::Duration;

use coord_model::Boot;

mod hold;

pub(super) use hold::Holder;

/// The Lease's name.
pub(super) const NAME: &str = "coordinator";
/// What others wait for.
pub(super) const DURATION: Duration = Duration::from_secs(30);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(10);
/// How long it counts as held after a renewal was sent.
pub(super) const HELD: Duration = Duration::from_secs(20);
/// How soon a failed renewal is tried again, and how often another one's is looked at.
const LOOK: Duration = Duration::from_secs(4);
/// A Lease whose duration is absurd does not lock everybody out for ever.
const LONGEST: Duration = Duration::from_secs(600);

/// What a Lease says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Record {
    /// Whose it is; empty after a release.
    holder: String,
    /// Which process of that holder.
    run: String,
    /// How long it lives without a change; zero where it does not say.
    duration: Duration,
    /// Its resource version.
    version: String,
}

/// What is done next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// There is none: make it.
    Create,
    /// Nobody holds it, or its holder has not been seen to renew it for too long.
    Take,
    /// It is ours.
    Renew,
    /// It belongs to a live one.
    Wait,
}

/// The memory of one process.
#[derive(Debug)]
struct Elector {
    holder: String,
    run: String,
    /// The Lease as last seen; none when there is none.
    record: Option<Record>,
    /// When that version of it was seen first.
    since: Boot,
    /// Nothing was decided yet: a Lease of an earlier process with our name is ours.
    first: bool,
}

impl Elector {
    fn new(holder: &str, run: &str) -> Self {
        Self { holder: holder.to_owned(), run: run.to_owned(), record: None, since: Boot::default(), first: true }
    }

    /// Takes in what the Lease says now.
    fn saw(&mut self, record: Option<Record>, now: Boot) {
        let version = |record: &Option<Record>| record.as_ref().map(|record| record.version.clone());
        if version(&record) != version(&self.record) {
            self.since = now;
        }
        self.record = record;
    }

    fn step(&mut self, now: Boot) -> Step {
        let first = std::mem::take(&mut self.first);
        let Some(record) = &self.record else { return Step::Create };
        let named_like_us = record.holder == self.holder;
        if named_like_us && record.run == self.run {
            return Step::Renew;
        }
        let duration = if record.duration.is_zero() { DURATION } else { record.duration.min(LONGEST) };
        let free = record.holder.is_empty() || (named_like_us && first) || now.since(self.since) >= duration;
        if free { Step::Take } else { Step::Wait }
    }

    /// Whether another process with our own name holds it: a copied data folder.
    fn twin(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.holder == self.holder && record.run != self.run)
    }
}

#[cfg(test)]
mod tests;
