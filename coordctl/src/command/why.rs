//! `coordctl why`: every problem and wait about one subject.

use coord_model::{ViewKind, Why};

use super::follow;
use crate::{
    answer,
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    show,
};

/// Shows it.
///
/// # Errors
/// When there is neither an answer nor an older one, or nothing has that name.
pub(super) async fn run(subject: &str, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let answer = answer::read(coordinator, ViewKind::Why, subject, output).await?;
    let typed: Why = answer.typed()?;
    output.document(&answer.value, |look| show::why::why(&typed, answer.stale.as_ref(), look))?;
    follow::explain_stale(&answer, output)?;
    Ok(answer.exit(true))
}
