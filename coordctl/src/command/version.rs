//! `coordctl version`: of this program and of the coordinator.

use coord_model::{API_VERSION, Status, ViewKind};
use serde_json::json;

use super::follow;
use crate::{
    answer,
    arguments::Version,
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    place::Place,
    show::text::age,
};

/// Shows both; the own version needs no coordinator.
///
/// # Errors
/// When stdout cannot be written.
pub(super) async fn run(arguments: &Version, place: Option<Place>, output: &Output) -> Result<Exit, Failure> {
    let own = env!("CARGO_PKG_VERSION");
    let mut document = json!({"apiVersion": API_VERSION, "kind": "Version", "coordctl": {"version": own}});
    let mut text = format!("coordctl     {own}\n");
    if arguments.client {
        output.document(&document, |_| text)?;
        return Ok(Exit::Fine);
    }
    let coordinator = Coordinator::find(place)?;
    let answer = match answer::read(&coordinator, ViewKind::Status, "", output).await {
        Ok(answer) => answer,
        Err(failure) => {
            output.document(&document, |_| text)?;
            return Err(failure);
        }
    };
    let status: Status = answer.typed()?;
    let old = answer.stale.as_ref().map(|stale| format!(" (STALE, {} ago)", age(stale.seconds))).unwrap_or_default();
    text.push_str(&format!("coordinator  {}{old}\n", status.coordinator.version));
    document["coordinator"] = json!({"version": status.coordinator.version});
    document["stale"] = answer.stale.is_some().into();
    output.document(&document, |_| text)?;
    follow::explain_stale(&answer, output)?;
    Ok(answer.exit(true))
}
