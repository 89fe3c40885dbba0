//! One key, two machines; and one machine with a past that no coordinator gave it.

use alloc::format;

use coord_model::{Code, Problem};

use crate::NodeObserved;

/// `cloned-identity`, with both addresses.
pub(crate) fn cloned(node: &NodeObserved) -> Option<Problem> {
    let [first, second] = node.cloned.as_ref()?;
    let (first, second) = if first <= second { (first, second) } else { (second, first) };
    let message = format!("two running agents use its identity, at {first} and at {second}; neither gets commands");
    Some(Problem::new(Code::ClonedIdentity, &node.name, message).hint("on the copy, run: coord-agent leave"))
}

/// `generation-implausible`.
pub(crate) fn implausible_generation(node: &NodeObserved) -> Option<Problem> {
    let claimed = node.implausible_generation?;
    let message =
        format!("its agent claims command generation {claimed}, which no coordinator gave; it gets no commands");
    Some(Problem::new(Code::GenerationImplausible, &node.name, message).hint("on it, run: coord-agent leave"))
}
