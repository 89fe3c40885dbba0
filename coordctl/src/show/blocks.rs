//! Entries with a symbol, a subject, a wrapped sentence, a code at the right edge and a hint below.

use coord_model::{Action, Problem, Severity, Wait};

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
        Self {
            symbol: problem.severity.symbol(),
            tone: tone(problem.severity),
            subject: owner.unwrap_or_else(|| subject(&problem.subject)).to_owned(),
            text: problem.message.clone(),
            code: Some(problem.code.to_string()),
            hint: problem.hint.clone(),
        }
    }

    /// Something that is being done.
    pub(crate) fn action(action: &Action) -> Self {
        let time = format!("{} of {:.0}s", age(action.elapsed_seconds), action.deadline_seconds);
        Self {
            symbol: ">",
            tone: Tone::Active,
            subject: subject(&action.subject).to_owned(),
            text: format!("{}, {time}", action.message),
            code: None,
            hint: None,
        }
    }

    /// Something that is waited for.
    pub(crate) fn wait(wait: &Wait) -> Self {
        Self {
            symbol: ".",
            tone: Tone::Plain,
            subject: subject(&wait.subject).to_owned(),
            text: wait.message.clone(),
            code: None,
            hint: wait.hint.clone(),
        }
    }
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
