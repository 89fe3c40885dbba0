//! `coordctl label adopt` and `coordctl taint adopt`: what somebody else set on a Node becomes Coord's.

use coord_model::{AdoptLabels, AdoptOneTaint};
use coord_proto::client::CALL_DEADLINE;

use super::{done, would};
use crate::{
    arguments::{Label, LabelAdopt, Taint, TaintAdopt},
    connection::{Coordinator, within},
    failure::{Exit, Failure},
    output::Output,
};

/// Takes over labels.
///
/// # Errors
/// When the coordinator refuses.
pub(super) async fn label(label: Label, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let Label::Adopt(LabelAdopt { node, key, all, dry_run }) = label;
    if dry_run {
        let what = key.map_or_else(|| "every label that Coord wants".to_owned(), |key| format!("label {key}"));
        return would(&format!("take over {what} on {node}"), output);
    }
    let request = AdoptLabels { node, key: key.unwrap_or_default(), all };
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.adopt_label(request)).await;
    done(&calls.answer(answer)?, output)
}

/// Takes over a taint.
///
/// # Errors
/// When the coordinator refuses.
pub(super) async fn taint(taint: Taint, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let Taint::Adopt(TaintAdopt { node, key, dry_run }) = taint;
    if dry_run {
        return would(&format!("take over taint {key} on {node}"), output);
    }
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.adopt_taint(AdoptOneTaint { node, key })).await;
    done(&calls.answer(answer)?, output)
}
