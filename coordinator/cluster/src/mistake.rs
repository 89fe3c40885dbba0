//! One thing that is wrong with a cluster file, or unwise.

/// Whether the file can be obeyed all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It cannot: the last good version stays in force.
    Error,
    /// It can.
    Warning,
}

/// A place in the text, both counted from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
    /// Length of what is meant, in characters; at least one.
    pub length: u32,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Error or warning.
    pub weight: Weight,
    /// Where.
    pub place: Place,
    /// What, in one sentence.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Mistake {
    /// Something that cannot be obeyed.
    pub(crate) fn error(place: Place, message: impl Into<String>) -> Self {
        Self { weight: Weight::Error, place, message: message.into(), hint: None }
    }

    /// Something that can be obeyed and looks unwise.
    pub(crate) fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { weight: Weight::Warning, ..Self::error(place, message) }
    }

    /// With what to write instead.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
