//! What people decided, and what was taken lately: in memory for every turn, and in the store before that.
//!
//! A change of the memory happens on the store's own thread, right after its write: the two never disagree about order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use coord_model::{Boot, Code, Moment, Wall};
use coord_planner::{Accepted, Decisions, FactAt, Memories, Memory, Pause, Taken, Truth};

use crate::store::{
    Store, StoreError, accepts, adopted,
    approvals::{self, Approval},
    fact_changes::{self, FactChange},
    pauses,
    taken::{self, TakenRow},
};

/// How long an approval is valid.
pub(crate) const APPROVAL: Duration = Duration::from_secs(24 * 3600);

/// What was taken counts for so long (law 15).
const BRAKE: Duration = Duration::from_secs(10 * 60);

/// Older changes of a fact neither make a freeze nor keep one: thirty minutes of changes and thirty quiet ones.
const FACT_MEMORY: Duration = Duration::from_secs(60 * 60);

/// All decisions. Functions that change something return when it is on disk.
pub(crate) struct DecisionsKept {
    store: Store,
    now: Arc<Mutex<Decisions>>,
    resumed: Mutex<Vec<FactAt>>,
}

impl DecisionsKept {
    /// What the store remembers; what ran out is dropped from it.
    pub(crate) async fn load(store: Store, now: Moment) -> Result<Self, StoreError> {
        let decisions = store.call(move |database| {
            approvals::drop_expired(database, now.wall)?;
            accepts::drop_expired(database, now.wall)?;
            fact_changes::drop_before(database, earlier(now.wall, FACT_MEMORY))?;
            Ok::<_, StoreError>(Decisions {
                approved: approvals::all(database)?.into_iter().map(|row| (row.content, row.until)).collect(),
                paused: pauses::all(database)?.into_iter().collect(),
                accepted: accepts::all(database)?,
                adopted: adopted::all(database)?.into_iter().collect(),
                taken: taken::all(database)?.into_iter().filter_map(|row| counted(row, now)).collect(),
            })
        });
        Ok(Self { now: Arc::new(Mutex::new(decisions.await?)), store, resumed: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Decisions> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that holds at this moment.
    pub(crate) fn current(&self, now: Moment) -> Decisions {
        let mut decisions = self.lock().clone();
        decisions.approved.retain(|_, until| *until > now.wall);
        decisions.accepted.retain(|accepted| accepted.until > now.wall);
        decisions.taken.retain(|taken| now.boot.since(taken.at) < BRAKE);
        decisions
    }

    /// Approves changes by their contents, each for 24 hours.
    pub(crate) async fn approve(&self, contents: Vec<String>, who: &str, at: Wall) -> Result<(), StoreError> {
        let until = at.plus(APPROVAL);
        let row = |content| Approval { content, who: who.to_owned(), at, until };
        let rows: Vec<Approval> = contents.into_iter().map(row).collect();
        self.change(
            move |database| approvals::put(database, &rows).map(|()| rows),
            |decisions, rows| decisions.approved.extend(rows.into_iter().map(|row| (row.content, row.until))),
        )
        .await
    }

    /// Those of these changes that are approved: nothing is written for the others.
    pub(crate) fn approved(&self, contents: impl Iterator<Item = String>) -> Vec<String> {
        let now = self.lock();
        contents.filter(|content| now.approved.contains_key(content)).collect()
    }

    /// Approved changes were made, or failed: they need approval again.
    pub(crate) async fn spend(&self, contents: Vec<String>) -> Result<(), StoreError> {
        if contents.is_empty() {
            return Ok(());
        }
        self.change(
            move |database| approvals::spend(database, &contents).map(|()| contents),
            |decisions, contents| decisions.approved.retain(|content, _| !contents.contains(content)),
        )
        .await
    }

    /// Pauses a subject; the empty one is everything.
    pub(crate) async fn pause(&self, subject: &str, pause: Pause) -> Result<(), StoreError> {
        let subject = subject.to_owned();
        self.change(
            move |database| pauses::put(database, &subject, &pause).map(|()| (subject, pause)),
            |decisions, (subject, pause)| drop(decisions.paused.insert(subject, pause)),
        )
        .await
    }

    /// Ends a pause. Says whether there was one.
    pub(crate) async fn resume(&self, subject: &str) -> Result<bool, StoreError> {
        let was = self.lock().paused.contains_key(subject);
        let subject = subject.to_owned();
        self.change(
            move |database| pauses::remove(database, &subject).map(|_| subject),
            |decisions, subject| drop(decisions.paused.remove(&subject)),
        )
        .await?;
        Ok(was)
    }

    /// Takes a known risk.
    pub(crate) async fn accept(&self, accepted: Accepted, at: Wall) -> Result<(), StoreError> {
        self.change(
            move |database| accepts::put(database, &accepted, at).map(|()| accepted),
            |decisions, accepted| {
                decisions.accepted.retain(|old| (old.code, &old.subject) != (accepted.code, &accepted.subject));
                decisions.accepted.push(accepted);
            },
        )
        .await
    }

    /// Takes an accepted risk back. Says whether there was one.
    pub(crate) async fn withdraw(&self, code: Code, subject: &str) -> Result<bool, StoreError> {
        let same = |old: &Accepted, subject: &str| old.code == code && old.subject == subject;
        let was = self.lock().accepted.iter().any(|old| same(old, subject));
        let subject = subject.to_owned();
        self.change(
            move |database| accepts::remove(database, code, &subject).map(|_| subject),
            move |decisions, subject| {
                decisions.accepted.retain(|old| (old.code, &old.subject) != (code, &subject));
            },
        )
        .await?;
        Ok(was)
    }

    /// Somebody approved a plan of this cluster: its changes do not all need approval any more.
    pub(crate) async fn adopt(&self, cluster: &str, who: &str, at: Wall) -> Result<(), StoreError> {
        let (cluster, who) = (cluster.to_owned(), who.to_owned());
        self.change(
            move |database| adopted::put(database, &cluster, &who, at).map(|()| cluster),
            |decisions, cluster| {
                decisions.adopted.insert(cluster);
            },
        )
        .await
    }

    /// Something was taken from a Node without having been approved: the brake counts it.
    pub(crate) async fn note_taken(&self, node: &str, what: &str, now: Moment) -> Result<(), StoreError> {
        let row = TakenRow { node: node.to_owned(), what: what.to_owned(), at: now.wall };
        self.change(
            move |database| taken::note(database, &row, earlier(now.wall, BRAKE)).map(|()| row),
            move |decisions, row| {
                decisions.taken.retain(|old| now.boot.since(old.at) < BRAKE);
                decisions.taken.push(Taken { at: now.boot, node: row.node, what: row.what });
            },
        )
        .await
    }

    /// What is remembered of facts that changed lately: only their changes, since nobody knows how long what they say
    /// has been so.
    pub(crate) async fn load_memories(&self, now: Moment) -> Result<Memories, StoreError> {
        let mut memories: Memories = BTreeMap::new();
        for FactChange { node, rule, value: _, at } in self.store.call(|database| fact_changes::all(database)).await? {
            let empty = || Memory {
                truth: Truth::Unknown(String::new()),
                since: now.boot,
                known: None,
                settled: None,
                changes: Vec::new(),
                resumed: None,
            };
            memories.entry(FactAt { node, rule }).or_insert_with(empty).changes.push(on_boot_clock(at, now));
        }
        Ok(memories)
    }

    /// A rule says something else on a node from now on.
    pub(crate) async fn note_change(&self, fact: &FactAt, value: bool, at: Wall) -> Result<(), StoreError> {
        let change = FactChange { node: fact.node.clone(), rule: fact.rule.clone(), value, at };
        self.store.call(move |database| fact_changes::note(database, &change)).await
    }

    /// A person said that these rules go on at this node.
    pub(crate) async fn resume_facts(&self, node: &str, rules: Vec<String>) -> Result<(), StoreError> {
        let (name, texts) = (node.to_owned(), rules.clone());
        self.store.call(move |database| fact_changes::forget(database, &name, &texts)).await?;
        let facts = rules.into_iter().map(|rule| FactAt { node: node.to_owned(), rule });
        self.resumed.lock().unwrap_or_else(PoisonError::into_inner).extend(facts);
        Ok(())
    }

    /// The facts that were resumed since the last time that this was asked; the caller marks its memories.
    pub(crate) fn take_resumed(&self) -> Vec<FactAt> {
        std::mem::take(&mut *self.resumed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes, and then remembers what was written.
    async fn change<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut crate::store::Database) -> Result<T, StoreError> + Send + 'static,
        remember: impl FnOnce(&mut Decisions, T) + Send + 'static,
    ) -> Result<(), StoreError> {
        let now = Arc::clone(&self.now);
        let both = move |database: &mut crate::store::Database| {
            let written = write(database)?;
            remember(&mut now.lock().unwrap_or_else(PoisonError::into_inner), written);
            Ok(())
        };
        self.store.call(both).await
    }
}

/// So long before.
fn earlier(time: Wall, span: Duration) -> Wall {
    Wall(time.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
}

/// A time of an earlier process on this one's boot clock. A time that lies ahead (the clock was set back) is now, and
/// one before the machine's boot is the boot: both make what is remembered count longer, never shorter.
fn on_boot_clock(time: Wall, now: Moment) -> Boot {
    Boot(now.boot.0.saturating_sub(time.until(now.wall)))
}

/// What was taken, unless that is too long ago.
fn counted(row: TakenRow, now: Moment) -> Option<Taken> {
    let recent = row.at.until(now.wall) < BRAKE;
    recent.then(|| Taken { at: on_boot_clock(row.at, now), node: row.node, what: row.what })
}

#[cfg(test)]
mod tests;
