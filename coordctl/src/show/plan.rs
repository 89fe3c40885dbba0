//! The screen of `coordctl plan`: what is changed now, what waits for somebody, and why.

use coord_model::{ChangeState, PlanView};

use super::{
    Look,
    blocks::{Entry, block, subject_columns},
    stale::{self, Stale},
    text::{age, count},
};

/// The blocks of changes, in the order in which a person wants to know.
const BLOCKS: [(ChangeState, &str); 5] = [
    (ChangeState::Now, "Now"),
    (ChangeState::NeedsApproval, "Needs approval"),
    (ChangeState::NoLease, "Not while another coordinator holds the Lease, or none can be had"),
    (ChangeState::Paused, "Paused"),
    (ChangeState::Off, "Off by policy"),
];

/// The whole screen.
pub(crate) fn plan(plan: &PlanView, stale: Option<&Stale>, look: Look) -> String {
    let mut text = stale.map(|stale| stale::heading(None, stale)).unwrap_or_default();
    text.push_str(&format!("Plan {}, made {} ago\n", plan.id, age(plan.age_seconds)));
    let of_state = |state| plan.changes.iter().filter(move |change| change.state == state).map(Entry::change);
    let groups: Vec<(&str, Vec<Entry>)> =
        BLOCKS.iter().map(|(state, title)| (*title, of_state(*state).collect())).collect();
    let waits: Vec<Entry> = plan.waits.iter().map(|wait| Entry::wait(wait, look.now)).collect();
    let room = subject_columns(groups.iter().flat_map(|(_, entries)| entries).chain(&waits));
    for (title, entries) in groups.iter().chain([&("Waiting", waits)]).filter(|(_, entries)| !entries.is_empty()) {
        text.push('\n');
        text.push_str(&block(title, entries, room, look.columns));
    }
    text.push('\n');
    text.push_str(&totals(plan));
    text
}

/// `1 change`, `2 changes`.
pub(crate) fn changes(number: usize) -> String {
    count(number, "change", "changes")
}

/// `1 to add, 1 to change, 1 to remove; 2 need approval: coordctl apply 7f3c12ab`.
fn totals(plan: &PlanView) -> String {
    let of = |symbol: &str| plan.changes.iter().filter(|change| change.symbol == symbol).count();
    let parts: Vec<String> = [("+", "to add"), ("~", "to change"), ("-", "to remove")]
        .into_iter()
        .filter(|(symbol, _)| of(symbol) > 0)
        .map(|(symbol, words)| format!("{} {words}", of(symbol)))
        .collect();
    let mut text = if parts.is_empty() { "nothing to change".to_owned() } else { parts.join(", ") };
    let open = plan.changes.iter().filter(|change| change.state == ChangeState::NeedsApproval).count();
    if open > 0 {
        text.push_str(&format!("; {} approval: coordctl apply {}", count(open, "needs", "need"), plan.id));
    }
    text + "\n"
}
