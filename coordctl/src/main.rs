//! coordctl: says what is wrong in a homelab, what is being done about it, and what it waits for.
//!
//! stdout is data, stderr is talk; the exit code says the rest (DESIGN section 8).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod answer;
mod arguments;
mod cache;
mod command;
mod connection;
mod failure;
mod folders;
mod output;
mod place;
mod redaction;
mod saved;
mod secret;
mod show;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    arguments::Arguments,
    failure::{Exit, Failure},
    output::Output,
    place::Place,
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(&arguments.common);
    let exit = match run(arguments, &output) {
        Ok(exit) => exit,
        Err(failure) => {
            output.failure(&failure);
            failure.exit
        }
    };
    ExitCode::from(exit.number())
}

/// One thread is enough for a program that waits for one answer.
fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    output.format()?;
    let typed = command::ask(&arguments.verb, output)?;
    let place = Place::choose(&arguments.common, &place::environment);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new("cannot start").because(&error))?;
    runtime.block_on(async {
        tokio::select! {
            ended = Box::pin(command::run(arguments.verb, typed, place, output)) => ended,
            _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
        }
    })
}
