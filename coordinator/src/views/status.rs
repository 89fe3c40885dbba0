//! `Status`: is anything wrong, what is being done, what is it waiting for.

use std::collections::BTreeMap;

use coord_model::{
    API_VERSION, Action, Boot, CoordinatorStatus, GuestOf, NodeStatus, Problem, Status, Unknown, Unknowns,
};
use coord_planner::{Desired, Machine, NodeHealth, Place};

use super::{judgement, pauses, plan, seconds};
use crate::{
    planned::{Planned, WRITE_DEADLINE},
    registry::Known,
    state::State,
};

/// The fleet's name where no cluster file gives another.
const FLEET: &str = "home";

/// Everything on one screen.
pub(super) fn status(state: &State) -> Status {
    let fleet = judgement::fleet(state);
    let planned = state.planned();
    let now = state.boot();
    let desired = state.declared.desired();
    let registry = state.registry.fleet();
    let places = places(registry.nodes.values());
    let nodes = fleet.nodes.into_iter().filter_map(|judged| {
        let known = registry.nodes.get(&judged.id)?;
        shown(known).then(|| node(known, judged, places.get(&known.row.id), desired.as_deref(), now))
    });
    let mut nodes: Vec<NodeStatus> = nodes.collect();
    // Those without a zone come last.
    nodes.sort_by(|one, other| {
        let key = |node: &NodeStatus| (node.zone.is_none(), node.zone.clone(), node.name.clone());
        key(one).cmp(&key(other))
    });
    let flights = registry.nodes.values().flat_map(|known| actions(known, now));
    let actions = flights.chain(writes(&planned, now)).collect();
    let moment = state.moment();
    let planned_problems = judgement::of_plan(state, &planned, moment);
    let healthy = fleet.healthy && coord_planner::healthy(&planned_problems);
    let decisions = state.decisions.current(moment);
    let paused = pauses::waits(&decisions, moment);
    let waits = fleet.waits.into_iter().chain(paused).chain(plan::waits(&planned, moment)).collect();
    let mut problems: Vec<Problem> = fleet.problems.into_iter().chain(planned_problems).collect();
    problems.sort();
    Status {
        api_version: API_VERSION.into(),
        kind: "Status".into(),
        fleet: desired.as_ref().map_or_else(|| FLEET.into(), |desired| desired.name.clone()),
        healthy,
        stale: false,
        coordinator: coordinator(state, now),
        nodes,
        problems,
        actions,
        waits,
    }
}

/// The coordinator about itself.
pub(super) fn coordinator(state: &State, now: Boot) -> CoordinatorStatus {
    CoordinatorStatus {
        version: env!("CARGO_PKG_VERSION").into(),
        uptime_seconds: seconds(now.since(state.started.boot)),
        instance: state.instance.clone(),
    }
}

/// On which host each node stands; of a revoked one nobody knows any more.
pub(super) fn places<'a>(nodes: impl Iterator<Item = &'a Known>) -> BTreeMap<String, Place> {
    let machine = |known: &'a Known| Machine {
        id: &known.row.id,
        name: &known.row.name,
        kind: known.summary.kind,
        uuid: known.summary.uuid.as_deref(),
        macs: &known.row.evidence.macs,
        guests: &known.summary.guests,
    };
    let machines: Vec<Machine<'a>> = nodes.filter(|known| shown(known)).map(machine).collect();
    coord_planner::places(&machines)
}

/// A revoked node is shown by `get nodes` until it is forgotten, not among those that work.
fn shown(known: &Known) -> bool {
    known.row.revoked_at.is_none()
}

/// One line.
pub(super) fn node(
    known: &Known,
    judged: NodeHealth,
    place: Option<&Place>,
    desired: Option<&Desired>,
    now: Boot,
) -> NodeStatus {
    let heard = known.last_heard.map(|heard| seconds(now.since(heard)));
    let version = (!known.row.agent_version.is_empty()).then(|| known.row.agent_version.clone());
    let steady = (judged.health == known.health).then(|| seconds(now.since(known.health_since)));
    let mut node = NodeStatus {
        zone: desired.and_then(|desired| desired.nodes.get(&judged.name)).map(|node| node.zone.clone()),
        name: judged.name,
        id: judged.id,
        platform: known.summary.platform.clone(),
        guest_of: place.map(|place| GuestOf { node: place.host.clone(), identifier: place.identifier.clone() }),
        role: known.summary.role.clone(),
        health: judged.health,
        health_seconds: Some(steady.unwrap_or(0.0)),
        last_seen_seconds: heard,
        agent_version: version,
        gpus: known.summary.gpus.clone(),
        mounts: known.summary.mounts,
        problems: judged.problems,
        unknown: Unknowns::new(),
    };
    node.unknown = unknown(&node, desired.is_some());
    node
}

/// Why the values that are absent are not known.
fn unknown(node: &NodeStatus, declared: bool) -> BTreeMap<String, Unknown> {
    let report = "not reported since the coordinator started";
    let no_zone = if declared { "it is not in the cluster file" } else { "there is no cluster file" };
    let missing = [
        ("zone", node.zone.is_none(), Unknown::not_applicable(no_zone)),
        ("platform", node.platform.is_none(), Unknown::absent(report)),
        ("guestOf", node.guest_of.is_none(), Unknown::absent("no host reports it as its guest")),
        ("role", node.role.is_none(), Unknown::absent(report)),
        (
            "lastSeenSeconds",
            node.last_seen_seconds.is_none(),
            Unknown::absent("not heard since the coordinator started"),
        ),
        ("agentVersion", node.agent_version.is_none(), Unknown::absent("it never had a session")),
        ("gpus", node.gpus.is_none(), Unknown::absent(report)),
        ("mounts", node.mounts.is_none(), Unknown::absent(report)),
    ];
    missing.into_iter().filter(|(_, is, _)| *is).map(|(name, _, why)| (name.to_owned(), why)).collect()
}

/// Commands that are under way.
fn actions(known: &Known, now: Boot) -> Vec<Action> {
    let action = |flight: &crate::registry::Flight| Action {
        subject: format!("node/{}", known.row.name),
        message: flight.message.clone(),
        elapsed_seconds: seconds(now.since(flight.given)),
        deadline_seconds: flight.deadline.as_secs_f64(),
    };
    known.flights.values().map(action).collect()
}

/// Changes of a Kubernetes cluster that are being made.
fn writes(planned: &Planned, now: Boot) -> impl Iterator<Item = Action> + '_ {
    let elapsed_seconds = seconds(now.since(planned.at.boot));
    planned.doing.iter().map(move |change| Action {
        subject: change.subject(),
        message: change.to_string(),
        elapsed_seconds,
        deadline_seconds: WRITE_DEADLINE.as_secs_f64(),
    })
}
