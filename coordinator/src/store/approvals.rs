//! Changes of a plan that somebody approved, until they are made or the time is over.

use coord_model::Wall;
use rusqlite::Row;

use super::{Database, StoreError};

/// One approved change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What it is valid for (`coord_planner::Change::content`).
    pub content: String,
    /// Who approved it.
    pub who: String,
    /// When.
    pub at: Wall,
    /// Until when it is valid.
    pub until: Wall,
}

/// Stores approvals, all or none. The same content again replaces the older one.
///
/// # Errors
/// When the store cannot be written.
pub fn put(database: &mut Database, approvals: &[Approval]) -> Result<(), StoreError> {
    database.write(|writing| {
        let order = "INSERT OR REPLACE INTO approvals (content, who, at, until) VALUES (?1, ?2, ?3, ?4)";
        let mut statement = writing.sql.prepare(order)?;
        for approval in approvals {
            statement.execute((&approval.content, &approval.who, approval.at.0, approval.until.0))?;
        }
        Ok(())
    })
}

/// The changes were made, or failed: their approvals are used up.
///
/// # Errors
/// When the store cannot be written.
pub fn spend(database: &mut Database, contents: &[String]) -> Result<(), StoreError> {
    database.write(|writing| {
        let mut statement = writing.sql.prepare("DELETE FROM approvals WHERE content = ?1")?;
        for content in contents {
            statement.execute([content])?;
        }
        Ok(())
    })
}

/// Drops what ran out before `now`.
///
/// # Errors
/// When the store cannot be written.
pub fn drop_expired(database: &mut Database, now: Wall) -> Result<(), StoreError> {
    database.write(|writing| {
        writing.sql.execute("DELETE FROM approvals WHERE until <= ?1", [now.0])?;
        Ok(())
    })
}

/// All of them.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<Approval>, StoreError> {
    let mut statement = database.sql().prepare("SELECT content, who, at, until FROM approvals ORDER BY content")?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Approval> {
    Ok(Approval { content: row.get(0)?, who: row.get(1)?, at: Wall(row.get(2)?), until: Wall(row.get(3)?) })
}
