//! A page of headings and labelled facts, each wrapped under itself.

use coord_model::Unknowns;

use crate::show::{
    paint::{Tone, paint},
    text::{beside, length},
};

/// Where the screen grows.
pub(super) struct Sheet {
    text: String,
    columns: usize,
}

impl Sheet {
    /// Columns that a label takes where it is short enough.
    const LABEL: usize = 11;

    /// An empty page.
    pub(super) fn new(columns: usize) -> Self {
        Self { text: String::new(), columns }
    }

    /// A heading.
    pub(super) fn head(&mut self, title: &str) {
        self.line(&paint(Tone::Strong, title));
    }

    /// A labelled fact.
    pub(super) fn fact(&mut self, label: &str, text: &str) {
        self.indented(2, Self::LABEL, label, text);
    }

    /// A labelled fact below something that has a line of its own.
    pub(super) fn detail(&mut self, label: &str, text: &str) {
        self.indented(4, Self::LABEL + 3, label, text);
    }

    /// A line as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Text as it is.
    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.text
    }

    fn indented(&mut self, indent: usize, room: usize, label: &str, text: &str) {
        let room = if length(label) < room { room } else { length(label) + 2 };
        let before = format!("{:indent$}{label:room$}", "");
        for line in beside(&before, text, self.columns) {
            self.line(&line);
        }
    }
}

/// `unknown (denied): why`, where a reason stands for the field.
pub(super) fn unknown(field: &str, reasons: &Unknowns) -> Option<String> {
    let reason = reasons.get(field)?;
    match reason.message.as_str() {
        "" => Some(format!("unknown ({})", reason.state)),
        message => Some(format!("unknown ({}): {message}", reason.state)),
    }
}

/// The parts that are known, with commas between them.
pub(super) fn list<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}
