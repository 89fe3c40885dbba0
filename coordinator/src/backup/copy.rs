//! The copy of a coordinator as one database: SQLite's online backup, and the authority in a table of its own.

use std::{fs, path::Path, time::Duration};

use coord_model::Wall;
use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::{BackupError, scratch::Scratch};
use crate::{authority, store::DATABASE_FILE};

/// So many pages are copied before the running coordinator may write again.
const PAGES: i32 = 256;

/// The copy as bytes. It is made inside the data folder, which holds the same secrets anyway.
pub(super) fn of_folder(folder: &Path, now: Wall) -> Result<Vec<u8>, BackupError> {
    let source = folder.join(DATABASE_FILE);
    if !source.exists() {
        return Err(BackupError::NothingThere { folder: folder.into() });
    }
    let scratch = Scratch::new(folder, "backup.scratch")?;
    let mut copy = Connection::open(scratch.path())?;
    let from = Connection::open_with_flags(&source, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    from.busy_timeout(Duration::from_secs(5))?;
    Backup::new(&from, &mut copy)?.run_to_completion(PAGES, Duration::from_millis(5), None)?;
    add_authority(&copy, folder, now)?;
    copy.close().map_err(|(_, error)| error)?;
    fs::read(scratch.path()).map_err(BackupError::file(scratch.path()))
}

fn add_authority(copy: &Connection, folder: &Path, now: Wall) -> Result<(), BackupError> {
    let (certificate, key) = authority::files::read(folder)?;
    // One file, without a log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    copy.execute_batch(
        "CREATE TABLE authority (certificate TEXT NOT NULL, key TEXT NOT NULL, made INTEGER NOT NULL) STRICT",
    )?;
    copy.execute("INSERT INTO authority VALUES (?1, ?2, ?3)", (certificate, key.as_str(), now.0))?;
    Ok(())
}
