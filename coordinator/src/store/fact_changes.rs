//! When a rule of the cluster file became true or false on a node, the last three times: a restart must not end a
//! freeze.

use coord_model::Wall;

use super::{Database, StoreError};

/// So many changes of one rule on one node are remembered.
const MOST: u32 = 3;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactChange {
    /// The node's name.
    pub node: String,
    /// The rule as it is written.
    pub rule: String,
    /// What it says from then on.
    pub value: bool,
    /// When.
    pub at: Wall,
}

/// Notes a change; older ones of the same rule and node than the newest three go.
///
/// # Errors
/// When the store cannot be written.
pub fn note(database: &mut Database, change: &FactChange) -> Result<(), StoreError> {
    database.write(|writing| {
        writing.sql.execute(
            "INSERT INTO fact_changes (node, rule, value, at) VALUES (?1, ?2, ?3, ?4)",
            (&change.node, &change.rule, change.value, change.at.0),
        )?;
        writing.sql.execute(
            "DELETE FROM fact_changes WHERE node = ?1 AND rule = ?2 AND id <=
                 (SELECT id FROM fact_changes WHERE node = ?1 AND rule = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)",
            (&change.node, &change.rule, MOST),
        )?;
        Ok(())
    })
}

/// A person said that these rules go on at this node: earlier changes do not count any more.
///
/// # Errors
/// When the store cannot be written.
pub fn forget(database: &mut Database, node: &str, rules: &[String]) -> Result<(), StoreError> {
    database.write(|writing| {
        for rule in rules {
            writing.sql.execute("DELETE FROM fact_changes WHERE node = ?1 AND rule = ?2", [node, rule])?;
        }
        Ok(())
    })
}

/// Drops what happened before `then`.
///
/// # Errors
/// When the store cannot be written.
pub fn drop_before(database: &mut Database, then: Wall) -> Result<(), StoreError> {
    database.write(|writing| {
        writing.sql.execute("DELETE FROM fact_changes WHERE at < ?1", [then.0])?;
        Ok(())
    })
}

/// All of them, in the order in which they were noted.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<FactChange>, StoreError> {
    let mut statement = database.sql().prepare("SELECT node, rule, value, at FROM fact_changes ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok(FactChange { node: row.get(0)?, rule: row.get(1)?, value: row.get(2)?, at: Wall(row.get(3)?) })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
