//! Entries with a symbol, a subject, a wrapped sentence, a code at the right edge and a hint below.

use coord_model::{Action, PlannedChange, Problem, Severity, Wait};
use jiff::Timestamp;

use super::{
    paint::{Tone, paint},
    text::{age, length, subject, wrap},
};

/// One entry of a block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    symbol: &'static str,
    tone: Tone,
    subject: String,
    text: String,
    code: Option<String>,
    hint: Option<String>,
}

impl Entry {
    /// Something wrong with `node`, or with its own subject where that is not a node's affair.
    pub(crate) fn problem(owner: Option<&str>, problem: &Problem) -> Self {
        let (symbol, tone) = mark(problem);
        let (subject, text) = placed(&problem.subject, &problem.message);
        Self {
            symbol,
            tone,
            subject: owner.unwrap_or(subject).to_owned(),
            text: told(&text, problem),
            code: Some(problem.code.to_string()),
            hint: problem.hint.clone(),
        }
    }

    /// Something that is being done.
    pub(crate) fn action(action: &Action) -> Self {
        let time = format!("{} of {:.0}s", age(action.elapsed_seconds), action.deadline_seconds);
        let (subject, text) = placed(&action.subject, &action.message);
        Self {
            symbol: ">",
            tone: Tone::Active,
            subject: subject.to_owned(),
            text: format!("{text}, {time}"),
            code: None,
            hint: None,
        }
    }

    /// A change of a plan.
    pub(crate) fn change(change: &PlannedChange) -> Self {
        let (symbol, tone) = match change.symbol.as_str() {
            "+" => ("+", Tone::Good),
            "~" => ("~", Tone::Active),
            "-" => ("-", Tone::Warning),
            _ => ("?", Tone::Plain),
        };
        let (subject, text) = (change.node.clone(), change.message.clone());
        Self { symbol, tone, subject, text, code: None, hint: None }
    }

    /// Something that is waited for, and how long that takes where it is known.
    pub(crate) fn wait(wait: &Wait, now: Timestamp) -> Self {
        let (subject, text) = placed(&wait.subject, &wait.message);
        let left = wait.until.as_ref().and_then(|until| until.parse().ok()).map(|until| left(until, now));
        Self {
            symbol: ".",
            tone: Tone::Plain,
            subject: subject.to_owned(),
            text: text + &left.unwrap_or_default(),
            code: None,
            hint: wait.hint.clone(),
        }
    }
}

/// `, 6s left`; nothing when it is over.
fn left(until: Timestamp, now: Timestamp) -> String {
    let seconds = until.duration_since(now).as_secs_f64().ceil();
    if seconds > 0.0 { format!(", {} left", age(seconds)) } else { String::new() }
}

/// Whose entry it is and what stands in it: a label or taint of a node is the node's affair.
fn placed<'a>(whole: &'a str, message: &str) -> (&'a str, String) {
    let parts: Vec<&str> = whole.splitn(3, '/').collect();
    match parts.as_slice() {
        [_, node, key] if matches!(parts.first(), Some(&("label" | "taint"))) => {
            let kind = parts.first().copied().unwrap_or_default();
            let text = if message.contains(key) { message.to_owned() } else { format!("{kind} {key}: {message}") };
            (node, text)
        }
        _ => (subject(whole), message.to_owned()),
    }
}

/// Symbol and colour of a problem; one that somebody accepted is marked with an `a`.
pub(crate) fn mark(problem: &Problem) -> (&'static str, Tone) {
    match problem.accepted {
        Some(_) => ("a", Tone::Plain),
        None => (problem.severity.symbol(), tone(problem.severity)),
    }
}

/// The sentence of a problem, and who accepted it until when and why.
pub(crate) fn told(sentence: &str, problem: &Problem) -> String {
    let Some(accepted) = &problem.accepted else { return sentence.to_owned() };
    let day = accepted.until.split('T').next().unwrap_or_default();
    format!("{sentence}; accepted until {day} by {}: {}", accepted.by, accepted.reason)
}

/// The colour of a severity.
pub(crate) fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Warning,
        Severity::Info | Severity::Unrecognised(_) => Tone::Plain,
    }
}

/// A subject that is longer has a line of its own, and does not push every sentence to the right.
const LONG: usize = 16;

/// Room for the longest subject of several blocks, so that their sentences stand under each other.
pub(crate) fn subject_columns<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> usize {
    let lengths = entries.into_iter().map(|entry| length(&entry.subject));
    lengths.filter(|length| *length <= LONG).max().unwrap_or(0) + 3
}

/// A heading and its entries; nothing when there are none.
pub(crate) fn block(title: &str, entries: &[Entry], subject_columns: usize, columns: usize) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", paint(Tone::Strong, title));
    for entry in entries {
        text.push_str(&lines(entry, subject_columns, columns));
    }
    text
}

fn lines(entry: &Entry, subject_columns: usize, columns: usize) -> String {
    let indent = 5 + subject_columns;
    let room = columns.saturating_sub(indent).max(24);
    let mut sentence = wrap(&entry.text, room);
    if let Some(code) = &entry.code {
        at_right_edge(&mut sentence, code, room);
    }
    let mut text = format!("  {}  {:subject_columns$}", paint(entry.tone, entry.symbol), entry.subject);
    if length(&entry.subject) >= subject_columns {
        text.push_str(&format!("\n{:indent$}", ""));
    }
    text.push_str(&sentence.join(&format!("\n{:indent$}", "")));
    text.push('\n');
    for line in entry.hint.iter().flat_map(|hint| super::text::hint(indent, hint, columns)) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The code ends at the right edge: on the last line where it fits with two spaces before it, else on its own.
fn at_right_edge(sentence: &mut Vec<String>, code: &str, room: usize) {
    match sentence.last_mut() {
        Some(last) if length(last) + 2 + length(code) <= room => {
            let gap = room - length(last) - length(code);
            last.push_str(&format!("{:gap$}{code}", ""));
        }
        Some(_) | None => sentence.push(format!("{code:>room$}")),
    }
}
