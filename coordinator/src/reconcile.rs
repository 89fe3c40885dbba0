//! The loop that drives the difference to zero: what is known becomes `Observed`, the planner decides, the executor
//! obeys, and what was done is told.
//!
//! A wake-up carries no information: a report, a watch, a person and the time all run the same turn. A turn starts at
//! once, unless one began within the last second. A turn carries out its actions before the next one plans, so nothing
//! of it is in flight when it plans.

use std::{sync::Arc, time::Duration};

use coord_model::Moment;
use coord_planner::{Action, Change, Plan, Reach};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{clock, planned::Planned, state::State, views::judgement};

mod facts;
mod verdict;

use facts::Facts;

/// Two turns begin at least so far apart.
const PAUSE: Duration = Duration::from_secs(1);
/// A turn is made at least so often, and so seldom where there is no cluster to write to.
const LONGEST: Duration = Duration::from_secs(10);
/// So many Nodes are written at once.
const AT_ONCE: usize = 8;

/// Turns until told to stop.
pub(crate) async fn run(state: Arc<State>, stop: CancellationToken) {
    let mut changes = state.registry.subscribe();
    let mut facts = Facts::default();
    loop {
        let began = Instant::now();
        changes.mark_unchanged();
        let again = turn(&state, &mut facts).await;
        let idle = state.kubernetes.observed().reach == Reach::NotConfigured;
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(again) => {},
            changed = changes.changed(), if !idle => if changed.is_err() { return },
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep_until(began + PAUSE) => {},
        }
    }
}

/// One turn; how long after it the next one is due.
async fn turn(state: &Arc<State>, facts: &mut Facts) -> Duration {
    let now = clock::now();
    let desired = state.declared.desired();
    let mut rules = facts.judge(state, desired.as_ref(), now).await;
    let mut observed = judgement::observed(state, now);
    for node in &mut observed.nodes {
        node.rules = rules.remove(&node.id).unwrap_or_default();
    }
    let plan = coord_planner::plan(desired.as_deref(), &observed, now);
    state.kubernetes.ask(plan.questions.clone());
    let again = due(&plan, now);
    let actions = plan.actions.clone();
    publish(state, plan, now, &actions);
    if !actions.is_empty() {
        stream::iter(&actions).for_each_concurrent(AT_ONCE, |action| carry_out(state, action)).await;
        state.planned.finished();
        state.registry.touch();
    }
    again
}

/// The next moment at which a wait may be over.
fn due(plan: &Plan, now: Moment) -> Duration {
    let ends = plan.waits.iter().filter_map(|wait| wait.until).map(|until| until.since(now.boot));
    ends.filter(|left| !left.is_zero()).min().map_or(LONGEST, |left| left.min(LONGEST))
}

/// Shows the plan, and wakes who looks at it if it is another one.
fn publish(state: &State, plan: Plan, now: Moment, actions: &[Action]) {
    let doing: Vec<Change> = actions.iter().flat_map(Action::changes).cloned().collect();
    let cluster = state.kubernetes.observed().cluster;
    state.planned.replace(Planned { plan, at: now, doing, cluster });
}

/// One write, and what is told of it. An approval is spent either way.
async fn carry_out(state: &State, action: &Action) {
    let result = state.kubernetes.carry_out(action).await;
    for change in action.changes() {
        let approved = state.decisions.spend(&change.content()).await;
        match &result {
            Ok(()) => {
                state.event(&change.subject(), &change.to_string());
                if change.takes() && !approved {
                    state.decisions.note_taken(change, clock::now()).await;
                }
            }
            Err(refused) if refused.again => tracing::debug!(subject = change.subject(), why = %refused.why, "once more"),
            Err(refused) => state.event(&change.subject(), &format!("{change}: refused, {}", refused.why)),
        }
    }
}
