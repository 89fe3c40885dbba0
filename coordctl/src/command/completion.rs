//! `coordctl completion`: what a shell needs to complete the verbs.

use clap::CommandFactory;

use crate::{
    arguments::{Arguments, Completion},
    failure::{Exit, Failure},
    output::Output,
};

/// Writes it.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn run(arguments: &Completion, output: &Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "coordctl", &mut script);
    output.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
