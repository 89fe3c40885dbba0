//! Wanted labels against live ones: what differs is a wish, what is somebody else's a wait.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{
    Turn, fact,
    matching::Matched,
    ownership::{self, Owner, TWINS},
    want::{self, RuleKeys, Want, Why},
    wish::{Verdict, Wish},
};
use crate::{Cause, Change, Kept, KubeNode, LabelRule, Plan, TimedWait, label_subject};

/// What a label that is as it should be says of itself.
const IN_PLACE: &str = "in place";
/// The reason of every wait about somebody else's label.
const FOREIGN: &str = "foreign-label";

/// The wishes of one Node.
pub(super) fn compare<'a>(turn: &Turn<'a>, keys: &RuleKeys<'a>, matched: &Matched<'a>, plan: &mut Plan) -> Vec<Wish> {
    let wants = want::labels(keys, matched);
    let open = fact::say(turn, keys, matched, plan);
    let mut wishes: Vec<Wish> = Vec::new();
    for (key, want) in &wants {
        let state = open.get(key).map_or(IN_PLACE, String::as_str);
        wishes.extend(one(matched.node, key, *want, state, plan));
    }
    wishes.extend(no_longer(matched.node, &wants, plan));
    wishes
}

/// `state` is how it stands if it is right.
fn one(node: &KubeNode, key: &str, want: Want<'_>, state: &str, plan: &mut Plan) -> Option<Wish> {
    match want {
        Want::Value(value, why) => set(node, key, (value, why), state, plan),
        Want::Nothing(rule) if ownership::holds(node, key) => {
            let wish = remove(node, key, Cause::RuleFalse(rule.text.clone()), plan)?;
            Some(Wish { gladly: want::goes_gladly(rule), ..wish })
        }
        Want::Undecided(rule) if ownership::holds(node, key) => {
            let live = node.labels.get(key).cloned();
            let cause = Cause::Rule(rule.text.clone());
            plan.kept.push(Kept { wanted: live, ..kept(node, key, cause, state) });
            None
        }
        Want::Nothing(rule) => {
            plan.waits.extend(untrue(node, key, rule));
            None
        }
        Want::Undecided(_) => None,
    }
}

/// Labels that Coord holds and nobody wants: an order, since the node is still declared.
fn no_longer(node: &KubeNode, wants: &BTreeMap<&str, Want<'_>>, plan: &mut Plan) -> Vec<Wish> {
    let left = ownership::held(node).filter(|(key, _)| !wants.contains_key(key.as_str()));
    left.filter_map(|(key, _)| remove(node, key, Cause::Dropped, plan)).collect()
}

fn set(node: &KubeNode, key: &str, (value, why): (&str, Why<'_>), state: &str, plan: &mut Plan) -> Option<Wish> {
    let live = node.labels.get(key);
    let right = live.is_some_and(|live| live == value);
    let row = |state| Kept { wanted: Some(value.to_string()), ..kept(node, key, why.cause(), state) };
    let others = if right { others(node, key).map(|names| (key, names)) } else { obstacle(node, key, value) };
    match others {
        Some((theirs, names)) => {
            plan.waits.push(foreign(node, key, theirs, &format!("{value:?} is wanted ({})", why.cause()), &names));
            plan.kept.push(row(FOREIGN));
            None
        }
        None if right => {
            plan.kept.push(row(state));
            None
        }
        None => {
            let (node, key) = (node.name.clone(), key.to_string());
            let change = Change::SetLabel { node, key, value: value.into(), before: live.cloned(), cause: why.cause() };
            Some(wish(change, row("")))
        }
    }
}

fn remove(node: &KubeNode, key: &str, cause: Cause, plan: &mut Plan) -> Option<Wish> {
    let names = ownership::other_holders(node, key);
    if names.is_empty() {
        let value = node.labels.get(key)?.clone();
        let row = kept(node, key, cause.clone(), "");
        return Some(wish(Change::RemoveLabel { node: node.name.clone(), key: key.to_string(), value, cause }, row));
    }
    plan.waits.push(foreign(node, key, key, &format!("it should go ({cause})"), &names));
    plan.kept.push(kept(node, key, cause, FOREIGN));
    None
}

/// Somebody else's label says what its rule denies.
fn untrue(node: &KubeNode, key: &str, rule: &LabelRule) -> Option<TimedWait> {
    let names = others(node, key).filter(|_| rule.set.get(key) == node.labels.get(key))?;
    Some(foreign(node, key, key, &format!("it should go ({})", Cause::RuleFalse(rule.text.clone())), &names))
}

fn wish(change: Change, kept: Kept) -> Wish {
    Wish { change, kept, gladly: false, verdict: Verdict::Act { approved: false } }
}

/// Who else owns a label that has its right value.
fn others(node: &KubeNode, key: &str) -> Option<Vec<String>> {
    match ownership::owner(node, key) {
        Owner::Free | Owner::Ours => None,
        Owner::Shared(names) | Owner::Foreign(names) => Some(names),
    }
}

/// Who stands in the way of a new value: another owner of the key, or of its other form, which is copied over it.
fn obstacle<'a>(node: &KubeNode, key: &'a str, value: &str) -> Option<(&'a str, Vec<String>)> {
    let twin = TWINS.iter().find(|(stable, old)| key == *stable || key == *old);
    let forms = twin.into_iter().flat_map(|(stable, old)| [*stable, *old]).filter(|form| *form != key);
    let wrong = |form: &&str| node.labels.get(*form).is_some_and(|live| live != value);
    let all = core::iter::once(key).chain(forms);
    all.filter(wrong).find_map(|form| Some((form, others(node, form)?)))
}

fn foreign(node: &KubeNode, key: &str, theirs: &str, wanted: &str, names: &[String]) -> TimedWait {
    let live = node.labels.get(theirs).map_or("", String::as_str);
    let form = if theirs == key { String::new() } else { format!("of its other form {theirs} ") };
    let message = format!("{wanted}, the value {form}is {live:?} and belongs to {}", names.join(", "));
    TimedWait::new(label_subject(&node.name, key), FOREIGN, message)
        .hint(format!("coordctl label adopt {} {theirs}", node.name))
}

fn kept(node: &KubeNode, key: &str, cause: Cause, state: &str) -> Kept {
    let live = node.labels.get(key).cloned();
    Kept { node: node.name.clone(), key: key.to_string(), taint: false, wanted: None, live, cause, state: state.into() }
}
