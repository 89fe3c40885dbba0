//! Which one word says how a node is doing: the first that applies.

use coord_model::{Health, Problem};

use super::liveness::Presence;
use crate::{NodeObserved, Standing};

/// Whether the node's problems count: those of a revoked one are nobody's any more.
pub(crate) fn counts(node: &NodeObserved) -> bool {
    match node.standing {
        Standing::Member | Standing::Pending { .. } => true,
        Standing::Revoked => false,
    }
}

/// Revoked, then pending, then how long it was not heard, then its problems.
pub(crate) fn health(node: &NodeObserved, presence: Presence, problems: &[Problem]) -> Health {
    match (&node.standing, presence) {
        (Standing::Revoked, _) => Health::Revoked,
        (Standing::Pending { .. }, _) => Health::Pending,
        (Standing::Member, Presence::NotYetHeard) => Health::Unknown,
        (Standing::Member, Presence::Lost(_) | Presence::NeverHeard(_)) => Health::Lost,
        (Standing::Member, Presence::Silent(_)) => Health::Silent,
        (Standing::Member, Presence::Heard) if problems.iter().any(Problem::degrades) => Health::Degraded,
        (Standing::Member, Presence::Heard) => Health::Ready,
    }
}
