//! The reviewed list of tests that may be skipped under CI.

use super::tally::Tally;

/// Names of tests that another target runs.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    names: Vec<String>,
}

impl Allowed {
    /// Lines of `NAME | REASON | TARGET`, and comments that begin with `#`.
    ///
    /// # Errors
    /// Names the line that is something else.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut names = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            match parts[..] {
                [name, reason, target] if ![name, reason, target].contains(&"") => names.push(name.to_owned()),
                _ => return Err(format!("allowed-skips.txt:{}: not NAME | REASON | TARGET", number + 1)),
            }
        }
        Ok(Self { names })
    }

    /// A sentence for each skip that nobody allowed.
    pub(super) fn refuse(&self, tally: &Tally) -> Vec<String> {
        let unknown = tally.skips().filter(|(name, _)| !self.names.iter().any(|allowed| allowed == name));
        let mut lines: Vec<String> =
            unknown.map(|(name, reason)| format!("{name} may not be skipped under CI: {reason}")).collect();
        if tally.ignored() > 0 {
            lines.push(format!("{} tests are marked as ignored; skip with a reason instead", tally.ignored()));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_must_be_listed_with_reason_and_target() {
        let allowed = Allowed::parse("# comment\nfsync | needs strace | make test on Debian\n").unwrap();
        let mut tally = Tally::default();
        tally.line("test-skipped: fsync: no strace");
        assert!(allowed.refuse(&tally).is_empty());
        tally.line("test-skipped: clock: no faketime");
        assert_eq!(allowed.refuse(&tally), ["clock may not be skipped under CI: no faketime"]);
        assert!(Allowed::parse("fsync | needs strace\n").is_err());
    }
}
