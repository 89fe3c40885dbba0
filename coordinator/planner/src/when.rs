//! The language of label rules: small, typed, three-valued, checked when the cluster file is read.
//!
//! A term asks one fact of a node's report. What is not there is false (no GPU is not usable), what was not reported is
//! unknown. All `gpu` terms of one rule are about one GPU: the rule is true when there is a GPU for which it is.

use alloc::{boxed::Box, string::String};

mod fact;
mod parse;
mod read;
mod truth;

pub use fact::{Fact, Kind};
pub use parse::ParseFailure;
pub use truth::Truth;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    Different,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// A value written in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// Between double quotes.
    Text(String),
    /// A whole number; `KiB`, `MiB`, `GiB` and `TiB` multiply it.
    Number(u64),
    /// `true` or `false`.
    Truth(bool),
}

/// What a rule asks of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// A fact that is true or false.
    Is(Fact),
    /// A fact against a value of its kind.
    Compare(Fact, Comparison, Literal),
    /// Whether a text matches a regular expression, anywhere in it.
    Matches(Fact, String),
    /// Whether a list has this text.
    Contains(Fact, String),
    /// The opposite.
    Not(Box<Self>),
    /// Both.
    And(Box<Self>, Box<Self>),
    /// At least one.
    Or(Box<Self>, Box<Self>),
}

impl When {
    /// Reads a rule.
    ///
    /// # Errors
    /// When it is no expression of this language, names a fact that does not exist, or does not type; with its place.
    pub fn parse(text: &str) -> Result<Self, ParseFailure> {
        parse::parse(text)
    }

    /// Whether any term is about a GPU.
    #[must_use]
    pub fn about_gpu(&self) -> bool {
        match self {
            Self::Is(fact) | Self::Compare(fact, _, _) | Self::Matches(fact, _) | Self::Contains(fact, _) => {
                fact.about_gpu()
            }
            Self::Not(inner) => inner.about_gpu(),
            Self::And(one, other) | Self::Or(one, other) => one.about_gpu() || other.about_gpu(),
        }
    }
}

#[cfg(test)]
mod tests;
