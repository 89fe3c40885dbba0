//! The thread that owns the database: one job after another, events in batches between them.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{runtime, sync::mpsc, time};

use super::{Database, Job, StoreError, events, pending_events::PendingEvents};

/// How often a store that could not be written is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// More waiting events than this are written even while jobs wait.
const BATCH: usize = 256;

/// Starts the thread. It ends when it is asked to, or when every sender of `queue` is gone.
pub(super) fn spawn(
    database: Database,
    queue: mpsc::Receiver<Job>,
    pending: Arc<PendingEvents>,
) -> Result<JoinHandle<()>, StoreError> {
    let cannot_start = StoreError::file("the thread of the store");
    let waiting = runtime::Builder::new_current_thread().enable_time().build();
    let waiting = match waiting {
        Ok(waiting) => waiting,
        Err(error) => return Err(cannot_start(error)),
    };
    let body = move || waiting.block_on(work_off(database, queue, &pending));
    thread::Builder::new().name("store".into()).spawn(body).map_err(cannot_start)
}

async fn work_off(mut database: Database, mut queue: mpsc::Receiver<Job>, pending: &PendingEvents) {
    let condition = database.condition();
    loop {
        let job = if condition.writable() { Ok(queue.recv().await) } else { next_or_timeout(&mut queue).await };
        match job {
            Ok(Some(job)) => job(&mut database),
            Ok(None) => break,
            Err(_) => database.try_to_write(),
        }
        if condition.stopping() {
            // What waits is still received, then nothing.
            queue.close();
        }
        if queue.is_empty() || pending.waiting() >= BATCH {
            events::write_pending(&mut database, pending);
        }
    }
    events::write_pending(&mut database, pending);
}

async fn next_or_timeout(queue: &mut mpsc::Receiver<Job>) -> Result<Option<Job>, time::error::Elapsed> {
    time::timeout(TRY_AGAIN, queue.recv()).await
}
