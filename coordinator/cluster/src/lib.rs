//! The cluster file: text in; out comes what it declares, or every mistake at once, each with its place.
//!
//! 1. The text becomes a tree whose nodes know where they stand ([`tree`]).
//! 2. The tree is held against the JSON Schema, which is made from the structs of [`raw`]: unknown keys, wrong types.
//! 3. The structs are checked against each other: names that do not exist, keys that Coord owns, rules that do not type.
//!    What had the wrong shape is replaced before, so that this happens in one pass for the whole file.
//!
//! Nothing here acts. Errors are for what cannot be obeyed; what can be obeyed and looks unwise is a warning.

mod check;
mod mistake;
mod quantity;
pub mod raw;
mod shape;
mod tree;

pub use check::rules::LabelRule;
pub use mistake::{Mistake, Place, Weight};

use coord_planner::Desired;

/// The largest cluster file.
pub const LARGEST: usize = 1 << 20;

/// What a text declares, and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Read {
    /// What is declared; nothing when there is an error.
    pub desired: Option<Desired>,
    /// Errors first, then warnings, each in the order of their places.
    pub mistakes: Vec<Mistake>,
}

/// Reads the text of a cluster file.
#[must_use]
pub fn read(text: &str) -> Read {
    let (desired, mut mistakes) = match tree::parse(text) {
        Ok(tree) => declared(&tree),
        Err(mistake) => (None, vec![mistake]),
    };
    mistakes.sort();
    mistakes.dedup();
    let failed = mistakes.iter().any(|mistake| mistake.weight == Weight::Error);
    Read { desired: desired.filter(|_| !failed), mistakes }
}

/// What has the wrong shape is told, and the rest checked all the same: nobody wants to hear of mistakes in instalments.
fn declared(tree: &tree::Spot) -> (Option<Desired>, Vec<Mistake>) {
    let shape::Shaped { tree: mended, mut mistakes, whole } = shape::shaped(tree);
    let right = mistakes.is_empty();
    match serde_json::from_value::<raw::Cluster>(mended.value()) {
        Ok(cluster) if whole => {
            let (desired, found) = check::check(&cluster, &mended);
            let told = |mistake: &Mistake| right || (mistake.weight == Weight::Error && mistake.place.is_somewhere());
            mistakes.extend(found.into_iter().filter(told));
            (Some(desired), mistakes)
        }
        Err(error) if right => {
            mistakes.push(Mistake::error(tree.place(), error.to_string()));
            (None, mistakes)
        }
        Ok(_) | Err(_) => {
            mistakes.push(Mistake::warning(tree.place(), "more mistakes may show when these are mended"));
            (None, mistakes)
        }
    }
}

/// The JSON Schema of the file, for editors and for the custom resource.
#[must_use]
pub fn schema() -> serde_json::Value {
    shape::schema()
}
