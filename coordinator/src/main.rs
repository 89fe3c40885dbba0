//! `coordinator`: arguments in, exit code out.

use std::{io::Write, process::ExitCode};

use clap::Parser;

mod command;

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    match command::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&*error);
            ExitCode::FAILURE
        }
    }
}

/// One line of what, causes indented, then what to type.
fn complain(error: &dyn std::error::Error) {
    let mut hints = Vec::new();
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let whole = error.to_string();
        let (what, hint) = whole.split_once(" (hint: ").unwrap_or((&whole, ""));
        let lead = if text.is_empty() { "error: " } else { "  caused by: " };
        text.push_str(&format!("{lead}{what}\n"));
        hints.extend(hint.strip_suffix(')').map(str::to_owned));
        next = error.source();
    }
    for hint in hints {
        text.push_str(&format!("hint: {hint}\n"));
    }
    // Without a standard error there is nobody to tell.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
