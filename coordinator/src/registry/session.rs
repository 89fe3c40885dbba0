//! The way to one open session: a short queue, and a switch that ends it with a reason.

use std::net::SocketAddr;

use coord_model::{CoordinatorMessage, EndReason};
use tokio::sync::{mpsc, watch};

/// Commands that may wait for a session before it is ended.
pub(crate) const WAITING_COMMANDS: usize = 64;

/// Why a session has to end, once it has.
pub(crate) type Ending = Option<(EndReason, String)>;

/// One open session, as the registry holds it.
#[derive(Debug)]
pub(crate) struct SessionHandle {
    /// Given by the registry.
    pub(crate) number: u64,
    /// Drawn by the agent's process.
    pub(crate) process_number: u64,
    /// Where it comes from.
    pub(crate) address: Option<SocketAddr>,
    queue: mpsc::Sender<CoordinatorMessage>,
    ending: watch::Sender<Ending>,
}

impl SessionHandle {
    pub(crate) fn new(
        process_number: u64,
        address: Option<SocketAddr>,
        queue: mpsc::Sender<CoordinatorMessage>,
        ending: watch::Sender<Ending>,
    ) -> Self {
        Self { number: 0, process_number, address, queue, ending }
    }

    /// Queues a message; false when the queue is full.
    pub(crate) fn send(&self, message: CoordinatorMessage) -> bool {
        self.queue.try_send(message).is_ok()
    }

    /// Tells the session to end. The first reason stands.
    pub(crate) fn end(&self, reason: EndReason, message: &str) {
        self.ending.send_if_modified(|ending| {
            let first = ending.is_none();
            if first {
                *ending = Some((reason, message.to_owned()));
            }
            first
        });
    }
}
