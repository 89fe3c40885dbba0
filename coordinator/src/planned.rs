//! The last plan, for the screens and for `coordctl apply`.

use std::time::Duration;

use coord_model::Moment;
use coord_planner::{Change, Plan, Proposal};
use coord_proto::token::hexadecimal;
use ring::digest::{SHA256, digest};

/// How long one write to a Kubernetes cluster may take.
pub(crate) const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// How many bytes of a hash name a plan or a change: eight characters.
const NAME: usize = 4;

/// What the last turn decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    /// The plan.
    pub(crate) plan: Plan,
    /// When it was made.
    pub(crate) at: Moment,
    /// Changes that are being made now.
    pub(crate) doing: Vec<Change>,
    /// The Kubernetes cluster that it is for, where one is seen.
    pub(crate) cluster: Option<String>,
}

impl Planned {
    /// A plan whose actions are about to be carried out.
    pub(crate) fn new(plan: Plan, at: Moment, cluster: Option<String>) -> Self {
        let doing = plan.actions.iter().flat_map(|action| action.changes()).cloned().collect();
        Self { plan, at, doing, cluster }
    }

    /// Names the plan: the same changes have the same name, whenever and in whatever order they were planned. A plan
    /// without changes is `empty`.
    pub(crate) fn id(&self) -> String {
        let mut contents: Vec<String> = self.changes().map(Change::content).collect();
        if contents.is_empty() {
            return "empty".to_owned();
        }
        contents.sort();
        short_hash(&contents.join("\n"))
    }

    /// Everything that is wanted, made now or not.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        let made = self.plan.actions.iter().flat_map(|action| action.changes());
        made.chain(self.plan.proposals.iter().map(|proposal: &Proposal| &proposal.change))
    }
}

/// Names one change for `coordctl apply`: the hash of its content.
pub(crate) fn change_id(change: &Change) -> String {
    short_hash(&change.content())
}

fn short_hash(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    hexadecimal(hash.as_ref().get(..NAME).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use coord_planner::{Cause, Held};

    use super::*;

    fn proposal(key: &str, cause: Cause) -> Proposal {
        let change = Change::RemoveLabel {
            node: "k3s-w3".into(),
            key: key.into(),
            value: "true".into(),
            users: Vec::new(),
            cause,
        };
        Proposal { change, held: Held::NeedsApproval }
    }

    fn planned(proposals: Vec<Proposal>) -> Planned {
        Planned { plan: Plan { proposals, ..Plan::default() }, ..Planned::default() }
    }

    #[test]
    fn a_plan_is_named_by_its_changes_alone() {
        let (gpu, disk) = (proposal("gpu", Cause::Dropped), proposal("disk", Cause::Dropped));
        let id = planned(vec![gpu.clone(), disk.clone()]).id();
        assert_eq!((id.len(), planned(vec![disk.clone(), gpu.clone()]).id()), (8, id.clone()));
        assert_eq!(
            planned(vec![proposal("gpu", Cause::RuleFalse("x".into())), disk.clone()]).id(),
            id,
            "not its reasons"
        );
        assert_ne!(planned(vec![disk]).id(), id);
        assert_eq!(planned(Vec::new()).id(), "empty");
    }
}
