//! `coordctl get`: the tables.

use coord_model::{DiskRow, EventRow, GpuRow, LabelRow, List, MountRow, NodeStatus, TokenRow, ViewKind};
use serde::de::DeserializeOwned;

use super::follow;
use crate::{
    answer::{self, Answer},
    arguments::{Get, Noun},
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    show::{Look, lists, stale},
};

/// Shows a table.
///
/// # Errors
/// When there is neither an answer nor an older one.
pub(super) async fn run(arguments: &Get, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let name = arguments.name.as_deref().unwrap_or_default();
    let view = view(arguments.noun);
    if arguments.watch {
        return follow::screen(coordinator, view, name, output, |answer| text(answer, arguments.noun, output)).await;
    }
    show(coordinator, arguments.noun, name, output).await
}

/// `coordctl token list` is `coordctl get tokens`.
///
/// # Errors
/// As [`run`].
pub(super) async fn tokens(coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    show(coordinator, Noun::Tokens, "", output).await
}

async fn show(coordinator: &Coordinator, noun: Noun, name: &str, output: &Output) -> Result<Exit, Failure> {
    let answer = answer::read(coordinator, view(noun), name, output).await?;
    output.data(&text(&answer, noun, output)?)?;
    follow::explain_stale(&answer, output)?;
    Ok(answer.exit(true))
}

fn view(noun: Noun) -> ViewKind {
    match noun {
        Noun::Nodes => ViewKind::Nodes,
        Noun::Gpus => ViewKind::Gpus,
        Noun::Disks => ViewKind::Disks,
        Noun::Mounts => ViewKind::Mounts,
        Noun::Labels => ViewKind::Labels,
        Noun::Tokens => ViewKind::Tokens,
        Noun::Events => ViewKind::Events,
    }
}

fn text(answer: &Answer, noun: Noun, output: &Output) -> Result<String, Failure> {
    match noun {
        Noun::Nodes => table::<NodeStatus>(answer, output, lists::nodes),
        Noun::Gpus => table::<GpuRow>(answer, output, lists::gpus),
        Noun::Disks => table::<DiskRow>(answer, output, lists::disks),
        Noun::Mounts => table::<MountRow>(answer, output, lists::mounts),
        Noun::Labels => table::<LabelRow>(answer, output, lists::labels),
        Noun::Tokens => table::<TokenRow>(answer, output, lists::tokens),
        Noun::Events => table::<EventRow>(answer, output, lists::events),
    }
}

fn table<T: DeserializeOwned>(
    answer: &Answer,
    output: &Output,
    rows: impl FnOnce(&[T], Look) -> String,
) -> Result<String, Failure> {
    let list: List<T> = answer.typed()?;
    let heading = answer.stale.as_ref().map(|stale| stale::heading(None, stale)).unwrap_or_default();
    output.written(&answer.value, |look| heading + &rows(&list.items, look))
}
