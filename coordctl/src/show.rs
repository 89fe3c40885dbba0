//! Values into text, with no input and no output: every screen of coordctl is made here and nowhere else.
//!
//! Colours are part of the text; where it is printed decides whether they stay.

mod blocks;
pub(crate) mod check;
pub(crate) mod cluster;
pub(crate) mod declared;
pub(crate) mod explain;
pub(crate) mod failure;
pub(crate) mod lists;
pub(crate) mod node;
mod paint;
pub(crate) mod plan;
pub(crate) mod stale;
pub(crate) mod status;
mod table;
pub(crate) mod text;
pub(crate) mod token;
pub(crate) mod why;

#[cfg(test)]
mod tests;

/// How much room there is, and how much is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Columns of the screen.
    pub(crate) columns: usize,
    /// What time it is, for ages.
    pub(crate) now: jiff::Timestamp,
    /// Whether every column and every unknown value is wanted.
    pub(crate) wide: bool,
}
