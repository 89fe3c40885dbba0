//! Clusters in which somebody approved a plan once: in any other everything needs approval.

use coord_model::Wall;

use super::{Database, StoreError};

/// Stores that `who` adopted a cluster; who did it first stays.
///
/// # Errors
/// When the store cannot be written.
pub fn put(database: &mut Database, cluster: &str, who: &str, at: Wall) -> Result<(), StoreError> {
    database.write(|writing| {
        writing
            .sql
            .execute("INSERT OR IGNORE INTO adopted (cluster, who, at) VALUES (?1, ?2, ?3)", (cluster, who, at.0))?;
        Ok(())
    })
}

/// All of them.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<String>, StoreError> {
    let mut statement = database.sql().prepare("SELECT cluster FROM adopted ORDER BY cluster")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
