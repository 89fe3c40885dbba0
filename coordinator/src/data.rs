//! The data folder as a whole: lock, database and authority that belong together, or a reason not to start.

use std::path::{Path, PathBuf};

use coord_model::Wall;
use coord_proto::token::hexadecimal;

use crate::{
    authority::{Authority, AuthorityError, CERTIFICATE_FILE, KEY_FILE},
    folder::{self, FolderError},
    lock::{Lock, LockError},
    store::{DATABASE_FILE, Database, StoreError, meta},
};

/// The coordinator cannot start on this folder.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The folder itself.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Somebody else works with it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The database is gone, its authority is not.
    #[error("data folder {} has an authority but no database (hint: `coordinator restore FILE --replace` puts a backup back; to begin anew, move {KEY_FILE} and {CERTIFICATE_FILE} away, and every node must join again)", folder.display())]
    DatabaseMissing {
        /// The folder.
        folder: PathBuf,
    },
    /// The authority is gone, its database is not.
    #[error("data folder {} has a database but no {missing} (hint: `coordinator restore FILE --replace` puts a backup back; to begin anew, move {DATABASE_FILE} away, and every node must join again)", folder.display())]
    AuthorityMissing {
        /// The folder.
        folder: PathBuf,
        /// The file that is not there.
        missing: &'static str,
    },
    /// Two halves of different coordinators.
    #[error("database and authority in {} do not belong together (hint: `coordinator restore FILE --replace`)", folder.display())]
    Mixed {
        /// The folder.
        folder: PathBuf,
    },
}

/// A data folder that is ours.
#[derive(Debug)]
pub struct Data {
    /// Keeps others away while it lives.
    pub lock: Lock,
    /// The checked database, for [`crate::store::Store::run`].
    pub database: Database,
    /// The authority that belongs to it.
    pub authority: Authority,
    /// Whether it was made just now.
    pub fresh: bool,
}

impl Data {
    /// Takes the folder, and makes database and authority if it is a new one.
    ///
    /// The database is made first and remembers its authority last, so that a start that was cut off anywhere is
    /// finished by the next, and a lost half is never taken for a new folder.
    ///
    /// # Errors
    /// Why the coordinator must not start.
    pub fn open(path: &Path, now: Wall) -> Result<Self, DataError> {
        folder::prepare(path)?;
        let lock = Lock::take(path)?;
        let missing = missing_file(path);
        if has_any_authority(path) && lacks_database(path) {
            return Err(DataError::DatabaseMissing { folder: path.into() });
        }
        let mut database = Database::open(path)?;
        let remembered = meta::authority(&database)?;
        let authority = match (&remembered, missing) {
            (Some(_), Some(missing)) => return Err(DataError::AuthorityMissing { folder: path.into(), missing }),
            (None, Some(_)) => Authority::create(path, now)?,
            (Some(_) | None, None) => Authority::open(path)?,
        };
        let pin = hexadecimal(&authority.pin());
        match &remembered {
            Some(known) if *known != pin => return Err(DataError::Mixed { folder: path.into() }),
            Some(_) => (),
            None => meta::remember_authority(&mut database, &pin)?,
        }
        Ok(Self { lock, database, authority, fresh: remembered.is_none() })
    }
}

/// The file of the authority that is not there, if any.
fn missing_file(folder: &Path) -> Option<&'static str> {
    [KEY_FILE, CERTIFICATE_FILE].into_iter().find(|name| !folder.join(name).exists())
}

fn has_any_authority(folder: &Path) -> bool {
    folder.join(KEY_FILE).exists() || folder.join(CERTIFICATE_FILE).exists()
}

/// An empty file is what a failing disk leaves of a database; ours has a schema before there is an authority.
fn lacks_database(folder: &Path) -> bool {
    std::fs::metadata(folder.join(DATABASE_FILE)).map_or(true, |metadata| metadata.len() == 0)
}
