//! The fleet as the planner judges it: what is known becomes `Observed`, and nothing else happens here.

use coord_model::{Code, Moment, Problem};
use coord_planner::{CoordinatorObserved, Desired, Fleet, NodeObserved, Observed, Pace, Standing};

use crate::{planned::Planned, registry::Known, state::State};

/// Judges the fleet as it is now.
pub(crate) fn fleet(state: &State) -> Fleet {
    coord_planner::fleet(&observed(state, state.moment()))
}

/// What only the last plan could see to be wrong.
pub(crate) fn of_plan(state: &State, planned: &Planned, now: Moment) -> Vec<Problem> {
    let decisions = state.decisions.current(now);
    let problems = planned.plan.problems.iter().cloned();
    problems.map(|problem| coord_planner::accepted(problem, &decisions, now.wall)).collect()
}

/// What is known at this moment; what the rules say is for the reconcile loop to add.
pub(crate) fn observed(state: &State, now: Moment) -> Observed {
    let settings = &state.settings;
    let heartbeat = settings.heartbeat;
    let desired = state.declared.desired();
    Observed {
        now,
        pace: Pace { silent_after: settings.silent_after, lost_after: settings.lost_after },
        coordinator: CoordinatorObserved {
            started: state.started.boot,
            clock_distrust: state.distrust(),
            store_writable: state.store.writable(),
            events_lost: state.store.events_lost(),
        },
        cluster_file: state.declared.standing(),
        kubernetes: state.kubernetes.observed(),
        decisions: state.decisions.current(now),
        nodes: state.registry.fleet().nodes.values().map(|known| node(known, heartbeat, desired.as_deref())).collect(),
        desired,
    }
}

fn node(known: &Known, heartbeat: std::time::Duration, desired: Option<&Desired>) -> NodeObserved {
    let row = &known.row;
    let declared = desired.and_then(|desired| desired.nodes.get(&row.name));
    NodeObserved {
        name: row.name.clone(),
        id: row.id.clone(),
        standing: standing(known),
        last_heard: known.last_heard,
        heartbeat,
        evidence: row.evidence.clone(),
        problems: known.problems.iter().cloned().chain(refusals(known)).chain(newer(known)).collect(),
        cloned: known.cloned.clone(),
        implausible_generation: known.implausible,
        sometimes: row.sometimes || declared.is_some_and(|declared| declared.sometimes),
        kind: known.summary.kind,
        protocol: known.protocol,
        agent_version: row.agent_version.clone(),
        sharing: known.summary.sharing.clone(),
        uuid: known.summary.uuid.clone(),
        rules: std::collections::BTreeMap::new(),
    }
}

fn standing(known: &Known) -> Standing {
    match (known.row.revoked_at, known.row.pending) {
        (Some(_), _) => Standing::Revoked,
        (None, Some(reason)) => Standing::Pending { reason: reason.sentence().to_owned() },
        (None, None) => Standing::Member,
    }
}

/// Sections that could not be used.
fn refusals(known: &Known) -> impl Iterator<Item = Problem> + '_ {
    known.refused.values().map(|refusal| {
        let field = if refusal.field.is_empty() { String::new() } else { format!(", field {}", refusal.field) };
        let message = format!("section {}{field} was refused: {}", refusal.section, refusal.message);
        Problem::new(Code::SectionRefused, refusal.section, message)
    })
}

/// Sections that were counted and left out, since only a newer version knows them.
fn newer(known: &Known) -> Option<Problem> {
    let count = known.unknown_sections;
    let message = format!("{count} sections of its report are known only to a newer coordinator");
    (count > 0).then(|| Problem::new(Code::ProtocolSkew, "", message))
}
