//! How the database file is opened, and SQLite's own check of it.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// How long a backup that runs in another process may hold the file before a write fails.
const BUSY: Duration = Duration::from_secs(5);

/// A connection with the settings that the laws of the store need.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    let settings = configure(&connection);
    settings.map_err(|error| not_a_database(error, path))?;
    Ok(connection)
}

/// A connection that changes nothing.
pub(crate) fn read_only(path: &Path) -> Result<Connection, StoreError> {
    Ok(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

/// Whose database it is; zero for nobody's.
pub(crate) fn application_id(connection: &Connection) -> Result<i32, StoreError> {
    Ok(connection.query_row("PRAGMA application_id", [], |row| row.get(0))?)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Secrets are stored hashed; this keeps even those from lingering in free pages.
    connection.pragma_update(None, "secure_delete", true)
}

/// SQLite's own check of every page and index.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let answer: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| not_a_database(error, path))?;
    if answer == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.into(), detail: answer }) }
}

fn not_a_database(error: rusqlite::Error, path: &Path) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path: path.into(), detail: error.to_string() }
        }
        _ => error.into(),
    }
}
