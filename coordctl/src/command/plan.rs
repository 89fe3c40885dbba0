//! `coordctl plan`: what would be changed, what waits and why.

use coord_model::{PlanView, ViewKind};

use super::follow;
use crate::{
    answer::{self, Answer},
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
    if arguments.watch {
        return follow::screen(coordinator, ViewKind::Plan, "", output, |answer| text(answer, output)).await;
    }
    let answer = answer::read(coordinator, ViewKind::Plan, "", output).await?;
    let plan: PlanView = answer.typed()?;
    output.data(&text(&answer, output)?)?;
    follow::explain_stale(&answer, output)?;
    match answer.exit(true) {
        Exit::Fine if arguments.detailed_exitcode && !plan.changes.is_empty() => Ok(Exit::Changes),
        exit => Ok(exit),
    }
}

fn text(answer: &Answer, output: &Output) -> Result<String, Failure> {
    let plan: PlanView = answer.typed()?;
    output.written(&answer.value, |look| show::plan::plan(&plan, answer.stale.as_ref(), look))
}
