//! `coordctl plan`: what would be changed, what waits and why.

use coord_model::{PlanView, ViewKind};

use super::follow;
use crate::{
    answer,
    arguments::Plan,
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    show,
};

/// Shows it.
///
/// # Errors
/// When there is neither an answer nor an older one.
pub(super) async fn run(arguments: &Plan, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let answer = answer::read(coordinator, ViewKind::Plan, "", output).await?;
    let plan: PlanView = answer.typed()?;
    output.document(&answer.value, |look| show::plan::plan(&plan, answer.stale.as_ref(), look))?;
    follow::explain_stale(&answer, output)?;
    match answer.exit(true) {
        Exit::Fine if arguments.detailed_exitcode && !plan.changes.is_empty() => Ok(Exit::Changes),
        exit => Ok(exit),
    }
}
