//! What becomes of every wish: a part of a write, or a proposal, and how the plan lists it.

use alloc::vec::Vec;

use super::{
    Turn, ownership, reason,
    taints::{self, key_of},
    wish::{Verdict, Wish, Work},
};
use crate::{Action, Change, Held, Kept, Plan, Proposal, Taint, TaintKey};

/// Turns works into the plan.
pub(super) fn write(turn: &Turn<'_>, works: Vec<Work<'_>>, plan: &mut Plan) {
    let mut together = reason::Together::default();
    for work in works {
        let (now, next) = writes(turn, &work);
        plan.actions.extend(now);
        for wish in work.labels.into_iter().chain(work.taints) {
            together.count(&wish);
            plan.waits.extend(reason::alone(turn, &wish));
            plan.kept.push(Kept { state: state(&wish, next), ..wish.kept });
            plan.proposals.extend(held(&wish.verdict).map(|held| Proposal { change: wish.change, held }));
        }
    }
    plan.waits.extend(together.waits(turn));
}

/// The writes of this turn, and whether taints come in the next one. Both change the same version of the Node, so the
/// second would only conflict: labels go first. After a refusal both are tried, since the one that is refused changes
/// nothing and must not stop the other for ever.
fn writes(turn: &Turn<'_>, work: &Work<'_>) -> (Vec<Action>, bool) {
    let (labels, taints) = (label_write(work), taint_write(turn, work));
    let refused = turn.observed.kubernetes.refusals.contains_key(&work.node.name);
    let next = labels.is_some() && taints.is_some() && !refused;
    (labels.into_iter().chain(taints.filter(|_| !next)).collect(), next)
}

fn acted(wishes: &[Wish]) -> Vec<Change> {
    let done = wishes.iter().filter(|wish| matches!(wish.verdict, Verdict::Act { .. }));
    done.map(|wish| wish.change.clone()).collect()
}

/// The full set of labels from now on: what Coord holds, with what is done now.
fn label_write(work: &Work<'_>) -> Option<Action> {
    let changes = acted(&work.labels);
    if changes.is_empty() {
        return None;
    }
    let mut set = ownership::held_set(work.node);
    for change in &changes {
        match change {
            Change::SetLabel { key, value, .. } => drop(set.insert(key.clone(), value.clone())),
            Change::RemoveLabel { key, .. } => drop(set.remove(key)),
            Change::SetTaint { .. } | Change::RemoveTaint { .. } => {}
        }
    }
    let (node, uid, resource_version) = version(work);
    Some(Action::ApplyLabels { node, uid, resource_version, set, changes })
}

fn taint_write(turn: &Turn<'_>, work: &Work<'_>) -> Option<Action> {
    let changes = acted(&work.taints);
    if changes.is_empty() && !work.stale {
        return None;
    }
    let (mut set, mut remove): (Vec<Taint>, Vec<TaintKey>) = (Vec::new(), Vec::new());
    for change in &changes {
        match change {
            Change::SetTaint { taint, .. } => set.push(taint.clone()),
            Change::RemoveTaint { taint, .. } => remove.push(key_of(taint)),
            Change::SetLabel { .. } | Change::RemoveLabel { .. } => {}
        }
    }
    let declared = turn.desired.nodes.get(work.name).map_or(&[][..], |declared| &declared.taints);
    let mut owned = taints::still_owned(work.node, declared);
    owned.retain(|key| !remove.contains(key));
    owned.extend(set.iter().map(key_of));
    owned.sort();
    owned.dedup();
    let (node, uid, resource_version) = version(work);
    Some(Action::WriteTaints { node, uid, resource_version, set, remove, owned, changes })
}

fn version(work: &Work<'_>) -> (alloc::string::String, alloc::string::String, alloc::string::String) {
    (work.node.name.clone(), work.node.uid.clone(), work.node.resource_version.clone())
}

/// Why it is a proposal; a survey or a refusal passes by itself within a minute and is a wait only.
fn held(verdict: &Verdict) -> Option<Held> {
    match verdict {
        Verdict::Act { .. } | Verdict::Survey | Verdict::Refused => None,
        Verdict::Ask(_) => Some(Held::NeedsApproval),
        Verdict::Off => Some(Held::Off),
        Verdict::Paused(_) => Some(Held::Paused),
        Verdict::NoLease => Some(Held::NoLease),
    }
}

/// How the plan lists it; `next` where taints come in the next turn.
fn state(wish: &Wish, next: bool) -> &'static str {
    match (&wish.verdict, &wish.change) {
        (Verdict::Act { .. }, Change::SetTaint { .. }) if next => "is set next",
        (Verdict::Act { .. }, Change::RemoveTaint { .. }) if next => "goes next",
        (Verdict::Act { .. }, Change::SetLabel { .. } | Change::SetTaint { .. }) => "is set now",
        (Verdict::Act { .. }, Change::RemoveLabel { .. } | Change::RemoveTaint { .. }) => "goes now",
        (verdict, _) => reason::of(verdict),
    }
}
