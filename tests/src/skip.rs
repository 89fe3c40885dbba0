//! A test that cannot run here says so in a form that the runner counts.

use std::io::Write;

/// What such a line begins with.
pub const MARK: &str = "test-skipped: ";

/// Says that the test `name` did not run, and why; the test then returns.
///
/// It is written past the capture of test output, so that the reason is seen although the test counts as passed for
/// its harness, and on a line of its own, since the harness may have begun one.
pub fn skipped(name: &str, reason: &str) {
    let line = format!("\n{MARK}{name}: {reason}\n");
    let mut output = std::io::stdout().lock();
    // A closed output has no reader to tell.
    let _ = output.write_all(line.as_bytes()).and_then(|()| output.flush());
}
