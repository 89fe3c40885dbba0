//! The rules of this project that a program can check: sizes, heads, borders between crates, and docs that are true.

#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

mod borders;
mod docs;
mod source;
mod tree;

/// Fails with every breach of a rule, not only with the first.
fn none(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}
