//! Why a rule's answer is not acted on yet: not known, not steady, changing too often.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

use coord_model::{Boot, Code, Problem};

use super::{
    Turn,
    matching::Matched,
    ownership,
    want::{Answers, Asked, RuleKeys},
};
use crate::{Judged, KubeNode, Plan, TimedWait, Truth, label_subject, span};

/// The reason of a wait for an answer that nobody has given yet.
const UNKNOWN: &str = "fact-unknown";

/// One rule on one Node, and the label that is there.
struct Answer<'a> {
    asked: Asked<'a>,
    judged: &'a Judged,
    live: Option<&'a str>,
    now: Boot,
}

/// A wait and its reason.
type Open = (&'static str, TimedWait);

/// A wait for every label that an answer could change and does not yet, and its reason by key; a problem for every
/// rule that flaps.
pub(super) fn say<'a>(
    turn: &Turn<'a>,
    keys: &RuleKeys<'a>,
    answers: &Answers<'a>,
    matched: &Matched<'a>,
    plan: &mut Plan,
) -> BTreeMap<&'a str, &'static str> {
    let mut reasons = BTreeMap::new();
    let mut unset: Vec<(&str, TimedWait)> = Vec::new();
    for (key, rules) in keys.iter().filter(|(key, _)| !matched.declared.labels.contains_key(**key)) {
        if let Some((reason, wait)) = first(turn, key, rules, answers, matched) {
            reasons.insert(*key, reason);
            if reason == UNKNOWN && !ownership::holds(matched.node, key) {
                unset.push((key, wait));
            } else {
                plan.waits.push(wait);
            }
        }
        plan.problems.extend(rules.iter().filter_map(|asked| flapping(turn, key, asked, answers, matched)));
    }
    plan.waits.extend(together(matched.node, unset));
    reasons
}

/// What could be set were more known: one wait a Node, so that a start is not a wall of them.
fn together(node: &KubeNode, mut unset: Vec<(&str, TimedWait)>) -> Option<TimedWait> {
    if unset.len() < 2 {
        return unset.pop().map(|(_, wait)| wait);
    }
    let keys: Vec<&str> = unset.iter().map(|(key, _)| *key).collect();
    let first = unset.first()?.1.wait.message.trim_end_matches(": nothing is set");
    let message = format!("labels {} are not set: {first}, and so on", keys.join(", "));
    Some(TimedWait::new(format!("node/{}", node.name), UNKNOWN, message))
}

/// The first rule that counts and is not simply settled; rules after the one that decides do not count.
fn first<'a>(
    turn: &Turn<'a>,
    key: &str,
    rules: &[Asked<'a>],
    answers: &Answers<'a>,
    matched: &Matched<'a>,
) -> Option<Open> {
    let node = matched.node;
    for (at, asked) in rules.iter().enumerate() {
        let Some(judged) = answers.of(asked) else {
            return Some(wait(node, key, UNKNOWN, unreported(asked)));
        };
        if judged.frozen.is_none() && at_rest(judged) {
            if judged.settled == Some(true) {
                return None;
            }
            continue;
        }
        let answer = Answer { asked: *asked, judged, live: live(node, key), now: turn.now.boot };
        let rest = rules.get(at + 1..).unwrap_or_default();
        if let Some((reason, message, until)) = answer.open(otherwise(rest, key, answers, matched)) {
            let (reason, wait) = wait(node, key, reason, message);
            return Some((reason, wait.until(until)));
        }
        if judged.settled != Some(false) {
            return None;
        }
    }
    None
}

/// Whether what it says now is what is acted on.
fn at_rest(judged: &Judged) -> bool {
    matches!((&judged.truth, judged.settled), (Truth::True, Some(true)) | (Truth::False, Some(false)))
}

/// The value that Coord keeps there now.
fn live<'a>(node: &'a KubeNode, key: &str) -> Option<&'a str> {
    node.labels.get(key).map(String::as_str).filter(|_| ownership::holds(node, key))
}

/// The value that later rules and the default would give, as far as they are settled.
fn otherwise<'a>(rest: &[Asked<'a>], key: &str, answers: &Answers<'_>, matched: &Matched<'a>) -> Option<&'a str> {
    let next = rest.iter().find(|asked| answers.settled(asked) != Some(false)).map(|asked| asked.value);
    next.or_else(|| matched.declared.default_labels.get(key).map(String::as_str))
}

impl Answer<'_> {
    /// Reason, sentence and end, if this answer is not acted on and would change something.
    fn open(&self, otherwise: Option<&str>) -> Option<(&'static str, String, Option<Boot>)> {
        let label = self.asked.value;
        let text = &self.asked.rule.text;
        if let Some(until) = self.judged.frozen {
            let message = format!(
                "fact {text} changed too often: nothing is changed until it was steady for {}",
                span(crate::QUIET)
            );
            return Some(("fact-flapping", message, Some(until)));
        }
        match (&self.judged.truth, self.judged.settled) {
            (Truth::True, Some(true)) | (Truth::False, Some(false)) | (Truth::Unknown(_), Some(false)) => None,
            (Truth::True, Some(false) | None) => (self.live != Some(label)).then(|| self.steady("true")),
            (Truth::False, Some(true) | None) => (self.live != otherwise).then(|| self.steady("false")),
            (Truth::Unknown(why), Some(true)) => Some(("no-data", self.unknown(why), None)),
            (Truth::Unknown(why), None) => Some((UNKNOWN, self.unknown(why), None)),
        }
    }

    fn steady(&self, answer: &str) -> (&'static str, String, Option<Boot>) {
        let (since, now, text) = (self.judged.since, self.now, &self.asked.rule.text);
        let so_far = span(now.since(since));
        let of = self.judged.settles.map(|end| end.since(since)).filter(|whole| *whole > Duration::ZERO);
        let of = of.map_or_else(String::new, |whole| format!(" of {}", span(whole)));
        ("fact-not-steady", format!("fact {text} is {answer}, steady for {so_far}{of}"), self.judged.settles)
    }

    fn unknown(&self, why: &str) -> String {
        let stays = self.live.map_or_else(|| "nothing is set".to_string(), |live| format!("{live:?} stays"));
        let age = span(self.now.since(self.judged.since));
        format!("fact {} is not known for {age} ({why}): {stays}", self.asked.rule.text)
    }
}

fn unreported(asked: &Asked<'_>) -> String {
    format!("fact {} was not reported yet, {:?} depends on it", asked.rule.text, asked.value)
}

fn wait(node: &KubeNode, key: &str, reason: &'static str, message: String) -> Open {
    (reason, TimedWait::new(label_subject(&node.name, key), reason, message))
}

/// Named after the declared node, as its memory is.
fn flapping(
    turn: &Turn<'_>,
    key: &str,
    asked: &Asked<'_>,
    answers: &Answers<'_>,
    matched: &Matched<'_>,
) -> Option<Problem> {
    let until = answers.of(asked)?.frozen?;
    let subject = label_subject(matched.name, key);
    let (times, within, left) = (crate::CHANGES, span(crate::QUIET), span(until.since(turn.now.boot)));
    let text = &asked.rule.text;
    let message =
        format!("fact {text} changed {times} times within {within}: the label stays as it is for another {left}");
    let hint = format!("coordctl resume {subject}");
    Some(Problem::new(Code::FactFlapping, subject, message).hint(hint))
}
