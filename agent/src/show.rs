//! All text that the agent prints for people: data on stdout, talk on stderr.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

mod latency;
mod report;
mod rows;

pub(crate) use latency::latency;
pub(crate) use report::report;

/// Prints data. A reader that went away is no error: it has seen enough.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints talk: prompts and progress.
pub(crate) fn talk(text: &str) -> io::Result<()> {
    let mut out = io::stderr().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints an error with its causes, and makes its exit code.
pub(crate) fn failure(error: &dyn Error, code: u8) -> ExitCode {
    let text = error.to_string();
    let (what, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
    let mut lines = format!("error: {what}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        lines.push_str(&format!("  because: {error}\n"));
        cause = error.source();
    }
    if !hint.is_empty() {
        lines.push_str(&format!("hint: {hint}\n"));
    }
    // There is nowhere else to say that stderr is gone.
    drop(io::stderr().lock().write_all(lines.as_bytes()));
    ExitCode::from(code)
}
