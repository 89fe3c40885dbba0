//! Wakes when a mount appears, vanishes or changes: the kernel marks an open mountinfo as exceptional (POLLPRI).
//!
//! Source: the kernel's mounts_poll; measured in research as silent while nothing happens.

use std::fs::File;

use tokio::io::{Interest, unix::AsyncFd};

/// The file whose readiness says that the mount table of this process changed.
const MOUNTINFO: &str = "/proc/self/mountinfo";

/// An open mountinfo, or nothing where there is none.
#[derive(Debug)]
pub(crate) struct MountWatch(Option<AsyncFd<File>>);

impl MountWatch {
    /// Opens it; without one, changes are found at the slow pace.
    pub(crate) fn open() -> Self {
        #[allow(deprecated, reason = "the sound form needs an unsafe block; this file is owned here and closed here")]
        let opened = File::open(MOUNTINFO).and_then(|file| AsyncFd::with_interest(file, Interest::PRIORITY));
        if let Err(error) = &opened {
            tracing::warn!(%error, "cannot watch {MOUNTINFO}; mounts are read at the slow pace");
        }
        Self(opened.ok())
    }

    /// Resolves after the next change. Cancel safe.
    pub(crate) async fn changed(&mut self) {
        let Some(watched) = &mut self.0 else { return std::future::pending().await };
        match watched.ready_mut(Interest::PRIORITY).await {
            Ok(mut ready) => ready.clear_ready(),
            Err(error) => {
                tracing::warn!(%error, "the watch on {MOUNTINFO} ended; mounts are read at the slow pace");
                self.0 = None;
            }
        }
    }
}
