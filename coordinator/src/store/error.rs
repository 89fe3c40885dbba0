//! How the store fails, apart from refusals that belong to one subject.

use std::{io, path::PathBuf};

use rusqlite::ErrorCode;

/// The store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, fails or turned read-only. Reading still works.
    #[error("the store cannot be written (hint: make room on the file system of the data folder)")]
    Full(#[source] rusqlite::Error),
    /// The file is not a database, or its pages contradict each other.
    #[error("database {} is damaged: {detail} (hint: restore a backup with `coordinator restore FILE`)", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the check said.
        detail: String,
    },
    /// A newer version wrote it.
    #[error("database {} has schema {found}, this version knows up to {known} (hint: install the newer version again)", path.display())]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema of this version.
        known: u32,
    },
    /// A line of the revocations file makes no sense.
    #[error("line {line} of {} is not a revocation (hint: it reads `KEY-ID SERIAL TIME`; remove the line if it was edited by hand)", path.display())]
    Revocations {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// A file beside the database could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A stored value cannot be understood.
    #[error("the store holds {what} that this version cannot read")]
    Unreadable {
        /// Which value.
        what: String,
    },
    /// The thread of the database is gone.
    #[error("the store has stopped")]
    Stopped,
    /// Anything else that SQLite says.
    #[error("the store failed")]
    Broken(#[source] rusqlite::Error),
}

impl StoreError {
    /// A failure of a file beside the database.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Whether nothing can be written for now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full(_) => true,
            Self::File { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::ReadOnlyFilesystem)
            }
            Self::Damaged { .. }
            | Self::TooNew { .. }
            | Self::Revocations { .. }
            | Self::Unreadable { .. }
            | Self::Stopped
            | Self::Broken(_) => false,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::ReadOnly) => Self::Full(error),
            _ => Self::Broken(error),
        }
    }
}

/// What every error that may come out of the store's thread can be asked.
pub trait StoreFailure: From<StoreError> + From<rusqlite::Error> {
    /// The store's own failure, unless this is a refusal.
    fn store_error(&self) -> Option<&StoreError>;
}

impl StoreFailure for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

/// Lets an error enum with a variant `Store(StoreError)` come out of the store's thread.
macro_rules! store_failure {
    ($error:ty) => {
        impl From<rusqlite::Error> for $error {
            fn from(error: rusqlite::Error) -> Self {
                Self::Store(error.into())
            }
        }

        impl $crate::store::StoreFailure for $error {
            fn store_error(&self) -> Option<&$crate::store::StoreError> {
                if let Self::Store(error) = self { Some(error) } else { None }
            }
        }
    };
}

pub(super) use store_failure;
