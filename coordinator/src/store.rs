//! What the coordinator must not forget: one SQLite file, one thread that owns it, typed functions a file a subject.
//!
//! The thread is the only writer, so no call waits for a lock. Every write is on disk (WAL, synchronous FULL) before
//! its call returns, and so before anybody is told. When the disk is full, reading goes on, writing returns
//! [`StoreError::Full`], and the next write that succeeds ends the state by itself.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use tokio::sync::{mpsc, oneshot};

pub mod accepts;
pub mod adopted;
pub mod approvals;
pub(crate) mod connect;
mod database;
pub mod enrolment;
mod error;
pub mod events;
pub mod fact_changes;
pub mod generations;
pub mod in_flight;
pub mod meta;
pub(crate) mod migrations;
pub mod names;
pub mod nodes;
pub mod operators;
pub mod pauses;
mod pending_events;
pub mod rejoin;
pub mod revocations;
pub mod taken;
pub mod tokens;
mod writer;

pub use database::{DATABASE_FILE, Database};
pub use error::{StoreError, StoreFailure};
pub use migrations::SCHEMA_VERSION;

use events::NewEvent;
use pending_events::PendingEvents;

/// One piece of work for the thread that owns the database.
type Job = Box<dyn FnOnce(&mut Database) + Send>;

/// How many pieces of work may wait; callers beyond that wait for their turn.
const WAITING_JOBS: usize = 1024;

/// The way to the database; clones share it.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    condition: Arc<database::Condition>,
    events: Arc<PendingEvents>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Store {
    /// Opens or makes the database in `folder`: checks it, brings its schema up to date, merges the revocations file,
    /// and starts the thread that owns it.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, or was written by a newer version.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::run(Database::open(folder)?)
    }

    /// Starts the thread that owns `database`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn run(database: Database) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(WAITING_JOBS);
        let condition = database.condition();
        let events = Arc::new(PendingEvents::default());
        let thread = writer::spawn(database, queue, Arc::clone(&events))?;
        Ok(Self { jobs, condition, events, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Does `work` on the thread of the database and waits for its answer. What it wrote is on disk by then.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError::Stopped`].
    pub async fn call<T, E>(&self, work: impl FnOnce(&mut Database) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: StoreFailure + Send + 'static,
    {
        let (job, answer) = prepared(work);
        self.jobs.send(job).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    /// The same for callers without an async runtime; must not be called from inside one.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError::Stopped`].
    pub fn call_blocking<T, E>(&self, work: impl FnOnce(&mut Database) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: StoreFailure + Send + 'static,
    {
        let (job, answer) = prepared(work);
        self.jobs.blocking_send(job).map_err(|_| StoreError::Stopped)?;
        answer.blocking_recv().map_err(|_| StoreError::Stopped)?
    }

    /// Notes something that happened. Never waits: it is written soon, or counted as lost.
    pub fn append(&self, event: NewEvent) {
        let first = self.events.push(event);
        if first {
            // A full queue is no loss: whoever fills it makes the thread run, and it writes events after every job.
            let _ = self.jobs.try_send(Box::new(|_| ()));
        }
    }

    /// How many events could not be written since the start.
    #[must_use]
    pub fn events_lost(&self) -> u64 {
        self.events.lost()
    }

    /// Whether the last write succeeded. While it did not, the thread tries again every few seconds by itself.
    #[must_use]
    pub fn writable(&self) -> bool {
        self.condition.writable()
    }

    /// Finishes what waits and closes the database, whoever else has a clone; their later calls get
    /// [`StoreError::Stopped`]. Waits for the disk, so async code calls it where blocking is allowed. Again is no change.
    pub fn stop(&self) {
        self.condition.stop();
        // A full queue needs no waking: the thread looks after every job.
        let _ = self.jobs.try_send(Box::new(|_| ()));
        let handle = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            // A thread that panicked has said so on stderr; there is nothing left to save.
            let _ = handle.join();
        }
    }
}

/// A job that does `work`, and where its answer arrives.
fn prepared<T, E>(
    work: impl FnOnce(&mut Database) -> Result<T, E> + Send + 'static,
) -> (Job, oneshot::Receiver<Result<T, E>>)
where
    T: Send + 'static,
    E: Send + 'static,
{
    let (answer, wait) = oneshot::channel();
    let job = Box::new(move |database: &mut Database| {
        // The caller may have gone; its work is done all the same.
        let _ = answer.send(work(database));
    });
    (job, wait)
}

#[cfg(test)]
mod tests;
