//! Commands that were given and whose outcome is not known yet.

use std::time::Duration;

use coord_model::Wall;
use rusqlite::Row;

use super::{Database, StoreError};

/// One command on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// Names the work.
    pub key: String,
    /// The id of the node.
    pub node: String,
    /// Its generation.
    pub generation: u64,
    /// What it asks for, for people: `refresh gpu`.
    pub action: String,
    /// When it was given.
    pub given: Wall,
    /// How long the agent may take.
    pub deadline: Duration,
}

/// Stores a command before it is sent. The same key again replaces it.
///
/// # Errors
/// When the store cannot be written.
pub fn put(database: &mut Database, command: &InFlight) -> Result<(), StoreError> {
    let deadline = u64::try_from(command.deadline.as_millis()).unwrap_or(i64::MAX.unsigned_abs());
    database.write(|writing| {
        writing.sql.execute(
            "INSERT OR REPLACE INTO in_flight (key, node, generation, action, given, deadline)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (&command.key, &command.node, command.generation, &command.action, command.given.0, deadline),
        )?;
        Ok(())
    })
}

/// Its outcome is known. Says whether it was on its way.
///
/// # Errors
/// When the store cannot be written.
pub fn finish(database: &mut Database, node: &str, key: &str) -> Result<bool, StoreError> {
    let order = "DELETE FROM in_flight WHERE key = ?1 AND node = ?2";
    database.write(|writing| Ok(writing.sql.execute(order, [key, node])? > 0))
}

/// All that are on their way, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<InFlight>, StoreError> {
    let question = "SELECT key, node, generation, action, given, deadline FROM in_flight ORDER BY given, key";
    let mut statement = database.sql().prepare(question)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<InFlight> {
    Ok(InFlight {
        key: row.get(0)?,
        node: row.get(1)?,
        generation: row.get(2)?,
        action: row.get(3)?,
        given: Wall(row.get(4)?),
        deadline: Duration::from_millis(row.get(5)?),
    })
}
