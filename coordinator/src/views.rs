//! The documents that people and scripts read, made from what is known at the moment of asking.

use std::time::Duration;

use coord_model::{Document, List, MAXIMUM_TEXT, Problem, Read, ViewKind, Wall, clean};
use coord_planner::Reach;
use coord_proto::refused::Refused;
use serde::Serialize;
use tonic::{Code, Status};

use crate::{
    state::State,
    store::{StoreError, events, tokens},
};

mod check;
mod cluster;
pub(crate) mod judgement;
mod labels;
mod node;
mod pauses;
mod plan;
mod rows;
mod status;
mod why;

/// The most events that one answer holds.
const EVENTS: u32 = 500;
/// The most events that a node's description holds.
const NODE_EVENTS: u32 = 10;

/// Makes the document that is asked for.
pub(crate) async fn document(state: &State, read: &Read) -> Result<Document, Status> {
    match read.view {
        ViewKind::Status => encode(&status::status(state)),
        ViewKind::Nodes => encode(&List::new("NodeList", named(rows::nodes(state), &read.name, |row| &row.name)?)),
        ViewKind::Gpus => {
            encode(&List::new("GpuList", of_node(state, rows::gpus(state), &read.name, |row| &row.node)?))
        }
        ViewKind::Disks => {
            encode(&List::new("DiskList", of_node(state, rows::disks(state), &read.name, |row| &row.node)?))
        }
        ViewKind::Mounts => {
            encode(&List::new("MountList", of_node(state, rows::mounts(state), &read.name, |row| &row.node)?))
        }
        ViewKind::Tokens => {
            let now = state.wall();
            let rows = state.store.call(|database| tokens::list(database)).await.map_err(|error| broken(&error))?;
            encode(&List::new("TokenList", rows.into_iter().map(|token| rows::token(token, now)).collect()))
        }
        ViewKind::Events => {
            let subject = (!read.name.is_empty()).then(|| rows::event_subject(&read.name));
            encode(&List::new("EventList", event_rows(state, read.after, subject, EVENTS).await?))
        }
        ViewKind::Node => {
            let subject = format!("node/{}", read.name);
            let mut events = event_rows(state, 0, Some(subject), NODE_EVENTS).await?;
            events.reverse();
            encode(&node::node(state, &read.name, events)?)
        }
        ViewKind::Why => encode(&why::why(state, &read.name)?),
        ViewKind::Check => encode(&check::check(state, &read.name)?),
        ViewKind::Cluster => encode(&cluster::cluster(state)?),
        ViewKind::Plan => encode(&plan::plan(state)),
        ViewKind::Labels => encode(&List::new("LabelList", labels::rows(state, &read.name)?)),
        ViewKind::Unrecognised(number) => Err(Refused::new(format!("this coordinator does not know view {number}"))
            .hint("upgrade the coordinator to coordctl's version: coordctl version")
            .into_status(Code::Unimplemented)),
    }
}

async fn event_rows(
    state: &State,
    after: u64,
    subject: Option<String>,
    limit: u32,
) -> Result<Vec<coord_model::EventRow>, Status> {
    let rows = state.store.call(move |database| events::list(database, after, subject.as_deref(), limit)).await;
    Ok(rows.map_err(|error| broken(&error))?.into_iter().map(rows::event).collect())
}

fn encode(document: &impl Serialize) -> Result<Document, Status> {
    let json = serde_json::to_vec(document).map_err(|error| Status::internal(error.to_string()))?;
    Ok(Document { json })
}

fn broken(error: &StoreError) -> Status {
    crate::refusal::refuse(error)
}

/// The rows of one node, or all.
fn of_node<T>(state: &State, rows: Vec<T>, name: &str, node: impl Fn(&T) -> &String) -> Result<Vec<T>, Status> {
    if !name.is_empty() && !state.registry.fleet().nodes.values().any(|known| known.row.name == name) {
        return Err(no_such_node(name));
    }
    Ok(rows.into_iter().filter(|row| name.is_empty() || node(row) == name).collect())
}

/// The row with this name, or all.
fn named<T>(rows: Vec<T>, name: &str, of: impl Fn(&T) -> &String) -> Result<Vec<T>, Status> {
    let found: Vec<T> = rows.into_iter().filter(|row| name.is_empty() || of(row) == name).collect();
    if found.is_empty() && !name.is_empty() { Err(no_such_node(name)) } else { Ok(found) }
}

/// An age as documents give it, to the millisecond.
pub(crate) fn seconds(span: Duration) -> f64 {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

/// Nobody has this name.
pub(crate) fn no_such_node(name: &str) -> Status {
    let shown: String = clean(name).chars().take(MAXIMUM_TEXT.min(80)).collect();
    Refused::new(format!("there is no node `{shown}`"))
        .hint("coordctl get nodes lists them")
        .into_status(Code::NotFound)
}

/// A time as RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(time: Wall) -> String {
    time.rfc3339()
}

/// Every problem of the fleet and of its nodes, with the subjects that people see.
pub(crate) fn problems(state: &State) -> Vec<Problem> {
    status::status(state).all_problems()
}

/// Whether nothing that nobody accepted is an error.
#[cfg(test)]
pub(crate) fn healthy(state: &State) -> bool {
    status::status(state).healthy
}

/// Whether a node of this name has an agent or is declared.
pub(crate) fn is_known(state: &State, node: &str) -> bool {
    let declared = state.declared.desired().is_some_and(|desired| desired.nodes.contains_key(node));
    declared || state.registry.fleet().nodes.values().any(|known| known.row.name == node)
}

/// Whether the cluster's Nodes are known and none has this name.
pub(crate) fn has_no_node(state: &State, node: &str) -> bool {
    let observed = state.kubernetes.observed();
    observed.reach == Reach::There && !observed.nodes.contains_key(node)
}

/// Under which subject an event about a problem's subject stands.
pub(crate) fn event_subject(state: &State, subject: &str) -> String {
    if is_known(state, subject) { format!("node/{subject}") } else { subject.to_owned() }
}

/// The largest id of an event list; nothing for other documents and empty lists.
pub(crate) fn newest_event(document: &Document) -> Option<u64> {
    let list: List<coord_model::EventRow> = serde_json::from_slice(&document.json).ok()?;
    list.items.last().map(|event| event.id)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_are_written_as_a_calendar_library_writes_them(seconds in -62_135_596_800_i64..253_402_300_800) {
            let theirs = Timestamp::from_second(seconds).map(|time| time.to_string());
            // The library leaves out the last day, which lies ahead of UTC somewhere.
            prop_assert!(theirs.map_or(true, |theirs| theirs == rfc3339(Wall(seconds * 1000 + 999))));
        }
    }

    #[test]
    fn the_last_days_of_years_and_centuries_are_right() {
        for day in ["1999-12-31", "2000-02-29", "2000-12-31", "2024-12-31", "2100-02-28", "2100-12-31", "2400-12-31"] {
            let text = format!("{day}T23:59:59Z");
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(rfc3339(Wall(time.as_millisecond())), text);
            let next = Wall(time.as_millisecond() + 1000);
            assert_eq!(rfc3339(next), Timestamp::from_millisecond(next.0).unwrap().to_string());
        }
        assert_eq!(rfc3339(Wall(i64::MAX)), "unknown");
    }
}
