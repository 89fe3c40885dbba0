//! Putting a backup back: the database is made ready beside the old one, and takes its place in one step.

use std::{
    fs::{self, File},
    path::Path,
};

use coord_model::Wall;
use coord_proto::token::hexadecimal;
use rusqlite::Connection;
use zeroize::Zeroizing;

use super::{
    BackupError,
    scratch::{Scratch, beside, remove},
    seal,
};
use crate::{
    authority::{self, Authority, CERTIFICATE_FILE, KEY_FILE},
    folder,
    lock::Lock,
    store::{
        DATABASE_FILE, StoreError, connect, events, meta, migrations,
        revocations::{self, Revocation, RevocationsFile},
        tokens,
    },
};

/// How every SQLite file begins.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The epoch of the coordinator from now on.
    pub epoch: u64,
    /// When the backup was made.
    pub made: Wall,
    /// How many revocations are younger than the backup and were kept.
    pub revocations_kept: usize,
}

/// The authority that a backup carries.
struct Carried {
    certificate: String,
    key: Zeroizing<String>,
    made: Wall,
}

/// Puts the backup `file` into `folder`. With `replace`, in the place of the coordinator that is there.
///
/// # Errors
/// When a coordinator runs on the folder or is there without `replace`, or the file is no backup or does not open.
/// Until everything was checked and made ready, nothing of what is there is touched.
pub fn restore(
    folder: &Path,
    file: &Path,
    passphrase: Option<&str>,
    replace: bool,
    now: Wall,
) -> Result<Restored, BackupError> {
    folder::prepare(folder)?;
    let _lock = Lock::take(folder)?;
    let occupied = [DATABASE_FILE, KEY_FILE, CERTIFICATE_FILE].iter().any(|name| folder.join(name).exists());
    if occupied && !replace {
        return Err(BackupError::NotEmpty { folder: folder.into() });
    }
    let plain = read(file, passphrase)?;
    let scratch = Scratch::new(folder, "restore.scratch")?;
    fs::write(scratch.path(), plain.as_slice()).map_err(BackupError::file(scratch.path()))?;
    let (carried, restored) = make_ready(&scratch, folder, file, now)?;
    put_in_place(&scratch, folder, &carried)?;
    Ok(restored)
}

fn read(file: &Path, passphrase: Option<&str>) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let contents = Zeroizing::new(fs::read(file).map_err(BackupError::file(file))?);
    if contents.starts_with(SQLITE) {
        return Ok(contents);
    }
    if !contents.starts_with(seal::MARK) {
        return Err(not_a_backup(file, "it begins with something else"));
    }
    let passphrase = passphrase.ok_or_else(|| BackupError::Sealed { path: file.into() })?;
    let opened = seal::open(&contents, passphrase);
    opened.map(Zeroizing::new).map_err(|seal::Closed| BackupError::WrongPassphrase { path: file.into() })
}

fn not_a_backup(file: &Path, message: &str) -> BackupError {
    BackupError::NotABackup { path: file.into(), message: message.into() }
}

/// Checks the copy and makes it what the restored coordinator needs. Only the copy and the revocations file change.
fn make_ready(scratch: &Scratch, folder: &Path, file: &Path, now: Wall) -> Result<(Carried, Restored), BackupError> {
    let mut sql = Connection::open(scratch.path())?;
    connect::check(&sql, file)?;
    if connect::application_id(&sql)? != migrations::APPLICATION_ID {
        return Err(not_a_backup(file, "it is another program's database"));
    }
    let carried = carried(&sql).map_err(|_| not_a_backup(file, "it is a database, but carries no authority"))?;
    let authority = Authority::from_pem(&carried.certificate, &carried.key, folder)?;
    if meta::read(&sql, "authority")? != Some(hexadecimal(&authority.pin())) {
        return Err(not_a_backup(file, "its authority is not the one of its database"));
    }
    migrations::run(&mut sql, file)?;
    let epoch = next_epoch(&sql, folder)?;
    let revocations_kept = change(&mut sql, folder, epoch, &carried, now)?;
    sql.close().map_err(|(_, error)| error)?;
    let restored = Restored { epoch, made: carried.made, revocations_kept };
    Ok((carried, restored))
}

fn carried(sql: &Connection) -> rusqlite::Result<Carried> {
    sql.query_row("SELECT certificate, key, made FROM authority", [], |row| {
        let key: String = row.get(1)?;
        Ok(Carried { certificate: row.get(0)?, key: key.into(), made: Wall(row.get(2)?) })
    })
}

/// Above the backup's epoch, and above that of the coordinator that is replaced, if it can still be read.
fn next_epoch(sql: &Connection, folder: &Path) -> Result<u64, StoreError> {
    let of_backup: u64 = meta::number(sql, "epoch")?.unwrap_or(0);
    let path = folder.join(DATABASE_FILE);
    let replaced = path.exists().then(|| connect::read_only(&path).and_then(|old| meta::number(&old, "epoch")));
    // The old database may be the damaged one that makes the restore necessary.
    let of_replaced = replaced.and_then(Result::ok).flatten().unwrap_or(0);
    Ok(of_backup.max(of_replaced) + 1)
}

fn change(sql: &mut Connection, folder: &Path, epoch: u64, carried: &Carried, now: Wall) -> Result<usize, StoreError> {
    let transaction = sql.transaction()?;
    transaction.execute_batch("DROP TABLE authority; DELETE FROM in_flight; DELETE FROM approvals")?;
    meta::put(&transaction, "epoch", &epoch.to_string())?;
    tokens::revoke_all(&transaction, now)?;
    let kept = merge_revocations(&transaction, folder)?;
    let age = coord_planner::span(carried.made.until(now));
    let message = format!("restored from a backup made {age} before; tokens are void, epoch {epoch}");
    events::put(&transaction, &events::NewEvent::new(now, "coordinator", &message))?;
    transaction.commit()?;
    // No page may remember what was deleted: the authority's key was in one.
    sql.execute_batch("VACUUM")?;
    Ok(kept)
}

/// Revocations of the file that the backup does not know go into the database, and the other way round.
fn merge_revocations(sql: &Connection, folder: &Path) -> Result<usize, StoreError> {
    let mut file = RevocationsFile::open(folder)?;
    let in_file = file.read()?;
    let mut kept = 0;
    for revocation in &in_file {
        if !revocations::has(sql, &revocation.key_id)? {
            revocations::put(sql, revocation)?;
            kept += 1;
        }
    }
    let in_backup = revocations::rows(sql)?;
    let missing: Vec<Revocation> =
        in_backup.into_iter().filter(|row| !in_file.iter().any(|known| known.key_id == row.key_id)).collect();
    file.append(&missing)?;
    Ok(kept)
}

/// The log of the old database must not be replayed into the new one, so it goes first; a power cut in between leaves
/// an old database without its last entries, or halves that do not belong together, which no start accepts.
fn put_in_place(scratch: &Scratch, folder: &Path, carried: &Carried) -> Result<(), BackupError> {
    let path = folder.join(DATABASE_FILE);
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all()).map_err(BackupError::file(path));
    sync(scratch.path())?;
    for end in ["-wal", "-shm", "-journal"] {
        let log = beside(&path, end);
        remove(&log).map_err(BackupError::file(&log))?;
    }
    fs::rename(scratch.path(), &path).map_err(BackupError::file(&path))?;
    sync(folder)?;
    authority::files::write(folder, &carried.certificate, &carried.key)?;
    Ok(())
}
