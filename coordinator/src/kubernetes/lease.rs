//! Who may write, of several coordinators: one Lease, judged by this machine's boot clock only.
//!
//! A Lease of another one is alive until nothing about it changed for its own duration as seen from here; what its
//! times say is never compared with a clock. Ours counts from before a renewal was sent and ends so early that a write
//! which began while it was held has failed before anybody else can take it. It is renewed every ten seconds, not
//! more often: each renewal is a write to every etcd member's disk, and no label is worse for coming half a minute
//! later.
//!
//! A process that finds its own coordinator's name there waits like for any other: an orderly stop gave the Lease back,
//! and after a crash nobody can tell the process that ended from a copy of its data folder that is running.

use std::time::Duration;

use coord_model::Boot;
use coord_planner::WriteLease;

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

impl Record {
    /// How long it is alive without a change.
    fn lasts(&self) -> Duration {
        if self.duration.is_zero() { DURATION } else { self.duration.min(LONGEST) }
    }
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
    /// The Lease was looked at before: what changes from now on, somebody changes who is alive.
    looked: bool,
    /// It changed under the eyes of this process while another run of this very coordinator held it: a copied data folder.
    twin: bool,
}

impl Elector {
    fn new(holder: &str, run: &str) -> Self {
        Self {
            holder: holder.to_owned(),
            run: run.to_owned(),
            record: None,
            since: Boot::default(),
            looked: false,
            twin: false,
        }
    }

    /// Takes in what the Lease says now.
    fn saw(&mut self, record: Option<Record>, now: Boot) {
        let version = |record: &Option<Record>| record.as_ref().map(|record| record.version.clone());
        let changed = version(&record) != version(&self.record);
        if changed {
            self.since = now;
        }
        self.record = record;
        self.twin = self.is_of_another_run() && (self.twin || (self.looked && changed));
        self.looked = true;
    }

    /// Whether another process with our own name is its holder: one that ended, or a copied data folder.
    fn is_of_another_run(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.holder == self.holder && record.run != self.run)
    }

    fn step(&self, now: Boot) -> Step {
        let Some(record) = &self.record else { return Step::Create };
        if record.holder == self.holder && record.run == self.run {
            return Step::Renew;
        }
        let free = record.holder.is_empty() || now.since(self.since) >= record.lasts();
        if free { Step::Take } else { Step::Wait }
    }

    /// Whose the Lease is, where it is not ours. No figure in it moves by itself: each news wakes the planner.
    fn other(&self) -> WriteLease {
        let record = self.record.clone().unwrap_or_default();
        if self.twin {
            let why = "another coordinator with the same identity holds the Lease".to_owned();
            let hint = "stop one of the two: a copied data folder is the same coordinator twice".to_owned();
            return WriteLease::Refused { why, hint: Some(hint) };
        }
        if self.is_of_another_run() {
            let seconds = record.lasts().as_secs();
            let why = "this coordinator's previous run may still hold the Lease";
            return WriteLease::Refused { why: format!("{why}; it runs out in {seconds} s at most"), hint: None };
        }
        WriteLease::Other { holder: record.holder }
    }
}

#[cfg(test)]
mod tests;
