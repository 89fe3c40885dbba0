//! Errors of the host seam: why a recorded host cannot be used, and what an errno means to a probe.

use std::{io, path::PathBuf};

use coord_model::Unknown;
use nix::errno::Errno;

/// Why a recorded host cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    /// The folder or a file in it cannot be read.
    #[error("cannot read {path}\nhint: a recorded host is made by: coord-agent record DIR", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The answers are not valid.
    #[error("{path} is not a valid file of answers", path = .path.display())]
    Answers {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The answers have another schema.
    #[error("{path} has schema {found}, this version reads schema {expected}", path = .path.display())]
    Schema {
        /// Which.
        path: PathBuf,
        /// What it says.
        found: u32,
        /// What is read.
        expected: u32,
    },
}

/// What `errno` at `path` means to a probe.
pub(super) fn unknown(path: &str, errno: Errno) -> Unknown {
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => Unknown::absent(format!("{path} is not there")),
        Errno::EACCES | Errno::EPERM => Unknown::denied(format!("{path}: permission denied ({errno:?})")),
        other => Unknown::error(format!("{path}: {} ({other:?})", other.desc())),
    }
}

/// The same for an error of the standard library.
pub(crate) fn unknown_io(path: &str, error: &io::Error) -> Unknown {
    match error.raw_os_error() {
        Some(number) => unknown(path, Errno::from_raw(number)),
        None => Unknown::error(format!("{path}: {error}")),
    }
}
