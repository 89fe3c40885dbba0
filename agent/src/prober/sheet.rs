//! The sheet of paper that a probing child finds on its standard input.

use std::{
    fs,
    io::{self, Seek, Write},
};

use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::probe::Briefing;

/// The briefing in a file without a name: a pipe would have to be fed.
pub(super) fn sheet(briefing: &Briefing, memory: &str) -> io::Result<fs::File> {
    let descriptor = memfd_create("briefing", MFdFlags::MFD_CLOEXEC)?;
    let mut file = fs::File::from(descriptor);
    file.write_all(&briefing.text(memory)?)?;
    file.rewind()?;
    Ok(file)
}
