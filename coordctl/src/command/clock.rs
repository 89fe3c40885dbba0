//! `coordctl clock`: believing the coordinator's clock after a jump.

use coord_model::Nothing;
use coord_proto::client::CALL_DEADLINE;

use super::{done, would};
use crate::{
    arguments::Clock,
    connection::{Coordinator, within},
    failure::{Exit, Failure},
    output::Output,
};

/// Accepts the clock.
///
/// # Errors
/// When the coordinator refuses.
pub(super) async fn run(clock: &Clock, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let Clock::Accept(arguments) = clock;
    if arguments.dry_run {
        return would("believe the coordinator's clock as it is now", output);
    }
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.accept_clock(Nothing)).await;
    done(&calls.answer(answer)?, output)
}
