//! What the cluster resource is told: pure, from how it stands and what the turn decided.

use std::time::Duration;

use coord_planner::{ClusterFile, Plan};
use tokio::time::Instant;

use crate::{
    config::ClusterSource,
    kubernetes::cluster_resource::{Found, Progress, Verdict},
    state::State,
    views,
};

/// A resource that could not be told is told again so much later.
const AGAIN: Duration = Duration::from_secs(60);

/// What the resources were told last.
#[derive(Debug, Default)]
pub(super) struct Told {
    last: Vec<Verdict>,
    failed: Option<Instant>,
}

impl Told {
    /// Tells each resource what became of it, where that is news.
    pub(super) async fn tell(&mut self, state: &State, plan: &Plan) {
        let resources = state.kubernetes.resources().unwrap_or_default();
        let (source, standing) = (state.declared.source(), state.declared.standing());
        let verdicts: Vec<Verdict> = resources.iter().map(|found| verdict(found, source, &standing, plan)).collect();
        if verdicts == self.last || self.failed.is_some_and(|failed| failed.elapsed() < AGAIN) {
            return;
        }
        self.failed = None;
        for verdict in &verdicts {
            if let Err(refused) = state.kubernetes.tell_resource(verdict, &views::rfc3339(state.wall())).await {
                tracing::debug!(%refused, "the cluster resource was not told");
                self.failed = Some(Instant::now());
            }
        }
        if self.failed.is_none() {
            self.last = verdicts;
        }
    }
}

/// What is said of a resource. No text of it has a time or a figure that moves by itself: a still world makes no writes.
pub(super) fn verdict(found: &Found, source: ClusterSource, standing: &ClusterFile, plan: &Plan) -> Verdict {
    let (progress, reason, message) = match (source, standing) {
        (ClusterSource::File, _) => {
            let message = "not in force: the coordinator's clusterSource is file";
            (Progress::Stalled, "NotInForce", message.to_owned())
        }
        (ClusterSource::Resource, ClusterFile::Invalid(why)) => (Progress::Stalled, "Refused", why.clone()),
        (ClusterSource::Resource, ClusterFile::Disputed) => {
            let message = "in force, and the coordinator's cluster file declares something else";
            (Progress::Stalled, "Disputed", message.to_owned())
        }
        (ClusterSource::Resource, ClusterFile::None | ClusterFile::InForce | ClusterFile::Gone) => progress(plan),
    };
    Verdict { name: found.name.clone(), generation: found.generation, progress, reason, message }
}

fn progress(plan: &Plan) -> (Progress, &'static str, String) {
    let (progress, reason, message) = match () {
        () if !plan.actions.is_empty() => (Progress::InProgress, "Applying", "Nodes are being written"),
        () if !plan.proposals.is_empty() => (Progress::InProgress, "ChangesWait", "changes wait: coordctl plan"),
        () if !plan.waits.is_empty() => (Progress::InProgress, "Waiting", "something is waited for: coordctl plan"),
        () => (Progress::Current, "AsDeclared", "everything is as declared"),
    };
    (progress, reason, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: ClusterSource, standing: ClusterFile, plan: &Plan) -> (Progress, &'static str) {
        let found = Found { name: "homelab".into(), generation: 2, text: String::new() };
        let verdict = verdict(&found, source, &standing, plan);
        assert_eq!((verdict.generation, verdict.name.as_str()), (2, "homelab"));
        (verdict.progress, verdict.reason)
    }

    #[test]
    fn a_resource_is_current_only_where_nothing_is_left_to_do() {
        let still = Plan::default();
        let resource = ClusterSource::Resource;
        assert_eq!(of(resource, ClusterFile::InForce, &still), (Progress::Current, "AsDeclared"));
        assert_eq!(of(resource, ClusterFile::Invalid("x".into()), &still), (Progress::Stalled, "Refused"));
        assert_eq!(of(ClusterSource::File, ClusterFile::InForce, &still), (Progress::Stalled, "NotInForce"));
    }
}
