//! Keys that are not let in any more: a table, and a file beside the database that only grows.
//!
//! The file outlives the database: a restored backup is older than some revocations, and they are merged back.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use coord_model::Wall;
use rusqlite::Connection;

use super::{Database, StoreError, database::Writing};

/// The name of the file in the data folder.
pub const REVOCATIONS_FILE: &str = "revocations";

/// One key that is not let in any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The id of the key, as in certificates of nodes.
    pub key_id: String,
    /// The serial number of its newest certificate, in hexadecimal; empty when none is known.
    pub serial: String,
    /// Since when.
    pub time: Wall,
}

impl Revocation {
    fn line(&self) -> String {
        let serial = if self.serial.is_empty() { "-" } else { &self.serial };
        format!("{} {serial} {}\n", self.key_id, self.time.0)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (key_id, serial, time) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
        let serial = if serial == "-" { "" } else { serial };
        let whole = words.next().is_none() && !key_id.is_empty();
        whole.then(|| Self { key_id: key_id.into(), serial: serial.into(), time: Wall(time) })
    }
}

/// Every key that is not let in any more.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<BTreeSet<String>, StoreError> {
    let mut statement = database.sql().prepare("SELECT key_id FROM revoked_keys")?;
    let keys = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(keys)
}

/// Whether a key is not let in any more.
///
/// # Errors
/// When the store cannot be read.
pub fn is_revoked(database: &Database, key_id: &str) -> Result<bool, StoreError> {
    has(database.sql(), key_id)
}

pub(crate) fn has(sql: &Connection, key_id: &str) -> Result<bool, StoreError> {
    Ok(sql.query_row("SELECT EXISTS (SELECT 1 FROM revoked_keys WHERE key_id = ?1)", [key_id], |row| row.get(0))?)
}

/// Revokes in the table, in the rows that have the key, and in the file.
pub(super) fn add(writing: &mut Writing<'_>, revocation: Revocation) -> Result<(), StoreError> {
    put(&writing.sql, &revocation)?;
    writing.also_in_file(revocation);
    Ok(())
}

/// Revokes in the table and in the rows that have the key.
pub(crate) fn put(sql: &Connection, revocation: &Revocation) -> Result<(), StoreError> {
    let Revocation { key_id, serial, time } = revocation;
    sql.execute("INSERT OR IGNORE INTO revoked_keys VALUES (?1, ?2, ?3)", (key_id, serial, time.0))?;
    sql.execute("UPDATE nodes SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL", (key_id, time.0))?;
    sql.execute("UPDATE operators SET revoked_at = ?2 WHERE key_id = ?1 AND revoked_at IS NULL", (key_id, time.0))?;
    sql.execute("DELETE FROM credentials WHERE node = ?1", [key_id])?;
    sql.execute("DELETE FROM in_flight WHERE node = ?1", [key_id])?;
    Ok(())
}

/// Every row of the table.
pub(crate) fn rows(sql: &Connection) -> Result<Vec<Revocation>, StoreError> {
    let mut statement =
        sql.prepare("SELECT key_id, serial, revoked_at FROM revoked_keys ORDER BY revoked_at, key_id")?;
    let rows = statement
        .query_map([], |row| Ok(Revocation { key_id: row.get(0)?, serial: row.get(1)?, time: Wall(row.get(2)?) }))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Takes over what the file knows and the table does not: a backup was put back, or a power cut fell between the two.
pub(super) fn merge(database: &mut Database) -> Result<(), StoreError> {
    let mut missing = Vec::new();
    for revocation in database.revocations_in_file()? {
        if !has(database.sql(), &revocation.key_id)? {
            missing.push(revocation);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    database.write(|writing| missing.iter().try_for_each(|revocation| put(&writing.sql, revocation)))
}

/// The file that only grows.
#[derive(Debug)]
pub(crate) struct RevocationsFile {
    path: PathBuf,
    file: File,
}

impl RevocationsFile {
    /// Opens or makes it.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(REVOCATIONS_FILE);
        let opened = fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path);
        let file = opened.map_err(StoreError::file(&path))?;
        File::open(folder).and_then(|handle| handle.sync_all()).map_err(StoreError::file(folder))?;
        Ok(Self { path, file })
    }

    /// Every revocation in it. A last line without its end is what a power cut left, and was never promised.
    pub(crate) fn read(&self) -> Result<Vec<Revocation>, StoreError> {
        let mut text = String::new();
        let mut file = &self.file;
        let failed = StoreError::file(&self.path);
        if let Err(error) = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut text)) {
            return Err(failed(error));
        }
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let numbered = whole.lines().enumerate().filter(|(_, line)| !line.is_empty());
        numbered
            .map(|(index, line)| {
                let wrong = || StoreError::Revocations { path: self.path.clone(), line: index + 1 };
                Revocation::parse(line).ok_or_else(wrong)
            })
            .collect()
    }

    /// Adds lines and waits until they are on disk. Says how long the file was before, if there was anything to add.
    pub(crate) fn append(&mut self, revocations: &[Revocation]) -> Result<Option<u64>, StoreError> {
        if revocations.is_empty() {
            return Ok(None);
        }
        let before = self.whole_length()?;
        let lines: String = revocations.iter().map(Revocation::line).collect();
        let written = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_all());
        if let Err(error) = written {
            self.cut_back_to(before)?;
            return Err(StoreError::File { path: self.path.clone(), source: error });
        }
        Ok(Some(before))
    }

    /// Takes back what [`Self::append`] added.
    pub(crate) fn cut_back_to(&mut self, before: u64) -> Result<(), StoreError> {
        let longer = self.length()? > before;
        let cut = || self.file.set_len(before).and_then(|()| self.file.sync_all());
        if longer { cut().map_err(StoreError::file(&self.path)) } else { Ok(()) }
    }

    /// The length after a torn last line was removed, so that the next line does not join it.
    fn whole_length(&mut self) -> Result<u64, StoreError> {
        let mut text = String::new();
        let read = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read_to_string(&mut text));
        read.map_err(StoreError::file(&self.path))?;
        let whole = u64::try_from(text.rfind('\n').map_or(0, |end| end + 1)).unwrap_or(u64::MAX);
        self.cut_back_to(whole)?;
        Ok(whole)
    }

    fn length(&self) -> Result<u64, StoreError> {
        Ok(self.file.metadata().map_err(StoreError::file(&self.path))?.len())
    }
}
