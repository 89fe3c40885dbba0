//! What the coordinator knows about its nodes right now. Soft: a restart forgets it, and the agents tell it again.
//!
//! One lock around plain data. Nobody waits for anything while holding it: a message for a session either fits into
//! its queue or ends the session.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use coord_model::{AnySection, Boot, CoordinatorMessage, EndReason, Hello, Outcome, Refusal, SectionKind};
use tokio::sync::{oneshot, watch};

use crate::store::nodes::Node as Row;

mod known;
mod session;
mod sharing;

pub(crate) use known::{Known, Reported};
pub(crate) use session::{Ending, SessionHandle, WAITING_COMMANDS};

/// A command whose outcome somebody waits for.
#[derive(Debug)]
pub(crate) struct Flight {
    /// For people: `refresh of gpu`.
    pub(crate) message: String,
    /// When it was given.
    pub(crate) given: Boot,
    /// How long it may take.
    pub(crate) deadline: std::time::Duration,
    answer: Option<oneshot::Sender<Outcome>>,
}

/// How long after its deadline a command is forgotten.
const LATE: std::time::Duration = std::time::Duration::from_secs(5);

/// Why a message did not reach a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSent {
    /// No such node.
    #[error("there is no such node")]
    Unknown,
    /// It has no session.
    #[error("it is not connected")]
    NotConnected,
    /// It waits for approval, is a clone, or its generation makes no sense.
    #[error("it gets no commands until its identity is settled")]
    NotTrusted,
    /// More than 64 commands waited; its session was ended.
    #[error("64 commands already wait for it; its session was ended")]
    TooSlow,
}

/// All nodes and revoked keys.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    /// By id.
    pub(crate) nodes: BTreeMap<String, Known>,
    /// Keys of operators that the store knows.
    pub(crate) operators: BTreeSet<String>,
    /// Keys of nodes and operators that may do nothing any more.
    pub(crate) revoked: BTreeSet<String>,
    sessions: u64,
}

/// The fleet behind its lock, and a signal that it changed.
#[derive(Debug)]
pub(crate) struct Registry {
    fleet: Mutex<Fleet>,
    changed: watch::Sender<()>,
    screens: watch::Sender<()>,
}

impl Registry {
    /// With the rows of the store.
    pub(crate) fn new(rows: Vec<Row>, operators: BTreeSet<String>, revoked: BTreeSet<String>, now: Boot) -> Self {
        let nodes = rows.into_iter().map(|row| (row.id.clone(), Known::new(row, now))).collect();
        Self {
            fleet: Mutex::new(Fleet { nodes, operators, revoked, sessions: 0 }),
            changed: watch::Sender::new(()),
            screens: watch::Sender::new(()),
        }
    }

