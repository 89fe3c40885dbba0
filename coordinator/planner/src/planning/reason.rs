//! The words for what is held back. What a person decides one by one has a wait of its own; what waits for one and the
//! same thing has one wait together, so that a thousand changes are not a thousand lines.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{
    Turn, consent, gate, users,
    wish::{Need, Verdict, Wish},
};
use crate::{Pause, TimedWait, WriteLease};

/// What a person types to agree.
const APPLY: &str = "coordctl apply";

/// The stable word of a wait.
pub(super) const fn of(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Act { .. } => "done",
        Verdict::Ask(_) => "approval",
        Verdict::Off => "policy-off",
        Verdict::Paused(_) => "paused",
        Verdict::NoLease => "no-lease",
        Verdict::Survey => "survey",
        Verdict::Refused => "refused",
    }
}

/// The wait of one change, where it has its own.
pub(super) fn alone(turn: &Turn<'_>, wish: &Wish) -> Option<TimedWait> {
    let change = &wish.change;
    let wait = |why: &str| TimedWait::new(change.subject(), of(&wish.verdict), format!("{change}: {why}"));
    match &wish.verdict {
        Verdict::Survey => Some(match &turn.observed.kubernetes.survey_refusal {
            None => wait("who uses it is being asked"),
            Some(refusal) => {
                let wait = wait(&format!("the cluster does not say who uses it: {}", refusal.why));
                refusal.hint.iter().fold(wait, TimedWait::hint)
            }
        }),
        Verdict::Ask(Need::FirstTurn) => None,
        Verdict::Ask(Need::Brake) if !is_used(turn, wish) => None,
        Verdict::Ask(need) => Some(wait(&asks(turn, *need, wish)).hint(APPLY)),
        Verdict::Act { .. } | Verdict::Off | Verdict::Paused(_) | Verdict::NoLease | Verdict::Refused => None,
    }
}

fn is_used(turn: &Turn<'_>, wish: &Wish) -> bool {
    let survey = users::asked(&wish.change).and_then(|at| turn.observed.kubernetes.surveys.get(&at));
    survey.is_some_and(|survey| users::others(survey).next().is_some())
}

fn asks(turn: &Turn<'_>, need: Need, wish: &Wish) -> String {
    let survey = users::asked(&wish.change).and_then(|at| turn.observed.kubernetes.surveys.get(&at));
    let used = survey.map(users::words).filter(|words| !words.is_empty());
    let used = used.map_or_else(String::new, |words| format!(", used by {words}"));
    let why = match need {
        Need::FirstTurn => "the first turn in this cluster",
        Need::Policy => "the policy of labels is approve",
        Need::Place => "volumes and spread constraints rely on it",
        Need::Users => "somebody relies on it",
        Need::Evicts => "pods on the node that do not tolerate it are evicted",
        Need::Brake => "within 10 minutes more than one node would lose something",
    };
    format!("needs approval, {why}{used}")
}

/// What several changes wait for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    FirstTurn,
    Brake,
    Off,
    NoLease,
    Paused(String),
    Refused(String),
}

/// Changes that wait for the same thing, counted.
#[derive(Default)]
pub(super) struct Together {
    groups: BTreeMap<Group, (usize, BTreeSet<String>)>,
}

impl Together {
    /// Counts a wish that waits together with others.
    pub(super) fn count(&mut self, wish: &Wish) {
        let group = match &wish.verdict {
            Verdict::Act { .. } | Verdict::Survey => return,
            Verdict::Ask(Need::FirstTurn) => Group::FirstTurn,
            Verdict::Ask(Need::Brake) => Group::Brake,
            Verdict::Ask(Need::Policy | Need::Place | Need::Users | Need::Evicts) => return,
            Verdict::Off => Group::Off,
            Verdict::Paused(by) => Group::Paused(by.clone()),
            Verdict::NoLease => Group::NoLease,
            Verdict::Refused => Group::Refused(wish.change.node().to_string()),
        };
        let (changes, nodes) = self.groups.entry(group).or_default();
        *changes += 1;
        nodes.insert(wish.change.node().to_string());
    }

