//! The schema and how an older file becomes it: numbered steps, each in one transaction with its number.

use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::StoreError;

/// The schema that this version writes.
pub const SCHEMA_VERSION: u32 = 2;

/// Marks the file as the coordinator's (`PRAGMA application_id`): "Crd1".
pub(crate) const APPLICATION_ID: i32 = 0x4372_6431;

/// Step `n` leads from schema `n` to schema `n + 1`. Never change one that was released; add another.
const STEPS: [&str; SCHEMA_VERSION as usize] = [FIRST, DECISIONS];

const FIRST: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    secret_hash BLOB NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('node', 'operator')),
    name TEXT,
    replaces INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    bound_key TEXT,
    used_at INTEGER,
    used_by TEXT,
    revoked_at INTEGER,
    wrong_attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    evidence TEXT NOT NULL,
    enrolled INTEGER NOT NULL,
    pending TEXT,
    certificate_serial TEXT NOT NULL,
    certificate_expires INTEGER NOT NULL,
    revoked_at INTEGER,
    agent_version TEXT NOT NULL,
    availability TEXT NOT NULL DEFAULT 'always'
) STRICT;
CREATE UNIQUE INDEX nodes_name ON nodes (name) WHERE revoked_at IS NULL;

CREATE TABLE credentials (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    node TEXT NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    serial TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX credentials_node ON credentials (node);

CREATE TABLE operators (
    key_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    enrolled INTEGER NOT NULL,
    certificate_serial TEXT NOT NULL,
    certificate_expires INTEGER NOT NULL,
    revoked_at INTEGER,
    version TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX operators_name ON operators (name) WHERE revoked_at IS NULL;

CREATE TABLE revoked_keys (
    key_id TEXT PRIMARY KEY,
    serial TEXT NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT;

CREATE TABLE generations (
    node TEXT PRIMARY KEY,
    newest INTEGER NOT NULL
) STRICT;

CREATE TABLE in_flight (
    key TEXT PRIMARY KEY,
    node TEXT NOT NULL,
    generation INTEGER NOT NULL,
    action TEXT NOT NULL,
    given INTEGER NOT NULL,
    deadline INTEGER NOT NULL
) STRICT;
CREATE INDEX in_flight_node ON in_flight (node);

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    count INTEGER NOT NULL
) STRICT;
CREATE INDEX events_subject ON events (subject, id);
";

const DECISIONS: &str = "
CREATE TABLE approvals (
    content TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;

CREATE TABLE pauses (
    subject TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE accepts (
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity INTEGER NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (code, subject)
) STRICT;

CREATE TABLE adopted (
    cluster TEXT PRIMARY KEY,
    who TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE fact_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node TEXT NOT NULL,
    rule TEXT NOT NULL,
    value INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX fact_changes_fact ON fact_changes (node, rule, id);

CREATE TABLE taken (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node TEXT NOT NULL,
    what TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
";

/// Brings the file to [`SCHEMA_VERSION`].
pub(crate) fn run(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::TooNew { path: path.into(), found, known: SCHEMA_VERSION });
    }
    (1u32..)
        .zip(STEPS)
        .filter(|(number, _)| *number > found)
        .try_for_each(|(number, step)| one(connection, number, step))
}

/// One step with its number.
fn one(connection: &mut Connection, number: u32, step: &str) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(step)?;
    if number == 1 {
        first_rows(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", number)?;
    transaction.commit()?;
    Ok(())
}

/// A file as the first version left it.
#[cfg(test)]
pub(crate) fn make_first(connection: &mut Connection) {
    one(connection, 1, FIRST).expect("the first schema");
}

/// The schema of an open file; zero for a new one.
pub(crate) fn version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// A new coordinator: its own number, drawn at random, and its first epoch.
fn first_rows(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut number = [0; 16];
    let unreadable = |_| StoreError::Unreadable { what: "no random number from the system, so nothing".into() };
    SystemRandom::new().fill(&mut number).map_err(unreadable)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.execute(
        "INSERT INTO meta (key, value) VALUES ('instance', ?1), ('epoch', '1')",
        [coord_proto::token::hexadecimal(&number)],
    )?;
    Ok(())
}
