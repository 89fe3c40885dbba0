//! Events between their happening and their writing: a bounded list that never makes anybody wait.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::events::NewEvent;

/// More events than this in one breath are counted, not kept.
const MOST: usize = 4096;

/// Events that wait to be written.
#[derive(Debug, Default)]
pub(super) struct PendingEvents {
    waiting: Mutex<Vec<NewEvent>>,
    lost: AtomicU64,
}

impl PendingEvents {
    /// Adds one, or counts it as lost. Says whether the list was empty before.
    pub(super) fn push(&self, event: NewEvent) -> bool {
        let mut waiting = self.lock();
        if waiting.len() >= MOST {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        waiting.push(event);
        waiting.len() == 1
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().len()
    }

    /// All that wait; the list is empty afterwards.
    pub(super) fn take(&self) -> Vec<NewEvent> {
        std::mem::take(&mut *self.lock())
    }

    /// Counts events that could not be written.
    pub(super) fn lose(&self, number: usize) {
        self.lost.fetch_add(u64::try_from(number).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many were lost.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<NewEvent>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
