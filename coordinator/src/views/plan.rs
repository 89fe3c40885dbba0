//! `Plan`: what the last turn wants to change, and what becomes of each change.

use coord_model::{API_VERSION, ChangeState, Moment, PlanView, PlannedChange, Wait};
use coord_planner::{Change, Held};

use super::{rfc3339, seconds};
use crate::{
    planned::{Planned, change_id},
    state::State,
};

/// The last plan.
pub(super) fn plan(state: &State) -> PlanView {
    let (planned, now) = (state.planned(), state.moment());
    PlanView {
        api_version: API_VERSION.into(),
        kind: "Plan".into(),
        stale: false,
        id: planned.id(),
        age_seconds: seconds(now.boot.since(planned.at.boot)),
        changes: changes(&planned),
        waits: waits(&planned, now),
    }
}

/// Every change, in the order of nodes and subjects.
fn changes(planned: &Planned) -> Vec<PlannedChange> {
    let made = planned.plan.actions.iter().flat_map(|action| action.changes());
    let made = made.map(|change| one(change, ChangeState::Now));
    let held = planned.plan.proposals.iter().map(|proposal| one(&proposal.change, held(proposal.held)));
    let mut changes: Vec<PlannedChange> = made.chain(held).collect();
    changes.sort_by(|one, other| (&one.node, &one.subject, &one.id).cmp(&(&other.node, &other.subject, &other.id)));
    changes
}

fn one(change: &Change, state: ChangeState) -> PlannedChange {
    PlannedChange {
        id: change_id(change),
        symbol: change.symbol().to_string(),
        subject: change.subject(),
        node: change.node().to_owned(),
        message: change.to_string(),
        state,
    }
}

fn held(held: Held) -> ChangeState {
    match held {
        Held::NeedsApproval => ChangeState::NeedsApproval,
        Held::Off => ChangeState::Off,
        Held::Paused => ChangeState::Paused,
        Held::NoLease => ChangeState::NoLease,
    }
}

/// The plan's waits, with the time of day at which they end.
pub(super) fn waits(planned: &Planned, now: Moment) -> Vec<Wait> {
    let dated = planned.plan.waits.iter().map(|timed| {
        // A boot time that passed is a wait that the next turn ends.
        let until = timed.until.map(|until| rfc3339(now.wall.plus(until.since(now.boot))));
        Wait { until, ..timed.wait.clone() }
    });
    dated.collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use coord_model::{Boot, Wall};
    use coord_planner::{Action, Cause, Plan, Proposal, TimedWait};

    use super::*;

    fn label(node: &str, key: &str, before: Option<&str>) -> Change {
        let (node, key) = (node.into(), key.into());
        Change::SetLabel {
            node,
            key,
            value: "true".into(),
            before: before.map(Into::into),
            users: Vec::new(),
            cause: Cause::Declared,
        }
    }

    fn planned() -> Planned {
        let action = Action::ApplyLabels {
            node: "k3s-w3".into(),
            uid: "u".into(),
            resource_version: "1".into(),
            set: BTreeMap::new(),
            changes: vec![label("k3s-w3", "gpu", None)],
        };
        let proposals = vec![
            Proposal { change: label("k3s-w1", "role", Some("worker")), held: Held::NeedsApproval },
            Proposal { change: label("k3s-w1", "disk", None), held: Held::Paused },
        ];
        let wait = Wait { subject: "label/k3s-w2/gpu".into(), reason: "fact-not-steady".into(), ..Wait::default() };
        let waits = vec![TimedWait { wait, until: Some(Boot(Duration::from_secs(106))) }];
        Planned { plan: Plan { actions: vec![action], proposals, waits, ..Plan::default() }, ..Planned::default() }
    }

    #[test]
    fn changes_stand_in_order_with_what_becomes_of_them() {
        let rows: Vec<String> = changes(&planned())
            .into_iter()
            .map(|row| format!("{} {} {} {} {}", row.symbol, row.subject, row.state, row.message, row.id.len()))
            .collect();
        let expected = [
            "+ label/k3s-w1/disk paused label disk=true (declared) 8",
            "~ label/k3s-w1/role needs-approval label role: \"worker\" -> \"true\" (declared) 8",
            "+ label/k3s-w3/gpu now label gpu=true (declared) 8",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_timed_wait_has_its_time_of_day() {
        let now = Moment { boot: Boot(Duration::from_secs(100)), wall: Wall(1_800_000_000_000) };
        assert_eq!(waits(&planned(), now)[0].until.as_deref(), Some("2027-01-15T08:00:06Z"));
    }
}
