//! `coordctl describe node`: every fact about one node.

use coord_model::{NodeDetail, ViewKind};

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
pub(super) async fn run(name: &str, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let answer = answer::read(coordinator, ViewKind::Node, name, output).await?;
    let typed: NodeDetail = answer.typed()?;
    output.document(&answer.value, |look| show::node::node(&typed, answer.stale.as_ref(), look))?;
    follow::explain_stale(&answer, output)?;
    Ok(answer.exit(true))
}
