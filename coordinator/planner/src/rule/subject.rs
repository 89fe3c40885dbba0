//! On the screen a problem is about a node; what it is about inside the node stands in its sentence.

use alloc::{borrow::ToOwned, format};

use coord_model::Problem;

/// The problem with the node's name as its subject. `gpu/ADDRESS` and the like move into the sentence unless it names
/// the thing already.
pub(crate) fn of_node(name: &str, problem: &Problem) -> Problem {
    let inner = problem.subject.split_once('/').map_or("", |(_, inner)| inner);
    let message =
        if problem.message.contains(inner) { problem.message.clone() } else { format!("{inner}: {}", problem.message) };
    Problem { subject: name.to_owned(), message, ..problem.clone() }
}
