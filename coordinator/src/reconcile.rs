//! The loop that drives the difference to zero: what is known becomes `Observed`, the planner decides, the executor
//! obeys, and what was done is told.
//!
//! A wake-up carries no information: a report, a watch, a person and the time all run the same turn. A turn starts at
//! once, unless one began within the last second. A turn carries out its actions before the next one plans, so nothing
//! of it is in flight when it plans.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use coord_model::Moment;
use coord_planner::{Action, Change, Pause, Plan, Reach};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{clock, config::ClusterSource, planned::Planned, state::State, views::judgement};

mod facts;
mod verdict;

use facts::Facts;
use verdict::Told;

/// Two turns begin at least so far apart.
const PAUSE: Duration = Duration::from_secs(1);
/// A turn is made at least so often, and so seldom where there is no cluster to write to.
const LONGEST: Duration = Duration::from_secs(10);
/// So many Nodes are written at once.
const AT_ONCE: usize = 8;

/// Turns until told to stop.
pub(crate) async fn run(state: Arc<State>, stop: CancellationToken) {
    let mut changes = state.registry.wakes();
    let mut declared = state.declared.changes();
    let mut facts = Facts::load(&state).await;
    let mut told = Told::default();
    loop {
        let began = Instant::now();
        changes.mark_unchanged();
        let again = turn(&state, &mut facts, &mut told).await;
        let idle = state.kubernetes.observed().reach == Reach::NotConfigured;
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(again) => {},
            changed = changes.changed(), if !idle => if changed.is_err() { return },
            changed = declared.changed() => if changed.is_err() { return },
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep_until(began + PAUSE) => {},
        }
    }
}

/// One turn; how long after it the next one is due.
async fn turn(state: &Arc<State>, facts: &mut Facts, told: &mut Told) -> Duration {
    let now = clock::now();
    read_resources(state);
    let desired = state.declared.desired();
    let mut rules = facts.judge(state, desired.as_ref(), now).await;
    let mut observed = judgement::observed(state, now);
    for node in &mut observed.nodes {
        node.rules = rules.remove(&node.id).unwrap_or_default();
    }
    let plan = coord_planner::plan(desired.as_deref(), &observed, now);
    state.kubernetes.ask(plan.questions.clone());
    let again = due(&plan, now);
    let planned = Planned::new(plan, now, observed.kubernetes.cluster);
    publish(state, planned.clone());
    if !planned.plan.actions.is_empty() {
        let paused = &observed.decisions.paused;
        let one = |action| carry_out(state, action, paused);
        stream::iter(&planned.plan.actions).for_each_concurrent(AT_ONCE, one).await;
        publish(state, Planned { doing: Vec::new(), ..planned.clone() });
    }
    told.tell(state, &planned.plan).await;
    again
}

/// Takes in what the cluster resource says.
fn read_resources(state: &State) {
    let note = match (state.kubernetes.resources(), state.kubernetes.resource_failure()) {
        (Some(found), _) => state.declared.resources(found.into_iter().map(|found| found.text).collect()),
        // Nobody misses a resource where the file counts.
        (None, Some(refused)) if state.declared.source() == ClusterSource::Resource => {
            state.declared.no_resources(refused.to_string())
        }
        (None, _) => None,
    };
    if let Some(note) = note {
        state.event("cluster-file", &note);
    }
}

/// The next moment at which a wait may be over.
fn due(plan: &Plan, now: Moment) -> Duration {
    let ends = plan.waits.iter().filter_map(|wait| wait.until).map(|until| until.since(now.boot));
    ends.filter(|left| !left.is_zero()).min().map_or(LONGEST, |left| left.min(LONGEST))
}

/// Shows the plan, and wakes whoever looks at the screens if it is another one.
fn publish(state: &State, planned: Planned) {
    let before = state.publish(planned);
    let after = state.planned();
    if (&before.plan, &before.doing) != (&after.plan, &after.doing) {
        state.registry.touch_screens();
    }
}

/// One write, and what is told of it. Its approvals are spent either way. Somebody who paused or resumed something after
/// the decision is asked first: by the next turn.
async fn carry_out(state: &State, action: &Action, paused: &BTreeMap<String, Pause>) {
    if state.decisions.current(clock::now()).paused != *paused {
        return;
    }
    let approved = state.decisions.approved(action.changes().iter().map(Change::content));
    let result = state.kubernetes.carry_out(action).await;
    match &result {
        Ok(()) => done(state, action, &approved).await,
        // The answer was lost, and nobody knows: it counts as done, so that no approval serves twice and the brake
        // holds. The next turn sees what is so.
        Err(refused) if refused.sent => {
            tracing::warn!(node = action.node(), why = %refused.why, "a write may have been carried out");
            note_taken(state, action, &approved).await;
        }
        // What passes by itself is tried again and no news; a refusal that stays is.
        Err(refused) if refused.again => {
            tracing::debug!(node = action.node(), why = %refused.why, "the write is tried again");
            return;
        }
        Err(refused) => {
            state.event(&format!("node/{}", action.node()), &format!("the cluster refused a write: {}", refused.why));
        }
    }
    if let Err(error) = state.decisions.spend(approved).await {
        tracing::warn!(%error, "spent approvals cannot be stored");
    }
}

async fn done(state: &State, action: &Action, approved: &[String]) {
    for change in action.changes() {
        state.event(&change.subject(), &change.to_string());
    }
    note_taken(state, action, approved).await;
}

/// What was taken without an approval counts for the brake.
async fn note_taken(state: &State, action: &Action, approved: &[String]) {
    let unasked = |change: &&Change| change.takes() && !approved.contains(&change.content());
    for change in action.changes().iter().filter(unasked) {
        if let Err(error) = state.decisions.note_taken(change.node(), &change.subject(), clock::now()).await {
            tracing::warn!(%error, "what was taken cannot be stored");
        }
    }
}
