//! Which labels a node should have: topology over its own labels over the first rule that is true over defaults.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{matching::Matched, ownership::TWINS};
use crate::{Desired, Judged, LabelRule, NodeObserved, OnFalse};

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

/// A rule that could set a label.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The rule.
    pub(super) rule: &'a LabelRule,
    /// The value that it gives.
    pub(super) value: &'a str,
    at: usize,
}

/// The rules by the label that they set, each list in the order of the rules.
pub(super) type RuleKeys<'a> = BTreeMap<&'a str, Vec<Asked<'a>>>;

/// See [`RuleKeys`].
pub(super) fn rule_keys(desired: &Desired) -> RuleKeys<'_> {
    let mut keys = RuleKeys::new();
    for (at, rule) in desired.rules.iter().enumerate() {
        for (key, value) in &rule.set {
            keys.entry(key.as_str()).or_default().push(Asked { rule, value, at });
        }
    }
    keys
}

/// What the rules are judged to be on one node.
pub(super) struct Answers<'a> {
    judged: Vec<Option<&'a Judged>>,
}

impl<'a> Answers<'a> {
    /// Of what an agent reports.
    pub(super) fn new(desired: &Desired, agent: &'a NodeObserved) -> Self {
        Self { judged: desired.rules.iter().map(|rule| agent.rules.get(&rule.text)).collect() }
    }

    /// Of one rule; none while it was not reported.
    pub(super) fn of(&self, asked: &Asked<'_>) -> Option<&'a Judged> {
        self.judged.get(asked.at).copied().flatten()
    }

    /// What may be acted on.
    pub(super) fn settled(&self, asked: &Asked<'_>) -> Option<bool> {
        self.of(asked)?.settled
    }
}

/// What is wanted on one node. Whoever is inserted later wins.
pub(super) fn labels<'a>(
    keys: &RuleKeys<'a>,
    answers: &Answers<'_>,
    matched: &Matched<'a>,
) -> BTreeMap<&'a str, Want<'a>> {
    let declared = matched.declared;
    let of = |labels: &'a BTreeMap<String, String>, why: Why<'a>| {
        labels.iter().map(move |(key, value)| (key.as_str(), Want::Value(value.as_str(), why)))
    };
    let mut wants: BTreeMap<&str, Want<'_>> = of(&declared.default_labels, Why::Default).collect();
    for (key, rules) in keys {
        match decided(rules, answers) {
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
fn decided<'a>(rules: &[Asked<'a>], answers: &Answers<'_>) -> Option<Want<'a>> {
    for asked in rules {
        match answers.settled(asked) {
            Some(true) => return Some(Want::Value(asked.value, Why::Rule(&asked.rule.text))),
            Some(false) => {}
            None => return Some(Want::Undecided(asked.rule)),
        }
    }
    rules.first().map(|asked| Want::Nothing(asked.rule))
}

/// Whether the rule says that its label goes whoever uses it.
pub(super) fn goes_gladly(rule: &LabelRule) -> bool {
    match rule.on_false {
        OnFalse::Remove => true,
        OnFalse::Ask => false,
    }
}
