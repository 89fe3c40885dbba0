//! `coordctl check`: what was looked at, of one node after it read everything again.

use std::time::Duration;

use coord_model::{Check, Measure, RefreshNode, ViewKind};

use super::follow;
use crate::{
    answer, arguments,
    connection::{Coordinator, within},
    failure::{Exit, Failure},
    output::Output,
    show,
};

/// How long a node may take to read everything again.
const REFRESH: Duration = Duration::from_secs(10);

/// After this long a person wonders what is going on.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shows it; exit 3 when something needs somebody.
///
/// # Errors
/// When there is neither an answer nor an older one.
pub(super) async fn run(
    arguments: &arguments::Check,
    coordinator: &Coordinator,
    output: &Output,
) -> Result<Exit, Failure> {
    let node = arguments.node.as_deref();
    if let Some(name) = node {
        let measures = arguments.measures();
        let measured = !measures.is_empty();
        refreshed(name, measures, coordinator, output).await;
        if measured {
            output.talk(&format!("the figures stand in: coordctl describe node {name}\n"));
        }
    }
    let answer = answer::read(coordinator, ViewKind::Check, node.unwrap_or_default(), output).await?;
    let check: Check = answer.typed()?;
    output.document(&answer.value, |look| show::check::check(&check, answer.stale.as_ref(), look))?;
    follow::explain_stale(&answer, output)?;
    Ok(answer.exit(!show::check::is_wrong(&check)))
}

/// A node that does not read again is shown as it was; why is said.
async fn refreshed(name: &str, measures: Vec<Measure>, coordinator: &Coordinator, output: &Output) {
    let refresh = async {
        let mut calls = coordinator.call().await?;
        let request = RefreshNode { name: name.to_owned(), sections: Vec::new(), measures, deadline: REFRESH };
        let answer = within(REFRESH + Duration::from_secs(5), calls.control.refresh(request)).await;
        calls.answer(answer)
    };
    let mut refresh = Box::pin(refresh);
    let ended = tokio::select! {
        ended = &mut refresh => ended,
        () = tokio::time::sleep(PATIENCE) => {
            output.talk(&format!("waiting for {name} to read everything again, up to {} s\n", REFRESH.as_secs()));
            refresh.await
        }
    };
    match ended {
        Ok(_) => {}
        // The check itself says so, and shows what is known.
        Err(failure) if failure.exit == Exit::Away => {}
        Err(failure) => {
            let causes: String = failure.causes.iter().map(|cause| format!(": {cause}")).collect();
            output.talk(&format!("warning: {name} has not read again: {}{causes}\n", failure.what));
        }
    }
}
