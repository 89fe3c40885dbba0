//! How an old answer says that it is old.

use super::{
    paint::{Tone, paint},
    text::age,
};
use crate::failure::Failure;

/// Why and since when there is nothing newer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stale {
    /// Age of the answer that is shown.
    pub(crate) seconds: f64,
    /// Who did not answer.
    pub(crate) place: String,
    /// What happened instead.
    pub(crate) failure: Failure,
}

/// The lines above an old answer; `fleet` starts the first where it is known.
pub(crate) fn heading(fleet: Option<&str>, stale: &Stale) -> String {
    let fleet = fleet.map(|name| format!("{name}: ")).unwrap_or_default();
    let since = age(stale.seconds);
    let word = paint(Tone::Bad, "STALE");
    let mut text = format!("{fleet}{word}, coordinator {} has not answered for {since}\n", stale.place);
    text.push_str(&format!("cannot connect: {}\n", stale.failure.causes.join(": ")));
    for hint in &stale.failure.hints {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text.push_str(&format!("\nthe last known state, from {since} ago:\n\n"));
    text
}
