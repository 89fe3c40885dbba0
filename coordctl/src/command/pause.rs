//! `coordctl pause` and `coordctl resume`: nothing is done about a subject for a while.

use coord_model::{PauseSubject, ResumeSubject};
use coord_proto::client::CALL_DEADLINE;

use super::{done, would};
use crate::{
    arguments::{Pause, Resume},
    connection::{Coordinator, within},
    failure::{Exit, Failure},
    output::Output,
};

/// Pauses.
///
/// # Errors
/// When the coordinator refuses.
pub(super) async fn pause(arguments: Pause, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let Pause { subject, reason, dry_run } = arguments;
    if dry_run {
        return would(&format!("pause {}", named(subject.as_deref())), output);
    }
    let request = PauseSubject { subject: subject.unwrap_or_default(), reason };
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.pause(request)).await;
    done(&calls.answer(answer)?, output)
}

/// Ends a pause.
///
/// # Errors
/// When the coordinator refuses.
pub(super) async fn resume(arguments: Resume, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let Resume { subject, dry_run } = arguments;
    if dry_run {
        return would(&format!("let {} go on", named(subject.as_deref())), output);
    }
    let request = ResumeSubject { subject: subject.unwrap_or_default() };
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.resume(request)).await;
    done(&calls.answer(answer)?, output)
}

fn named(subject: Option<&str>) -> &str {
    subject.unwrap_or("everything")
}
