//! `coordctl events`: what happened, oldest first, and on request what happens from now on.

use std::ops::ControlFlow;

use coord_model::{EventRow, List, Read, ViewKind};

use super::follow;
use crate::{
    answer,
    arguments::{Events, Format},
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    show::{Look, lists, stale},
};

/// Shows them.
///
/// # Errors
/// When there is neither an answer nor an older one.
pub(super) async fn run(arguments: &Events, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    if arguments.follow {
        return followed(coordinator, output).await;
    }
    let answer = answer::read(coordinator, ViewKind::Events, "", output).await?;
    let mut list: List<EventRow> = answer.typed()?;
    list.items.sort_by_key(|event| event.id);
    let heading = answer.stale.as_ref().map(|stale| stale::heading(None, stale)).unwrap_or_default();
    output.document(&answer.value, |look| heading + &lists::events(&list.items, look))?;
    follow::explain_stale(&answer, output)?;
    Ok(answer.exit(true))
}

/// Each event once, whether the coordinator sends all again or only the new ones.
async fn followed(coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let read = Read { view: ViewKind::Events, name: String::new(), after: 0 };
    let mut newest = 0;
    let mut away = false;
    follow::follow(coordinator, &read, output, |answer| {
        if answer.stale.is_some() != away {
            away = !away;
            output.talk(if away { "the coordinator is away, trying again\n" } else { "the coordinator is back\n" });
        }
        let mut list: List<EventRow> = answer.typed()?;
        list.items.retain(|event| event.id > newest && answer.stale.is_none());
        list.items.sort_by_key(|event| event.id);
        newest = list.items.last().map_or(newest, |event| event.id);
        output.data(&lines(&list.items, output)?)?;
        Ok(ControlFlow::Continue(()))
    })
    .await
}

/// For programs an object a line; for people with the time itself, since an age would not grow.
fn lines(events: &[EventRow], output: &Output) -> Result<String, Failure> {
    if events.is_empty() {
        return Ok(String::new());
    }
    let object = |event: &EventRow| serde_json::to_string(event).map(|line| line + "\n");
    match output.format()? {
        Format::Table | Format::Wide => Ok(lists::events(events, Look { wide: true, ..output.look() })),
        Format::Json => {
            let lines: Result<String, _> = events.iter().map(object).collect();
            lines.map_err(|error| Failure::new("cannot write the events").because(&error))
        }
        Format::Yaml => output.written(&events, |_| String::new()),
    }
}
