//! Subjects about which nothing is done until somebody resumes them.

use coord_model::Wall;
use coord_planner::Pause;

use super::{Database, StoreError};

/// Pauses a subject; the empty one is everything. The same again replaces the reason.
///
/// # Errors
/// When the store cannot be written.
pub fn put(database: &mut Database, subject: &str, pause: &Pause) -> Result<(), StoreError> {
    database.write(|writing| {
        writing.sql.execute(
            "INSERT OR REPLACE INTO pauses (subject, who, reason, at) VALUES (?1, ?2, ?3, ?4)",
            (subject, &pause.by, &pause.reason, pause.at.0),
        )?;
        Ok(())
    })
}

/// Ends a pause. Says whether there was one.
///
/// # Errors
/// When the store cannot be written.
pub fn remove(database: &mut Database, subject: &str) -> Result<bool, StoreError> {
    database.write(|writing| Ok(writing.sql.execute("DELETE FROM pauses WHERE subject = ?1", [subject])? > 0))
}

/// All of them, by subject.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<(String, Pause)>, StoreError> {
    let mut statement = database.sql().prepare("SELECT subject, who, reason, at FROM pauses ORDER BY subject")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, Pause { by: row.get(1)?, reason: row.get(2)?, at: Wall(row.get(3)?) }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
