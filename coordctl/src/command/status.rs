//! `coordctl status`: once, watched, or until the fleet is healthy.

use std::ops::ControlFlow;

use coord_model::{Read, ViewKind};

use super::follow;
use crate::{
    answer::{self, Answer},
    arguments::Status,
    connection::Coordinator,
    failure::{Exit, Failure},
    output::Output,
    show,
};

/// Shows it.
///
/// # Errors
/// When there is neither an answer nor an older one.
pub(super) async fn run(arguments: &Status, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    if arguments.wait {
        return wait(arguments, coordinator, output).await;
    }
    if arguments.watch {
        return follow::screen(coordinator, ViewKind::Status, "", output, |answer| text(answer, output)).await;
    }
    let answer = answer::read(coordinator, ViewKind::Status, "", output).await?;
    output.data(&text(&answer, output)?)?;
    follow::explain_stale(&answer, output)?;
    Ok(answer.exit(answer.typed::<coord_model::Status>()?.healthy))
}

fn text(answer: &Answer, output: &Output) -> Result<String, Failure> {
    let status: coord_model::Status = answer.typed()?;
    output.written(&answer.value, |look| show::status::status(&status, answer.stale.as_ref(), look))
}

async fn wait(arguments: &Status, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let read = Read { view: ViewKind::Status, name: String::new(), after: 0 };
    let mut told = String::new();
    let mut last = None;
    let until_healthy = follow::follow(coordinator, &read, output, |answer| {
        let status: coord_model::Status = answer.typed()?;
        if status.healthy && answer.stale.is_none() {
            output.data(&text(&answer, output)?)?;
            return Ok(ControlFlow::Break(Exit::Fine));
        }
        let state = match &answer.stale {
            Some(_) => "the coordinator is away".to_owned(),
            None => show::status::answer(&status),
        };
        if state != told {
            output.talk(&format!("waiting: {state}\n"));
            told = state;
        }
        last = Some(answer);
        Ok(ControlFlow::Continue(()))
    });
    match tokio::time::timeout(arguments.timeout, Box::pin(until_healthy)).await {
        Ok(ended) => ended,
        Err(_) => {
            if let Some(answer) = last {
                output.data(&text(&answer, output)?)?;
            }
            let seconds = arguments.timeout.as_secs();
            let late = Failure::new(format_args!("not healthy within {seconds} s")).hint("coordctl check");
            Err(Failure { exit: Exit::TimedOut, ..late })
        }
    }
}
