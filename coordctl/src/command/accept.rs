//! `coordctl accept`: a known risk stays listed and is not unhealthy any more, for a while.

use coord_model::{AcceptProblem, Wall, WithdrawProblem};
use coord_proto::client::CALL_DEADLINE;

use super::{done, would};
use crate::{
    arguments::Accept,
    connection::{Coordinator, within},
    failure::{Exit, Failure},
    output::Output,
};

/// Accepts, or takes it back.
///
/// # Errors
/// When the coordinator refuses.
pub(super) async fn run(arguments: Accept, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let Accept { code, subject, until, reason, withdraw, dry_run } = arguments;
    let (Some(until), false) = (until, withdraw) else {
        if dry_run {
            return would(&format!("let {code} of {subject} count again"), output);
        }
        let mut calls = coordinator.call().await?;
        let answer = within(CALL_DEADLINE, calls.control.withdraw(WithdrawProblem { code, subject })).await;
        return done(&calls.answer(answer)?, output);
    };
    if dry_run {
        return would(&format!("accept {code} of {subject} until {until}"), output);
    }
    let until = Wall(until.as_millisecond());
    let request = AcceptProblem { code, subject, until, reason: reason.unwrap_or_default() };
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.accept(request)).await;
    done(&calls.answer(answer)?, output)
}
