//! `coordctl cluster apply`: a new cluster file takes the place of the one in force.

use coord_cluster::Weight;
use coord_model::{API_VERSION, ApplyClusterFile, ViewKind};
use coord_proto::client::CALL_DEADLINE;
use serde_json::{Value, json};

use super::{mistakes, read};
use crate::{
    answer,
    arguments::ClusterApply,
    command::{done, would},
    connection::{Coordinator, within},
    failure::{Exit, Failure},
    output::Output,
    show,
};

/// Checks the file here, so that every mistake is shown in its place, and hands it over; with `--dry-run` it only says
/// what would be declared differently.
///
/// # Errors
/// When the file cannot be read or has errors, or the coordinator refuses it.
pub(super) async fn run(arguments: &ClusterApply, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let text = read(&arguments.file)?;
    let checked = coord_cluster::read(&text);
    let bad = checked.mistakes.iter().any(|mistake| mistake.weight == Weight::Error);
    if bad {
        mistakes(&arguments.file, &text, &checked.mistakes, output)?;
        return Ok(Exit::Failed);
    }
    if arguments.dry_run {
        let after =
            serde_json::to_value(&checked.desired).map_err(|error| Failure::new("cannot compare").because(&error))?;
        return compared(&after, coordinator, output).await;
    }
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.apply_cluster(ApplyClusterFile { text })).await;
    done(&calls.answer(answer)?, output)
}

/// What is in force, against what the file declares.
async fn compared(after: &Value, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let before = match answer::ask(coordinator, ViewKind::Cluster, "").await {
        Ok(answer) => answer.value.get("declared").cloned().unwrap_or_default(),
        // The coordinator answers, and nothing is in force.
        Err(failure) if failure.exit == Exit::Failed => Value::Null,
        Err(failure) => return Err(failure),
    };
    let changes = show::declared::differences(&before, after);
    let rows: Vec<Value> = changes
        .iter()
        .map(|change| json!({"path": change.path, "before": change.before, "after": change.after}))
        .collect();
    let document = json!({"apiVersion": API_VERSION, "kind": "ClusterFileChanges", "items": rows});
    output.document(&document, |_| show::declared::screen(&changes))?;
    would("put the file in force", output)
}
