//! Known risks that somebody took, each until a day.

use coord_model::{Code, Severity, Wall};
use coord_planner::Accepted;

use super::{Database, StoreError};

/// Stores an accepted risk. The same code and subject again replace it.
///
/// # Errors
/// When the store cannot be written.
pub fn put(database: &mut Database, accepted: &Accepted, at: Wall) -> Result<(), StoreError> {
    database.write(|writing| {
        writing.sql.execute(
            "INSERT OR REPLACE INTO accepts (code, subject, severity, until, reason, who, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                accepted.code.to_string(),
                &accepted.subject,
                accepted.severity.number(),
                accepted.until.0,
                &accepted.reason,
                &accepted.by,
                at.0,
            ),
        )?;
        Ok(())
    })
}

/// Takes one back. Says whether there was one.
///
/// # Errors
/// When the store cannot be written.
pub fn remove(database: &mut Database, code: Code, subject: &str) -> Result<bool, StoreError> {
    let order = "DELETE FROM accepts WHERE code = ?1 AND subject = ?2";
    database.write(|writing| Ok(writing.sql.execute(order, (code.to_string(), subject))? > 0))
}

/// Drops what ran out before `now`.
///
/// # Errors
/// When the store cannot be written.
pub fn drop_expired(database: &mut Database, now: Wall) -> Result<(), StoreError> {
    database.write(|writing| {
        writing.sql.execute("DELETE FROM accepts WHERE until <= ?1", [now.0])?;
        Ok(())
    })
}

/// All of them that this version understands, by code and subject.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<Accepted>, StoreError> {
    let question = "SELECT code, subject, severity, until, reason, who FROM accepts ORDER BY code, subject";
    let mut statement = database.sql().prepare(question)?;
    let rows = statement.query_map([], |row| {
        let code: String = row.get(0)?;
        // A code that only a newer version knows is of no problem that this one can name.
        let Some(code) = Code::parse(&code) else { return Ok(None) };
        Ok(Some(Accepted {
            code,
            subject: row.get(1)?,
            severity: Severity::from_number(row.get(2)?),
            until: Wall(row.get(3)?),
            reason: row.get(4)?,
            by: row.get(5)?,
        }))
    })?;
    Ok(rows.filter_map(Result::transpose).collect::<rusqlite::Result<_>>()?)
}
