//! What is wrong with the configuration, where, and what was probably meant.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_saphyr::Error as Yaml;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line of it is wrong.
    #[error("{}:{line}:{column}: {message}{}", path.display(), hint_text(.hint.as_ref()))]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// What is wrong.
        message: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// Two settings do not go together, wherever they came from.
    #[error("settings contradict each other: {message}")]
    Contradiction {
        /// Which ones.
        message: String,
    },
}

fn hint_text(hint: Option<&String>) -> String {
    hint.map(|hint| format!(" (hint: {hint})")).unwrap_or_default()
}

impl ConfigError {
    pub(super) fn contradiction(message: &str) -> Self {
        Self::Contradiction { message: message.into() }
    }

    pub(super) fn in_text(error: &Yaml, path: &Path) -> Self {
        let error = error.without_snippet();
        let (message, hint) = described(error);
        let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
        Self::Line { path: path.into(), line, column, message, hint }
    }
}

/// What is wrong, in our words where the kind of mistake is a common one.
fn described(error: &Yaml) -> (String, Option<String>) {
    match error {
        Yaml::SerdeUnknownField { field, expected, .. } => {
            (format!("unknown key {:?}", coord_model::clean(field)), nearest(field, expected))
        }
        Yaml::SerdeUnknownVariant { variant, expected, .. } => (
            format!("{:?} is none of {}", coord_model::clean(variant), expected.join(", ")),
            nearest(variant, expected),
        ),
        Yaml::SerdeInvalidType { unexpected, expected, .. } => (format!("{unexpected} where {expected} belongs"), None),
        Yaml::Message { msg, .. } => (msg.clone(), None),
        other => (first_line(&other.to_string()), None),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The known word that is most like `typed`, or all of them when none is.
fn nearest(typed: &str, known: &[&str]) -> Option<String> {
    let likeness = |word: &str| strsim::jaro_winkler(&typed.to_lowercase(), &word.to_lowercase());
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    if likeness(best) > 0.7 {
        return Some(format!("did you mean {best}?"));
    }
    Some(format!("known are {}", known.join(", ")))
}
