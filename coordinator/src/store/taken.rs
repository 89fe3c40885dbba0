//! What Coord took from nodes in the last minutes: the brake must not forget it in a restart.

use coord_model::Wall;

use super::{Database, StoreError};

/// Something that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenRow {
    /// The Node's name.
    pub node: String,
    /// The label's key, or `taint/KEY`.
    pub what: String,
    /// When.
    pub at: Wall,
}

/// Notes what was taken; what happened before `then` is of no interest any more and goes.
///
/// # Errors
/// When the store cannot be written.
pub fn note(database: &mut Database, taken: &TakenRow, then: Wall) -> Result<(), StoreError> {
    database.write(|writing| {
        writing.sql.execute("DELETE FROM taken WHERE at < ?1", [then.0])?;
        writing.sql.execute(
            "INSERT INTO taken (node, what, at) VALUES (?1, ?2, ?3)",
            (&taken.node, &taken.what, taken.at.0),
        )?;
        Ok(())
    })
}

/// All of them, in the order in which they were noted.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<TakenRow>, StoreError> {
    let mut statement = database.sql().prepare("SELECT node, what, at FROM taken ORDER BY id")?;
    let rows =
        statement.query_map([], |row| Ok(TakenRow { node: row.get(0)?, what: row.get(1)?, at: Wall(row.get(2)?) }))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
