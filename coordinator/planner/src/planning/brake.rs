//! The brake (law 15): what the turns of ten minutes would take from more than one node needs a person.
//!
//! What was taken in the last ten minutes and what this turn would take count together: a Node that loses something now
//! is held if another one lost something five minutes ago.
//!
//! The law's other half, more than a fifth of a kind of which Coord owns at least ten, needs no code of its own for
//! labels and taints. Their kind is their key (of a taint with its effect), and a Node has at most one of each: more
//! than a fifth of ten is three, and so are the Nodes that would lose one.

use alloc::collections::BTreeSet;
use core::time::Duration;

use super::{
    Turn,
    wish::{Need, Verdict, Wish, Work},
};

/// What was taken longer ago does not count.
const LATELY: Duration = Duration::from_secs(10 * 60);

/// Holds everything that this turn would take without approval, if it would be more than one node's. What was taken
/// from one node alone may go on there.
pub(super) fn hold(turn: &Turn<'_>, works: &mut [Work<'_>]) {
    let lately = turn.observed.decisions.taken.iter().filter(|taken| turn.now.boot.since(taken.at) < LATELY);
    let mut nodes: BTreeSet<&str> = lately.map(|taken| taken.node.as_str()).collect();
    let taking = works.iter().filter(|work| work.labels.iter().chain(&work.taints).any(would_take));
    nodes.extend(taking.map(|work| work.node.name.as_str()));
    if nodes.len() < 2 {
        return;
    }
    for wish in works.iter_mut().flat_map(Work::wishes_mut).filter(|wish| takes(wish)) {
        wish.verdict = Verdict::Ask(Need::Brake);
    }
}

/// Takes something now, or as soon as it is known who uses it: answers come one by one, and the first must not pass
/// alone.
fn would_take(wish: &Wish) -> bool {
    takes(wish) || wish.verdict == Verdict::Survey && wish.change.takes()
}

fn takes(wish: &Wish) -> bool {
    wish.verdict == Verdict::Act { approved: false } && wish.change.takes()
}
