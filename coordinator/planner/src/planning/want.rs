//! Which labels a node should have: topology over its own labels over the first rule that is true over defaults.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use super::{matching::Matched, ownership::TWINS};
use crate::{Cause, Desired, LabelRule, NodeObserved, OnFalse};

/// Why a label has its value.
#[derive(Clone, Copy)]
pub(super) enum Why<'a> {
    /// Zone or region.
    Topology,
    /// The node's own.
    Declared,
    /// Of all nodes.
    Default,
    /// A rule that is true.
    Rule(&'a str),
}

impl Why<'_> {
    /// In the plan's words.
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Topology => Cause::Topology,
            Self::Declared => Cause::Declared,
            Self::Default => Cause::Default,
            Self::Rule(text) => Cause::Rule(text.to_string()),
        }
    }
}

/// What a label should be.
#[derive(Clone, Copy)]
pub(super) enum Want<'a> {
    /// This value.
    Value(&'a str, Why<'a>),
    /// Nobody knows yet: what is there stays.
    Undecided(&'a LabelRule),
    /// Every rule that could set it is false; the first of them.
    Nothing(&'a LabelRule),
}

/// The rules by the label that they set, with their values, each list in the order of the rules.
pub(super) type RuleKeys<'a> = BTreeMap<&'a str, Vec<(&'a LabelRule, &'a str)>>;

/// See [`RuleKeys`].
pub(super) fn rule_keys(desired: &Desired) -> RuleKeys<'_> {
    let mut keys = RuleKeys::new();
    for rule in &desired.rules {
        for (key, value) in &rule.set {
            keys.entry(key.as_str()).or_default().push((rule, value.as_str()));
        }
    }
    keys
}

/// What is wanted on one node. Whoever is inserted later wins.
pub(super) fn labels<'a>(keys: &RuleKeys<'a>, matched: &Matched<'a>) -> BTreeMap<&'a str, Want<'a>> {
    let declared = matched.declared;
    let of = |labels: &'a BTreeMap<String, String>, why: Why<'a>| {
        labels.iter().map(move |(key, value)| (key.as_str(), Want::Value(value.as_str(), why)))
    };
    let mut wants: BTreeMap<&str, Want<'_>> = of(&declared.default_labels, Why::Default).collect();
    for (key, rules) in keys {
        match decided(rules, matched.agent) {
            Some(want @ (Want::Value(..) | Want::Undecided(_))) => drop(wants.insert(key, want)),
            Some(want @ Want::Nothing(_)) => drop(wants.entry(key).or_insert(want)),
            None => {}
        }
    }
    wants.extend(of(&declared.labels, Why::Declared));
    let topology = [(TWINS[0].0, &declared.zone), (TWINS[1].0, &declared.region)];
    let named = topology.into_iter().filter(|(_, value)| !value.is_empty());
    wants.extend(named.map(|(key, value)| (key, Want::Value(value.as_str(), Why::Topology))));
    old_forms(&mut wants, matched);
    wants
}

/// Where the old form of a key exists, it gets the same: the cloud node controller copies it over the stable one.
fn old_forms<'a>(wants: &mut BTreeMap<&'a str, Want<'a>>, matched: &Matched<'a>) {
    for (stable, old) in TWINS {
        if let Some(want) = wants.get(stable).copied().filter(|_| matched.node.labels.contains_key(old)) {
            wants.insert(old, want);
        }
    }
}

/// The first rule that is settled true decides; one before it that is not settled leaves it open.
fn decided<'a>(rules: &[(&'a LabelRule, &'a str)], agent: &NodeObserved) -> Option<Want<'a>> {
    for (rule, value) in rules {
        match agent.rules.get(&rule.text).and_then(|judged| judged.settled) {
            Some(true) => return Some(Want::Value(value, Why::Rule(&rule.text))),
            Some(false) => {}
            None => return Some(Want::Undecided(rule)),
        }
    }
    rules.first().map(|(rule, _)| Want::Nothing(rule))
}

/// Whether the rule says that its label goes whoever uses it.
pub(super) fn goes_gladly(rule: &LabelRule) -> bool {
    match rule.on_false {
        OnFalse::Remove => true,
        OnFalse::Ask => false,
    }
}
