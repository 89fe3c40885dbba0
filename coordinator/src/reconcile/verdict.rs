//! What the cluster resource is told: pure, from how it stands and what the turn decided.

use coord_planner::{ClusterFile, Plan};

use crate::{
    config::ClusterSource,
    kubernetes::cluster_resource::{Found, Progress, Verdict},
};

/// What is said of a resource. No text of it has a time or a figure that moves by itself: a still world makes no writes.
pub(super) fn verdict(found: &Found, source: ClusterSource, standing: &ClusterFile, plan: &Plan) -> Verdict {
    let (progress, reason, message) = match (source, standing) {
        (ClusterSource::File, _) => {
            let message = "not in force: the coordinator's clusterSource is file";
            (Progress::Stalled, "NotInForce", message.to_owned())
        }
        (ClusterSource::Resource, ClusterFile::Invalid(why)) => (Progress::Stalled, "Refused", why.clone()),
        (ClusterSource::Resource, ClusterFile::None | ClusterFile::InForce | ClusterFile::Gone) => progress(plan),
    };
    Verdict { name: found.name.clone(), generation: found.generation, progress, reason, message }
}

fn progress(plan: &Plan) -> (Progress, &'static str, String) {
    let waits = plan.waits.len();
    match () {
        () if !plan.actions.is_empty() => {
            (Progress::InProgress, "Applying", format!("{} Nodes are being written", plan.actions.len()))
        }
        () if !plan.proposals.is_empty() => {
            let message = format!("{} changes wait: coordctl plan", plan.proposals.len());
            (Progress::InProgress, "ChangesWait", message)
        }
        () if waits > 0 => (Progress::InProgress, "Waiting", format!("{waits} waits: coordctl plan")),
        () => (Progress::Current, "AsDeclared", "everything is as declared".to_owned()),
    }
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
