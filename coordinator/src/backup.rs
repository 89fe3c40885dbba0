//! Backup and restore: one file that is a whole coordinator, its authority's key included.
//!
//! The file is a SQLite database with one table more, or that sealed with a passphrase. A restore makes a coordinator
//! that agents can tell from the old one (the epoch), that no old token opens, and that forgot no revocation.

use std::{
    io,
    path::{Path, PathBuf},
};

use coord_model::Wall;
use coord_proto::write_private;
use zeroize::Zeroizing;

mod copy;
mod restore;
mod scratch;
mod seal;

use crate::{authority::AuthorityError, folder::FolderError, lock::LockError, store::StoreError};

pub use restore::{Restored, restore};

/// A backup cannot be made or put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no coordinator to back up.
    #[error("{} holds no coordinator (hint: name its data folder with --data)", folder.display())]
    NothingThere {
        /// The folder.
        folder: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a backup of a coordinator: {message}", path.display())]
    NotABackup {
        /// The file.
        path: PathBuf,
        /// Why it is not.
        message: String,
    },
    /// The file is sealed and no passphrase was given.
    #[error("{} is sealed with a passphrase (hint: run the same on a terminal, it will ask)", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is wrong or the file was changed.
    #[error("the passphrase does not open {}, or the file is damaged", path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random number.
    #[error("the system gave no random number")]
    Random,
    /// Something is in the way.
    #[error("{} holds a coordinator already (hint: `coordinator restore FILE --replace` puts the backup in its place)", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A coordinator runs.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl BackupError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// Writes a backup of the coordinator in `folder` to `file`, mode 0600, replacing it whole. The coordinator may run.
///
/// # Errors
/// When the folder holds no coordinator, or something cannot be read or written; an older `file` is then untouched.
pub fn backup(folder: &Path, file: &Path, passphrase: Option<&str>, now: Wall) -> Result<(), BackupError> {
    let plain = Zeroizing::new(copy::of_folder(folder, now)?);
    let contents = match passphrase {
        Some(passphrase) => Zeroizing::new(seal::seal(&plain, passphrase)?),
        None => plain,
    };
    write_private(file, &contents, None).map_err(BackupError::file(file))
}
