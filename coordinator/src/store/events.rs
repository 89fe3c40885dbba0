//! What happened: a bounded list, one row for the same thing within a minute.

use coord_model::Wall;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Database, StoreError, pending_events::PendingEvents};

/// The oldest rows beyond so many go.
pub const MOST_EVENTS: u32 = 10_000;

const MINUTE: i64 = 60_000;

/// Something that happened just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub time: Wall,
    /// `node/NAME`, `token/ID`, `coordinator`.
    pub subject: String,
    /// One sentence, no final period.
    pub message: String,
}

impl NewEvent {
    /// An event whose texts are safe to print, whoever chose the names in them.
    #[must_use]
    pub fn new(time: Wall, subject: &str, message: &str) -> Self {
        Self { time, subject: coord_model::clean(subject), message: coord_model::clean(message) }
    }
}

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Grows.
    pub id: u64,
    /// When it happened first.
    pub first: Wall,
    /// When it happened last within the same minute.
    pub last: Wall,
    /// What it is about.
    pub subject: String,
    /// One sentence.
    pub message: String,
    /// How often within that minute.
    pub count: u64,
}

/// The newest `limit` events with an id above `after`, oldest first; of one subject if it is given.
///
/// # Errors
/// When the store cannot be read.
pub fn list(database: &Database, after: u64, subject: Option<&str>, limit: u32) -> Result<Vec<Event>, StoreError> {
    let mut statement = database.sql().prepare(
        "SELECT id, first, last, subject, message, count FROM
             (SELECT * FROM events WHERE id > ?1 AND (?2 IS NULL OR subject = ?2) ORDER BY id DESC LIMIT ?3)
         ORDER BY id",
    )?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = statement.query_map((after, subject, limit), read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes events in one transaction.
///
/// # Errors
/// When the store cannot be written.
pub fn write(database: &mut Database, events: &[NewEvent]) -> Result<(), StoreError> {
    database.write(|writing| {
        events.iter().try_for_each(|event| put(&writing.sql, event))?;
        drop_oldest(&writing.sql)
    })
}

/// Writes what waits; counts it as lost when that fails.
pub(super) fn write_pending(database: &mut Database, pending: &PendingEvents) {
    let events = pending.take();
    if !events.is_empty() && write(database, &events).is_err() {
        pending.lose(events.len());
    }
}

/// Adds a row, or counts one more of the same minute.
pub(crate) fn put(sql: &Connection, event: &NewEvent) -> Result<(), StoreError> {
    let minute = event.time.0.div_euclid(MINUTE);
    let same: Option<i64> = sql
        .prepare(
            "SELECT id FROM events WHERE subject = ?1 AND message = ?2 AND first >= ?3 AND first < ?4
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(
            (&event.subject, &event.message, minute.saturating_mul(MINUTE), (minute + 1).saturating_mul(MINUTE)),
            |row| row.get(0),
        )
        .optional()?;
    if let Some(id) = same {
        sql.execute("UPDATE events SET last = max(last, ?2), count = count + 1 WHERE id = ?1", (id, event.time.0))?;
        return Ok(());
    }
    sql.execute(
        "INSERT INTO events (first, last, subject, message, count) VALUES (?1, ?1, ?2, ?3, 1)",
        (event.time.0, &event.subject, &event.message),
    )?;
    Ok(())
}

fn drop_oldest(sql: &Connection) -> Result<(), StoreError> {
    sql.execute(
        "DELETE FROM events WHERE id <= (SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?1)",
        [MOST_EVENTS],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.get(0)?,
        first: Wall(row.get(1)?),
        last: Wall(row.get(2)?),
        subject: row.get(3)?,
        message: row.get(4)?,
        count: row.get(5)?,
    })
}