    /// One wait for each thing.
    pub(super) fn waits(self, turn: &Turn<'_>) -> Vec<TimedWait> {
        self.groups.into_iter().filter_map(|(group, (changes, nodes))| wait(turn, group, changes, &nodes)).collect()
    }
}

fn wait(turn: &Turn<'_>, group: Group, changes: usize, nodes: &BTreeSet<String>) -> Option<TimedWait> {
    let many = format!("{} on {}", counted(changes, "change"), counted(nodes.len(), "node"));
    let cluster = |verdict: &Verdict, why: &str| TimedWait::new(gate::SUBJECT, of(verdict), format!("{many}: {why}"));
    match group {
        Group::FirstTurn => {
            let why = "need approval, Coord has changed nothing in this cluster before";
            Some(cluster(&Verdict::Ask(Need::FirstTurn), why).hint(APPLY))
        }
        Group::Brake => {
            let lately = turn.observed.decisions.taken.iter().map(|taken| taken.node.as_str());
            let all: BTreeSet<&str> = lately.chain(nodes.iter().map(String::as_str)).collect();
            let why = format!("need approval, within 10 minutes {} would lose something", named(&all));
            Some(cluster(&Verdict::Ask(Need::Brake), &why).hint(APPLY))
        }
        Group::Off => {
            let why = "not made, the policy of labels is off";
            Some(cluster(&Verdict::Off, why).hint("set `policy.labels` in the cluster file"))
        }
        Group::NoLease => {
            let (why, hint) = no_lease(&turn.observed.kubernetes.lease);
            let wait = cluster(&Verdict::NoLease, &why);
            Some(hint.iter().fold(wait, TimedWait::hint))
        }
        Group::Paused(subject) => {
            let pause = turn.observed.decisions.paused.get(&subject)?;
            Some(paused(&subject, &many, pause))
        }
        Group::Refused(node) => {
            let refusal = turn.observed.kubernetes.refusals.get(&node)?;
            let message =
                format!("{}: the cluster refused the last write: {}", counted(changes, "change"), refusal.why);
            let until = consent::refused(turn, &node);
            let wait = TimedWait::new(format!("node/{node}"), of(&Verdict::Refused), message).until(until);
            Some(refusal.hint.iter().fold(wait, TimedWait::hint))
        }
    }
}

/// The first three of them, and how many more.
fn named(nodes: &BTreeSet<&str>) -> String {
    let shown: Vec<&str> = nodes.iter().take(3).copied().collect();
    match nodes.len().saturating_sub(shown.len()) {
        // Of the others it is being asked who uses what they would lose.
        0 if nodes.len() < 2 => format!("{} and others", shown.join("")),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn no_lease(lease: &WriteLease) -> (String, Option<String>) {
    match lease {
        WriteLease::Held { .. } => ("the Lease ran out and is being renewed".into(), None),
        WriteLease::Asking => ("the Lease is being asked for".into(), None),
        WriteLease::Other { holder } => {
            (format!("{holder} holds the Lease"), Some("stop one of the two coordinators".into()))
        }
        WriteLease::Refused { why, hint } => (format!("the Lease cannot be had: {why}"), hint.clone()),
    }
}

fn paused(subject: &str, many: &str, pause: &Pause) -> TimedWait {
    let reason = if pause.reason.is_empty() { String::new() } else { format!(" ({})", pause.reason) };
    let message = format!("{many}: paused by {}{reason}", pause.by);
    let shown = if subject.is_empty() { "everything" } else { subject };
    let resume = format!("coordctl resume {subject}");
    TimedWait::new(shown, of(&Verdict::Paused(String::new())), message).hint(resume.trim_end())
}

fn counted(number: usize, noun: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{many}")
}
