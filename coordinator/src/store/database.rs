//! The open database file: how it is opened and checked, and the one way to write to it.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{
    StoreError, StoreFailure, connect, migrations,
    revocations::{self, Revocation, RevocationsFile},
};

/// The name of the database in the data folder.
pub const DATABASE_FILE: &str = "coordinator.db";

/// What the rest of the coordinator may know about the database without asking its thread.
#[derive(Debug)]
pub(super) struct Condition {
    writable: AtomicBool,
    stopping: AtomicBool,
}

impl Condition {
    pub(super) fn writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }

    /// Asks the thread to finish what waits and to end.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(super) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn wrote(&self, successful: bool) {
        self.writable.store(successful, Ordering::Relaxed);
    }
}

/// The open database. Only its own thread has one.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    revocations: RevocationsFile,
    condition: Arc<Condition>,
}

/// A transaction that is going on.
pub(super) struct Writing<'a> {
    /// Where statements go.
    pub(super) sql: Transaction<'a>,
    revoked: Vec<Revocation>,
}

impl Writing<'_> {
    /// Appends `revocation` to its own file, on disk before this transaction is.
    pub(super) fn also_in_file(&mut self, revocation: Revocation) {
        self.revoked.push(revocation);
    }
}

impl Database {
    /// Opens or makes the database in `folder`, checks it and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, or was written by a newer version.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE_FILE);
        make_private(&path, folder)?;
        let mut connection = connect::open(&path)?;
        connect::check(&connection, &path)?;
        migrations::run(&mut connection, &path)?;
        let revocations = RevocationsFile::open(folder)?;
        let condition = Arc::new(Condition { writable: AtomicBool::new(true), stopping: AtomicBool::new(false) });
        let mut database = Self { connection, revocations, condition };
        revocations::merge(&mut database)?;
        Ok(database)
    }

    pub(super) fn condition(&self) -> Arc<Condition> {
        Arc::clone(&self.condition)
    }

    /// Where questions go.
    pub(super) fn sql(&self) -> &Connection {
        &self.connection
    }

    /// What the revocations file holds.
    pub(super) fn revocations_in_file(&self) -> Result<Vec<Revocation>, StoreError> {
        self.revocations.read()
    }

    /// Does `work` in one transaction and returns when it is on disk. An error undoes all of it.
    pub(super) fn write<T, E: StoreFailure>(
        &mut self,
        work: impl FnOnce(&mut Writing<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let result = transact(&mut self.connection, &mut self.revocations, work);
        match &result {
            Ok(_) => self.condition.wrote(true),
            // A refusal says nothing about the disk.
            Err(error) if error.store_error().is_some_and(StoreError::is_full) => self.condition.wrote(false),
            Err(_) => (),
        }
        result
    }

    /// Writes something small to learn whether writing works again.
    pub(super) fn try_to_write(&mut self) {
        // The result is in the condition.
        let _ = self.write(|writing| -> Result<(), StoreError> {
            writing.sql.execute("UPDATE meta SET value = value WHERE key = 'epoch'", [])?;
            Ok(())
        });
    }

    /// Makes the next writes fail as on a full disk: no page beyond those that exist.
    #[cfg(test)]
    pub(crate) fn fill_up(&self) {
        let pages: i64 = self.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("page count");
        self.connection.pragma_update(None, "max_page_count", pages).expect("limit");
    }

    /// Ends what [`Self::fill_up`] began.
    #[cfg(test)]
    pub(crate) fn make_room(&self) {
        self.connection.pragma_update(None, "max_page_count", 1 << 30).expect("limit");
    }
}

fn transact<T, E: StoreFailure>(
    connection: &mut Connection,
    file: &mut RevocationsFile,
    work: impl FnOnce(&mut Writing<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut writing = Writing { sql, revoked: Vec::new() };
    let value = work(&mut writing)?;
    let before = file.append(&writing.revoked)?;
    if let Err(error) = writing.sql.commit() {
        // Taken back, so that a refused replacement does not cost the old machine its identity at the next start.
        before.map_or(Ok(()), |length| file.cut_back_to(length))?;
        return Err(error.into());
    }
    Ok(value)
}

/// Makes an empty file that only its owner reads before SQLite would make one that follows the umask.
fn make_private(path: &Path, folder: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    let file: PathBuf = path.into();
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(StoreError::file(file))?;
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(StoreError::file(folder))
}
