//! The screen of `coordctl why`: every problem and wait about one subject, with what to do.

use coord_model::Why;

use super::{
    Look,
    blocks::{Entry, block, subject_columns},
    stale::{self, Stale},
    text::wrap,
};

/// The whole screen.
pub(crate) fn why(why: &Why, stale: Option<&Stale>, look: Look) -> String {
    let mut text = stale.map(|stale| stale::heading(None, stale)).unwrap_or_default();
    for line in wrap(&why.summary, look.columns) {
        text.push_str(&line);
        text.push('\n');
    }
    let problems: Vec<Entry> = why.problems.iter().map(|problem| Entry::problem(None, problem)).collect();
    let waits: Vec<Entry> = why.waits.iter().map(|wait| Entry::wait(wait, look.now)).collect();
    let room = subject_columns(problems.iter().chain(&waits));
    let blocks = block("Problems", &problems, room, look.columns) + &block("Waiting", &waits, room, look.columns);
    if !blocks.is_empty() {
        text.push('\n');
        text.push_str(&blocks);
    }
    text
}
