//! `coordctl manual`: the manual pages, from the same words as `--help`.

use clap::CommandFactory;

use crate::{
    arguments::{Arguments, Manual},
    failure::{Exit, Failure},
};

/// Writes one page for coordctl and one for each of its verbs.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn run(arguments: &Manual) -> Result<Exit, Failure> {
    let written = clap_mangen::generate_to(Arguments::command(), &arguments.folder);
    written.map_err(|error| Failure::new("cannot write the manual pages").because(&error))?;
    Ok(Exit::Fine)
}
