//! Command generations: a number a node that only grows, also across a restore of the store.

use rusqlite::OptionalExtension;

use super::{Database, StoreError, error::store_failure};

/// No coordinator gives so many commands to one node; an agent that claims more is broken or lies.
pub const LARGEST_PLAUSIBLE: u64 = 1 << 40;

/// Why there is no next generation.
#[derive(Debug, thiserror::Error)]
pub enum GenerationRefusal {
    /// The agent claims a number that no coordinator can have given.
    #[error(
        "the agent says that it has seen generation {claimed}, more than any coordinator gives (hint: on the node run `coord-agent leave`, then join it again)"
    )]
    Implausible {
        /// What it claims.
        claimed: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
store_failure!(GenerationRefusal);

/// The next generation of a node: above every one given before, and above what its Hello says it has seen.
///
/// # Errors
/// When the claim is implausible (then nothing has changed), or the store cannot be written.
pub fn next(database: &mut Database, node: &str, agent_newest: u64) -> Result<u64, GenerationRefusal> {
    if agent_newest > LARGEST_PLAUSIBLE {
        return Err(GenerationRefusal::Implausible { claimed: agent_newest });
    }
    let given = newest(database, node)?;
    let next = given.max(agent_newest) + 1;
    database.write(|writing| {
        writing.sql.execute(
            "INSERT INTO generations (node, newest) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET newest = ?2",
            (node, next),
        )?;
        Ok(next)
    })
}

/// The newest generation that was given to a node; zero for none.
///
/// # Errors
/// When the store cannot be read.
pub fn newest(database: &Database, node: &str) -> Result<u64, StoreError> {
    let question = "SELECT newest FROM generations WHERE node = ?1";
    Ok(database.sql().query_row(question, [node], |row| row.get(0)).optional()?.unwrap_or(0))
}