    /// The fleet. Never held over an await.
    pub(crate) fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves on the receiver whenever a screen may show something else.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.screens.subscribe()
    }

    /// Resolves on the receiver whenever there may be something else to do.
    pub(crate) fn wakes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// How many watch screens.
    pub(crate) fn watchers(&self) -> usize {
        self.screens.receiver_count()
    }

    /// Something changed: wakes the reconciling and everybody who watches.
    pub(crate) fn touch(&self) {
        self.changed.send_replace(());
        self.touch_screens();
    }

    /// Only what is shown changed.
    pub(crate) fn touch_screens(&self) {
        self.screens.send_replace(());
    }

    /// Puts a row of the store in place of what was known of it.
    pub(crate) fn put_row(&self, row: Row, now: Boot) {
        let mut fleet = self.fleet();
        if row.revoked_at.is_some() {
            fleet.revoked.insert(row.id.clone());
        }
        match fleet.nodes.get_mut(&row.id) {
            Some(known) => known.row = row,
            None => drop(fleet.nodes.insert(row.id.clone(), Known::new(row, now))),
        }
        drop(fleet);
        self.touch();
    }

    /// Forgets a node and ends its session.
    pub(crate) fn forget(&self, id: &str) {
        let known = self.fleet().nodes.remove(id);
        if let Some(session) = known.and_then(|known| known.session) {
            session.end(EndReason::Revoked, "this node was forgotten");
        }
        self.touch();
    }

    /// Ends the session of a node, if it has one.
    pub(crate) fn end_session(&self, id: &str, reason: EndReason, message: &str) {
        if let Some(session) = self.fleet().nodes.get(id).and_then(|known| known.session.as_ref()) {
            session.end(reason, message);
        }
    }

    /// Ends every session: the coordinator stops.
    pub(crate) fn end_all(&self) {
        for session in self.fleet().nodes.values().filter_map(|known| known.session.as_ref()) {
            session.end(EndReason::Stopping, "the coordinator stops");
        }
    }

    /// Takes in a new session; an older one of the same key is told to end. Gives it its number, or nothing when the
    /// node was forgotten meanwhile.
    pub(crate) fn begin(&self, id: &str, hello: &Hello, mut session: SessionHandle, now: Boot) -> Option<u64> {
        let mut fleet = self.fleet();
        fleet.sessions += 1;
        let number = fleet.sessions;
        let known = fleet.nodes.get_mut(id)?;
        session.number = number;
        if let Some(old) = known.session.take() {
            known.note_clone(hello.process_number, &old, &session);
            known.past_numbers.push_back(old.process_number);
            old.end(EndReason::Replaced, "a newer session of the same identity took over");
        } else {
            known.note_return(hello.process_number, &session);
        }
        known.hello(hello, now);
        known.session = Some(session);
        drop(fleet);
        self.touch();
        Some(number)
    }

    /// A session is over. Commands that wait for its outcomes go on waiting until their deadlines.
    pub(crate) fn end(&self, id: &str, number: u64) {
        let mut fleet = self.fleet();
        let Some(known) = fleet.nodes.get_mut(id) else { return };
        if let Some(session) = known.session.take_if(|session| session.number == number) {
            known.past_numbers.push_back(session.process_number);
            known.last_address = session.address;
            known.last_process = Some(session.process_number);
        }
        drop(fleet);
        self.touch();
    }

    /// A sign of life.
    pub(crate) fn heard(&self, id: &str, now: Boot) {
        let mut fleet = self.fleet();
        let woke = fleet.nodes.get_mut(id).is_some_and(|known| {
            let late = known.health != coord_model::Health::Ready && known.health != coord_model::Health::Degraded;
            known.last_heard = Some(now);
            late
        });
        drop(fleet);
        if woke {
            self.touch();
        }
    }

    /// Sections that came in, and those that could not be used. What they mean is worked out between two short turns
    /// of the lock; messages of one node come one after the other, so nothing can come in between.
    pub(crate) fn told(&self, id: &str, sections: Vec<AnySection>, refused: Vec<Refusal>, unknown: u32, now: Boot) {
        let new = known::kept(sections, now);
        let all = {
            let mut fleet = self.fleet();
            let Some(known) = fleet.nodes.get_mut(id) else { return };
            known.last_heard = Some(now);
            known.told(new, refused, unknown)
        };
        let meaning = known::meaning(&all, now);
        if let Some(known) = self.fleet().nodes.get_mut(id) {
            (known.problems, known.summary) = meaning;
        }
        self.touch();
    }

    /// What every member reported, cheaply: the sections stay encoded.
    pub(crate) fn reported(&self) -> Vec<Reported> {
        let fleet = self.fleet();
        let members =
            fleet.nodes.values().filter(|known| known.row.revoked_at.is_none() && known.row.pending.is_none());
        members.map(Known::reported).collect()
    }

    /// Whether this node was asked for this and has not answered.
    pub(crate) fn is_under_way(&self, id: &str, key: &str) -> bool {
        self.fleet().nodes.get(id).is_some_and(|known| known.flights.contains_key(key))
    }

    /// Takes away commands whose asker is gone and whose deadline is long over; their nodes and keys.
    pub(crate) fn expire(&self, now: Boot) -> Vec<(String, String)> {
        let mut expired = Vec::new();
        for (id, known) in &mut self.fleet().nodes {
            known.flights.retain(|key, flight| {
                let over = now.since(flight.given) > flight.deadline + LATE;
                if over {
                    expired.push((id.clone(), key.clone()));
                }
                !over
            });
        }
        expired
    }

    /// This process was stopped for a while: whoever has a session could not be heard, and is not to blame.
    pub(crate) fn resumed(&self, now: Boot) {
        for known in self.fleet().nodes.values_mut().filter(|known| known.session.is_some()) {
            known.last_heard = Some(now);
        }
    }

    /// Puts a command on its way; its outcome arrives at the receiver.
    pub(crate) fn send(
        &self,
        id: &str,
        command: coord_model::Command,
        message: String,
        now: Boot,
    ) -> Result<oneshot::Receiver<Outcome>, NotSent> {
        let mut fleet = self.fleet();
        let known = fleet.nodes.get_mut(id).ok_or(NotSent::Unknown)?;
        if known.row.pending.is_some() || known.cloned.is_some() || known.implausible.is_some() {
            return Err(NotSent::NotTrusted);
        }
        let session = known.session.as_ref().ok_or(NotSent::NotConnected)?;
        let (key, deadline) = (command.key.clone(), command.deadline);
        if !session.send(CoordinatorMessage::Command(command)) {
            session.end(EndReason::TooSlow, "64 commands waited");
            return Err(NotSent::TooSlow);
        }
        let (answer, outcome) = oneshot::channel();
        known.flights.insert(key, Flight { message, given: now, deadline, answer: Some(answer) });
        drop(fleet);
        self.touch();
        Ok(outcome)
    }

    /// An outcome arrived; whoever waits gets it.
    pub(crate) fn landed(&self, id: &str, outcome: Outcome) {
        let flight = self.fleet().nodes.get_mut(id).and_then(|known| known.flights.remove(&outcome.key));
        if let Some(answer) = flight.and_then(|flight| flight.answer) {
            // Who asked may have gone; the outcome is an event all the same.
            let _ = answer.send(outcome);
        }
        self.touch();
    }

    /// Nobody waits for this command any more.
    pub(crate) fn give_up(&self, id: &str, key: &str) {
        if let Some(known) = self.fleet().nodes.get_mut(id) {
            known.flights.remove(key);
        }
        self.touch();
    }
}

/// The kinds that a coordinator of this version keeps, in order.
pub(crate) fn kinds() -> impl Iterator<Item = SectionKind> {
    SectionKind::ALL.iter().copied()
}
