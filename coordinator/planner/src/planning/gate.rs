//! Whether a turn may look at the cluster at all, and at one Node.

use alloc::format;

use coord_model::{Code, Moment, Problem};

use super::{Turn, matching, ownership};
use crate::{Desired, KubeNode, KubernetesObserved, Observed, Plan, Reach, TimedWait, UNINITIALISED, WriteLease};

/// Of all waits about the cluster as a whole.
pub(super) const SUBJECT: &str = "kubernetes";

/// The turn, if the cluster can be read; else the wait that says why not.
pub(super) fn open<'a>(desired: &'a Desired, observed: &'a Observed, now: Moment, plan: &mut Plan) -> Option<Turn<'a>> {
    plan.waits.extend(closed(desired, &observed.kubernetes.reach));
    plan.problems.extend(unreachable(&observed.kubernetes.reach));
    if observed.kubernetes.reach != Reach::There {
        return None;
    }
    plan.problems.extend(other_coordinator(&observed.kubernetes.lease));
    Some(Turn { desired, observed, now })
}

fn closed(desired: &Desired, reach: &Reach) -> Option<TimedWait> {
    match reach {
        Reach::NotConfigured if expects_cluster(desired) => {
            let message = "labels and taints are declared, and nobody said where the cluster is";
            Some(TimedWait::new(SUBJECT, "no-kubeconfig", message).hint("coordinator serve --kubeconfig FILE"))
        }
        Reach::NotConfigured | Reach::There => None,
        Reach::Away { why, hint } => {
            let wait = TimedWait::new(SUBJECT, "away", format!("labels and taints stay as they are: {why}"));
            Some(hint.iter().fold(wait, TimedWait::hint))
        }
        Reach::Reading => Some(TimedWait::new(SUBJECT, "reading", "the Nodes are being read for the first time")),
    }
}

fn expects_cluster(desired: &Desired) -> bool {
    desired.kubernetes || desired.nodes.values().any(|node| matching::runs_k3s(node.k3s))
}

/// A cluster that somebody configured and that cannot be used.
pub(super) fn unreachable(reach: &Reach) -> Option<Problem> {
    match reach {
        Reach::Away { why, hint } => {
            let problem = Problem::new(Code::KubernetesUnreachable, SUBJECT, why);
            Some(hint.iter().fold(problem, Problem::hint))
        }
        Reach::NotConfigured | Reach::Reading | Reach::There => None,
    }
}

fn other_coordinator(lease: &WriteLease) -> Option<Problem> {
    match lease {
        WriteLease::Other { holder } => {
            let message =
                format!("another coordinator, {holder}, writes to this cluster; this one changes nothing in it");
            Some(Problem::new(Code::OtherCoordinator, SUBJECT, message).hint("stop one of the two"))
        }
        WriteLease::Held { .. } | WriteLease::Asking | WriteLease::Refused { .. } => None,
    }
}

/// Nothing is declared any more: what Coord owns stays, and that is said.
pub(super) fn frozen(kubernetes: &KubernetesObserved) -> Option<TimedWait> {
    let owned = kubernetes.nodes.values().filter(|node| ownership::owns_anything(node)).count();
    (owned > 0).then(|| {
        let message =
            format!("nothing is declared: labels and taints of Coord on {owned} of its Nodes stay as they are");
        TimedWait::new(SUBJECT, "frozen", message).hint("coordctl cluster apply FILE")
    })
}

/// Whether one Node can be judged; else the wait that says why not.
pub(super) fn ready(node: &KubeNode, plan: &mut Plan) -> bool {
    let unsettled = node.taints.iter().any(|taint| taint.key == UNINITIALISED);
    let wait = |reason, message| TimedWait::new(format!("node/{}", node.name), reason, message);
    if unsettled {
        let message = format!("labels and taints wait: its cloud provider has not seen it yet (taint {UNINITIALISED})");
        plan.waits.push(wait("node-uninitialised", message));
    } else if !node.managers_known {
        let message = "labels and taints wait: the cluster does not say who owns its labels".into();
        plan.waits.push(wait("owners-unknown", message));
    }
    !unsettled && node.managers_known
}
