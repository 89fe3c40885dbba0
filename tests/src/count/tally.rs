//! What the output of `cargo test` says, counted.

use std::fmt;

use crate::skip::MARK;

/// Counts over all test programs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    succeeded: usize,
    failed: usize,
    ignored: usize,
    crashed: usize,
    failures: Vec<String>,
    /// Name and reason.
    skips: Vec<(String, String)>,
}

impl Tally {
    /// Takes a line of output into account.
    pub(super) fn line(&mut self, line: &str) {
        if let Some(skip) = line.strip_prefix(MARK) {
            let (name, reason) = skip.split_once(": ").unwrap_or((skip, ""));
            self.skips.push((name.to_owned(), reason.to_owned()));
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.succeeded += number_before(result, " passed");
            self.failed += number_before(result, " failed");
            self.ignored += number_before(result, " ignored");
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_owned());
        }
    }

    /// Cargo ended badly: if no test said so, a test program crashed or was not built.
    pub(super) fn broken(&mut self) {
        if self.failed == 0 {
            self.crashed = 1;
        }
    }

    /// Tests that ran and were good.
    pub(super) fn passed(&self) -> usize {
        self.succeeded.saturating_sub(self.skips.len())
    }

    /// Tests that were not good, or one for programs that crashed or were not built.
    pub(super) fn failed(&self) -> usize {
        self.failed + self.crashed
    }

    /// Names and reasons of skips; tests that are marked as ignored have neither.
    pub(super) fn skips(&self) -> impl Iterator<Item = (&str, &str)> {
        self.skips.iter().map(|(name, reason)| (name.as_str(), reason.as_str()))
    }

    /// How many tests are marked as ignored.
    pub(super) fn ignored(&self) -> usize {
        self.ignored
    }

    /// The names behind the counts.
    pub(super) fn details(&self) -> String {
        let mut text = String::new();
        for (name, reason) in self.skips() {
            text.push_str(&format!("skipped  {name}: {reason}\n"));
        }
        for name in &self.failures {
            text.push_str(&format!("failed   {name}\n"));
        }
        if self.crashed > 0 {
            text.push_str("failed   a test program crashed or was not built, see above\n");
        }
        text
    }
}

/// The closing line.
impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = self.skips.len() + self.ignored;
        write!(formatter, "{} passed, {} failed, {skipped} skipped", self.passed(), self.failed())
    }
}

/// The number that ends where `unit` begins, or 0.
fn number_before(text: &str, unit: &str) -> usize {
    let Some(end) = text.find(unit) else { return 0 };
    let digits = text[..end].rsplit(|letter: char| !letter.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &str) -> Tally {
        let mut tally = Tally::default();
        lines.lines().for_each(|line| tally.line(line));
        tally
    }

    #[test]
    fn all_test_programs_are_added_up() {
        let tally = tally(
            "test a ... ok\ntest b ... FAILED\n\
             test result: FAILED. 11 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s\n\
             test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s\n",
        );
        assert_eq!(tally.to_string(), "16 passed, 1 failed, 2 skipped");
        assert_eq!(tally.details(), "failed   b\n");
    }

    #[test]
    fn a_skip_is_not_a_pass() {
        let tally =
            tally("test-skipped: fsync: strace: not found\n\ntest result: ok. 3 passed; 0 failed; 0 ignored;\n");
        assert_eq!(tally.to_string(), "2 passed, 0 failed, 1 skipped");
        assert_eq!(tally.skips().collect::<Vec<_>>(), [("fsync", "strace: not found")]);
    }

    #[test]
    fn a_crash_without_a_result_is_a_failure() {
        let mut tally = tally("test result: ok. 3 passed; 0 failed; 0 ignored;\n");
        tally.broken();
        assert_eq!(tally.to_string(), "3 passed, 1 failed, 0 skipped");
    }
}
