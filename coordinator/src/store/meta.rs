//! What is true of the coordinator as a whole: who it is, its epoch, the newest time it could trust.

use coord_model::Wall;
use rusqlite::{Connection, OptionalExtension};

use super::{Database, StoreError};

/// Which coordinator this is: drawn when its database was made, kept by backup and restore.
///
/// # Errors
/// When the store cannot be read.
pub fn instance(database: &Database) -> Result<String, StoreError> {
    read(database.sql(), "instance")?.ok_or_else(|| StoreError::Unreadable { what: "no instance".into() })
}

/// Raised by each restore, so that agents know the newer coordinator.
///
/// # Errors
/// When the store cannot be read.
pub fn epoch(database: &Database) -> Result<u64, StoreError> {
    number(database.sql(), "epoch")?.ok_or_else(|| StoreError::Unreadable { what: "no epoch".into() })
}

/// The newest time that was seen while the clock could be trusted; none before the first.
///
/// # Errors
/// When the store cannot be read.
pub fn newest_trusted(database: &Database) -> Result<Option<Wall>, StoreError> {
    Ok(number(database.sql(), "newest_trusted")?.map(Wall))
}

/// Remembers `time` as the newest trusted one, even when it is earlier: that is how a clock is accepted.
///
/// # Errors
/// When the store cannot be written.
pub fn remember_trusted(database: &mut Database, time: Wall) -> Result<(), StoreError> {
    write(database, "newest_trusted", &time.0.to_string())
}

/// SHA-256 of the authority's public key info that belongs to this database, in hexadecimal; none before the first
/// start was finished.
///
/// # Errors
/// When the store cannot be read.
pub fn authority(database: &Database) -> Result<Option<String>, StoreError> {
    read(database.sql(), "authority")
}

/// Remembers which authority belongs to this database.
///
/// # Errors
/// When the store cannot be written.
pub fn remember_authority(database: &mut Database, pin: &str) -> Result<(), StoreError> {
    write(database, "authority", pin)
}

pub(crate) fn read(sql: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    Ok(sql.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?)
}

pub(crate) fn number<T: std::str::FromStr>(sql: &Connection, key: &str) -> Result<Option<T>, StoreError> {
    let Some(text) = read(sql, key)? else {
        return Ok(None);
    };
    let unreadable = |_| StoreError::Unreadable { what: format!("{key} {text:?}") };
    text.parse().map(Some).map_err(unreadable)
}

fn write(database: &mut Database, key: &str, value: &str) -> Result<(), StoreError> {
    database.write(|writing| put(&writing.sql, key, value))
}

pub(crate) fn put(sql: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    sql.execute("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2", [key, value])?;
    Ok(())
}
