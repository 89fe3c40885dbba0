//! The cluster file against the fleet: what is declared and not there, there and not declared, or another thing.

use alloc::{format, vec::Vec};

use coord_model::{Code, Problem, Wait};

use crate::{ClusterFile, Desired, NodeObserved, Observed, Standing};

const SUBJECT: &str = "cluster-file";

/// How the file itself stands.
pub(crate) fn problems(observed: &Observed) -> Option<Problem> {
    match &observed.cluster_file {
        ClusterFile::None | ClusterFile::InForce => None,
        ClusterFile::Disputed => {
            let message = "the cluster file and the cluster resource declare different things, and one of them counts";
            let hint = "take one of them away; `clusterSource` of the coordinator says which one counts";
            Some(Problem::new(Code::ClusterSourceConflict, SUBJECT, message).hint(hint))
        }
        ClusterFile::Invalid(why) => {
            let kept =
                if observed.desired.is_some() { "the last good version stays in force" } else { "nothing is in force" };
            let message = format!("the cluster file was refused, {kept}: {why}");
            Some(Problem::new(Code::ClusterFileInvalid, SUBJECT, message).hint("coordctl cluster validate FILE"))
        }
        ClusterFile::Gone => {
            let message = "the cluster file is gone; what it said stays in force until the coordinator restarts";
            Some(Problem::new(Code::ClusterFileGone, SUBJECT, message).hint("put it back, or coordctl cluster show"))
        }
    }
}

/// What one node shows against what is declared of it.
pub(crate) fn of_node(node: &NodeObserved, observed: &Observed) -> Option<Problem> {
    let desired = observed.desired.as_deref()?;
    let Some(declared) = desired.nodes.get(&node.name) else {
        let message = "it is not in the cluster file: Coord watches it and manages nothing of it";
        return Some(Problem::new(Code::NodeUndeclared, &node.name, message).hint("add it under `nodes`"));
    };
    let (wanted, found) = (declared.kind?, node.kind?);
    // A Raspberry Pi is bare metal too.
    let same = wanted == found
        || (wanted == coord_model::section::PlatformKind::BareMetal
            && found == coord_model::section::PlatformKind::RaspberryPi);
    (!same).then(|| {
        let message = format!("the cluster file says that it is a {wanted}, it is a {found}");
        Problem::new(Code::NodeOtherKind, &node.name, message).hint("correct `kind` in the cluster file")
    })
}

/// Declared nodes without an agent, and what this version does not act on.
pub(crate) fn waits(members: &[&NodeObserved], observed: &Observed) -> Vec<Wait> {
    let Some(desired) = observed.desired.as_deref() else { return Vec::new() };
    let missing = desired.nodes.keys().filter(|name| !members.iter().any(|node| there(node, name)));
    let mut waits: Vec<Wait> = missing.map(|name| no_agent(name)).collect();
    waits.extend(not_acted_on(desired));
    waits
}

fn there(node: &NodeObserved, name: &str) -> bool {
    match node.standing {
        Standing::Member | Standing::Pending { .. } => node.name == name,
        Standing::Revoked => false,
    }
}

fn no_agent(name: &str) -> Wait {
    Wait {
        subject: format!("node/{name}"),
        reason: "no-agent".into(),
        message: format!("{name} is declared and has no agent"),
        hint: Some(format!("coordctl token create --node {name}")),
        until: None,
    }
}

fn not_acted_on(desired: &Desired) -> Option<Wait> {
    let parts = desired.not_acted_on();
    (!parts.is_empty()).then(|| Wait {
        subject: SUBJECT.into(),
        reason: "not-built-yet".into(),
        message: format!("{} are read and checked; this version does not act on them", parts.join(", ")),
        hint: None,
        until: None,
    })
}
