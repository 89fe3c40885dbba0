//! Runs all tests, lets their output through, and ends with one line of counts.
//!
//! A skipped test passes for its harness; it is counted as skipped and not as passed. Under `CI=true` every skip must
//! stand in `tests/allowed-skips.txt`, so that nobody takes a machine without tools for a machine without faults.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
};

mod allowed;
mod tally;

use allowed::Allowed;
use tally::Tally;

/// Runs `cargo test` over the workspace, with these arguments behind.
pub fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    match run(arguments) {
        Ok(verdict) => verdict,
        Err(error) => {
            say(&format!("error: the tests cannot be run: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl Iterator<Item = String>) -> std::io::Result<ExitCode> {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("allowed-skips.txt");
    let allowed = Allowed::parse(&std::fs::read_to_string(list)?).map_err(std::io::Error::other)?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--workspace", "--no-fail-fast"]).args(arguments);
    let mut child = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut tally = stream(&mut child)?;
    if !child.wait()?.success() {
        tally.broken();
    }
    say(&tally.details());
    let strict = std::env::var_os("CI").is_some_and(|value| value == "true");
    let refused = if strict { allowed.refuse(&tally) } else { Vec::new() };
    for line in &refused {
        say(&format!("error: {line}"));
    }
    if tally.passed() == 0 {
        say("error: no test has run");
    }
    say(&tally.to_string());
    let good = tally.failed() == 0 && tally.passed() > 0 && refused.is_empty();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lets every line through and keeps count.
fn stream(child: &mut Child) -> std::io::Result<Tally> {
    let mut tally = Tally::default();
    let Some(output) = child.stdout.take() else { return Ok(tally) };
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        say(&line);
        tally.line(&line);
    }
    Ok(tally)
}

/// A reader that left does not end the tests.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
