//! `coordctl apply`: approves what waits in a plan, the one that was looked at and no other.

use std::io::{self, BufRead, IsTerminal};

use coord_model::{ApplyPlan, ChangeState, PlanView, ViewKind};
use coord_proto::client::CALL_DEADLINE;

use super::{done, would};
use crate::{
    answer,
    arguments::Apply,
    connection::{Coordinator, within},
    failure::{Exit, Failure},
    output::Output,
    show,
};

/// A plan's id has so many characters.
const ID: usize = 8;

/// Approves the named plan, or the one that is shown first.
///
/// # Errors
/// When nobody can be asked, the answer is no, or the coordinator refuses.
pub(super) async fn run(arguments: Apply, coordinator: &Coordinator, output: &Output) -> Result<Exit, Failure> {
    let plan = match (arguments.plan, arguments.dry_run) {
        (Some(plan), false) => plan,
        (named, dry_run) => {
            let answer = answer::ask(coordinator, ViewKind::Plan, "").await?;
            let plan: PlanView = answer.typed()?;
            same(named.as_deref(), &plan)?;
            let waiting = waiting(&plan);
            if dry_run {
                output.document(&answer.value, |look| show::plan::plan(&plan, None, look))?;
                return would(&format!("approve {}", show::plan::changes(waiting)), output);
            }
            output.talk(&show::plan::plan(&plan, None, output.look()));
            if plan.changes.is_empty() {
                return Ok(Exit::Fine);
            }
            // Where nothing waits, the coordinator says why.
            if waiting > 0 && !arguments.yes {
                sure(output).await?;
            }
            plan.id
        }
    };
    let mut calls = coordinator.call().await?;
    let answer = within(CALL_DEADLINE, calls.control.apply(ApplyPlan { plan, changes: Vec::new() })).await;
    done(&calls.answer(answer)?, output)
}

/// How many changes an approval would be for.
fn waiting(plan: &PlanView) -> usize {
    let waits = |state| matches!(state, ChangeState::NeedsApproval | ChangeState::NoLease);
    plan.changes.iter().filter(|change| waits(change.state)).count()
}

/// A dry run says the same as the call would.
fn same(named: Option<&str>, plan: &PlanView) -> Result<(), Failure> {
    match named {
        Some(named) if !plan.id.starts_with(named) => {
            let id = coord_model::clean(&plan.id);
            let was_one = named == "empty" || (named.len() == ID && named.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let what = if was_one { "the world changed".to_owned() } else { format!("there is no plan {named}") };
            let glue = if was_one { ":" } else { ";" };
            Err(Failure::new(format_args!("{what}{glue} the plan is now {id}")).hint("coordctl plan"))
        }
        Some(_) | None => Ok(()),
    }
}

async fn sure(output: &Output) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("cannot ask whether to apply the plan: stdin is not a terminal")
            .hint("coordctl apply --yes"));
    }
    output.talk("approve it? [y/N] ");
    let cannot = |error: &dyn std::error::Error| Failure::new("cannot read the answer").because(error);
    let (send, typed) = tokio::sync::oneshot::channel();
    // A thread that nobody waits for: Ctrl-C ends the prompt, and with it the process.
    std::thread::spawn(move || {
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer).map(|_| answer);
        drop(send.send(read));
    });
    let answer = typed.await.map_err(|error| cannot(&error))?.map_err(|error| cannot(&error))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new("nothing was approved")),
    }
}
