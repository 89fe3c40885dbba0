//! The health of one node, as the whole fleet sees it.

use crate::words::words;

words! {
    /// How a node is doing.
    pub enum Health {
        /// Not heard of since the coordinator started, less than one full term ago.
        Unknown = 1 => "unknown",
        /// Waits for `coordctl node approve`.
        Pending = 2 => "pending",
        /// Reports, and nothing is wrong.
        Ready = 3 => "ready",
        /// Reports a problem of severity error or warning that is not accepted.
        Degraded = 4 => "degraded",
        /// Missed three heartbeats.
        Silent = 5 => "silent",
        /// Silent for five minutes.
        Lost = 6 => "lost",
        /// Its identity was revoked.
        Revoked = 7 => "revoked",
    }
}
