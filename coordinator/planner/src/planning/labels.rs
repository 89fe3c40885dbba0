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
    ownership::{self, Live, Owner, TWINS},
    rows::Rows,
    want::{self, Answers, RuleKeys, Want, Why},
    wish::{Verdict, Wish},
};
use crate::{Cause, Change, Kept, KubeNode, LabelRule, Plan, TimedWait, label_subject};

/// What a label that is as it should be says of itself.
const IN_PLACE: &str = "in place";
/// The reason of every wait about somebody else's label.
const FOREIGN: &str = "foreign-label";

/// The wishes of one Node.
pub(super) fn compare<'a>(
    turn: &Turn<'a>,
    keys: &RuleKeys<'a>,
    matched: &Matched<'a>,
    rows: &Rows<'a>,
    plan: &mut Plan,
) -> Vec<Wish> {
    let answers = Answers::new(turn.desired, matched.agent);
    let wants = want::labels(keys, &answers, matched);
    let open = fact::say(turn, keys, &answers, matched, plan);
    let mut wishes: Vec<Wish> = Vec::new();
    for (key, want) in &wants {
        let state = open.get(key).copied().unwrap_or(IN_PLACE);
        wishes.extend(one(rows, ownership::live(matched.node, key), key, *want, state, plan));
    }
    wishes.extend(no_longer(rows, &wants, plan));
    wishes
}

/// `state` is how it stands if it is right.
fn one(
    rows: &Rows<'_>,
    live: Live<'_>,
    key: &str,
    want: Want<'_>,
    state: &'static str,
    plan: &mut Plan,
) -> Option<Wish> {
    match want {
        Want::Value(value, why) => set(rows, live, key, (value, why), state, plan),
        Want::Nothing(rule) if live.is_held() => {
            let wish = remove(rows, live, key, rows.denied(&rule.text), plan)?;
            Some(Wish { gladly: want::goes_gladly(rule), ..wish })
        }
        Want::Undecided(rule) if live.is_held() => {
            let cause = rows.cause(Why::Rule(&rule.text));
            plan.kept.push(rows.label(key, (live.value, live.value), cause, state));
            None
        }
        Want::Nothing(rule) => {
            plan.waits.extend(untrue(rows, live, key, rule));
            None
        }
        Want::Undecided(_) => None,
    }
}

/// Labels that Coord holds and nobody wants: an order, since the node is still declared.
fn no_longer(rows: &Rows<'_>, wants: &BTreeMap<&str, Want<'_>>, plan: &mut Plan) -> Vec<Wish> {
    let left = ownership::keys(rows.node).filter(|key| !wants.contains_key(key));
    left.filter_map(|key| remove(rows, ownership::live(rows.node, key), key, Cause::Dropped, plan)).collect()
}

fn set(
    rows: &Rows<'_>,
    live: Live<'_>,
    key: &str,
    (value, why): (&str, Why<'_>),
    state: &'static str,
    plan: &mut Plan,
) -> Option<Wish> {
    let node = rows.node;
    let right = live.value == Some(value);
    let row = |state| rows.label(key, (Some(value), live.value), rows.cause(why), state);
    let others = if right { others(live).map(|names| (key, names)) } else { obstacle(node, key, value) };
    match others {
        Some((theirs, names)) => {
            let wanted = format!("{value:?} is wanted ({})", rows.cause(why));
            plan.waits.push(foreign(node, key, theirs, &wanted, &names));
            plan.kept.push(row(FOREIGN));
            None
        }
        None if right => {
            plan.kept.push(row(state));
            None
        }
        None => {
            let (node, key, before) = (node.name.clone(), key.to_string(), live.value.map(Into::into));
            let change =
                Change::SetLabel { node, key, value: value.into(), before, users: Vec::new(), cause: rows.cause(why) };
            Some(wish(change, row("")))
        }
    }
}

fn remove(rows: &Rows<'_>, live: Live<'_>, key: &str, cause: Cause, plan: &mut Plan) -> Option<Wish> {
    let (node, value) = (rows.node, live.value?);
    let row = |state| rows.label(key, (None, Some(value)), cause.clone(), state);
    let names = live.other_holders();
    if names.is_empty() {
        let (node, key, value) = (node.name.clone(), key.to_string(), value.to_string());
        let row = row("");
        return Some(wish(Change::RemoveLabel { node, key, value, users: Vec::new(), cause }, row));
    }
    plan.waits.push(foreign(node, key, key, &format!("it should go ({cause})"), &names));
    plan.kept.push(row(FOREIGN));
    None
}

/// Somebody else's label says what its rule denies.
fn untrue(rows: &Rows<'_>, live: Live<'_>, key: &str, rule: &LabelRule) -> Option<TimedWait> {
    let same = live.value.is_some() && rule.set.get(key).map(String::as_str) == live.value;
    let names = others(live).filter(|_| same)?;
    Some(foreign(rows.node, key, key, &format!("it should go ({})", rows.denied(&rule.text)), &names))
}

fn wish(change: Change, kept: Kept) -> Wish {
    Wish { change, kept, gladly: false, verdict: Verdict::Act { approved: false } }
}

/// Who else owns a label.
fn others(live: Live<'_>) -> Option<Vec<String>> {
    match live.owner() {
        Owner::Free | Owner::Ours => None,
        Owner::Shared(names) | Owner::Foreign(names) => Some(names),
    }
}

/// Who stands in the way of a new value: another owner of the key, or of its other form, which is copied over it.
fn obstacle<'a>(node: &KubeNode, key: &'a str, value: &str) -> Option<(&'a str, Vec<String>)> {
    let twin = TWINS.iter().find(|(stable, old)| key == *stable || key == *old);
    let forms = twin.into_iter().flat_map(|(stable, old)| [*stable, *old]).filter(|form| *form != key);
    let all = core::iter::once(key).chain(forms).map(|form| (form, ownership::live(node, form)));
    let mut wrong = all.filter(|(_, live)| live.value.is_some_and(|live| live != value));
    wrong.find_map(|(form, live)| Some((form, others(live)?)))
}

fn foreign(node: &KubeNode, key: &str, theirs: &str, wanted: &str, names: &[String]) -> TimedWait {
    let live = node.labels.get(theirs).map_or("", String::as_str);
    let form = if theirs == key { String::new() } else { format!("of its other form {theirs} ") };
    let message = format!("{wanted}, the value {form}is {live:?} and belongs to {}", names.join(", "));
    TimedWait::new(label_subject(&node.name, key), FOREIGN, message)
        .hint(format!("coordctl label adopt {} {theirs}", node.name))
}
