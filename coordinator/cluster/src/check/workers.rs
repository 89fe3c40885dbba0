//! The worker sets: read and checked; this version does not act on them.

use super::Findings;
use crate::{
    quantity,
    raw::{Spec, WorkerSet},
};

/// The names of all sets.
pub(super) fn workers(spec: &Spec, findings: &mut Findings<'_>) -> Vec<String> {
    for (name, set) in &spec.worker_sets {
        one(spec, name, set, findings);
    }
    spec.worker_sets.keys().cloned().collect()
}

fn one(spec: &Spec, name: &str, set: &WorkerSet, findings: &mut Findings<'_>) {
    for (index, mount) in set.mounts.iter().enumerate() {
        let place = findings.at(&["workerSets", name, "mounts", &index.to_string()]);
        findings.must_be_known(place, "mount", mount, spec.mounts.keys());
    }
    if let Some(free) = &set.free_disk {
        let place = findings.at(&["workerSets", name, "freeDisk", "mount"]);
        findings.must_be_known(place, "mount", &free.mount, spec.mounts.keys());
        if quantity::bytes(&free.bytes).is_none() {
            let place = findings.at(&["workerSets", name, "freeDisk", "bytes"]);
            findings.hinted(place, format!("{:?} is no size", free.bytes), "for instance 20GiB");
        }
    }
    if let Some(drain) = &set.drain
        && quantity::seconds(&drain.limit).is_none()
    {
        let place = findings.at(&["workerSets", name, "drain", "limit"]);
        findings.hinted(place, format!("{:?} is no duration", drain.limit), "for instance 30m or 4h");
    }
    candidates(spec, name, set, findings);
}

fn candidates(spec: &Spec, name: &str, set: &WorkerSet, findings: &mut Findings<'_>) {
    for (index, candidate) in set.candidates.iter().enumerate() {
        let index = index.to_string();
        let place = findings.at(&["workerSets", name, "candidates", &index, "node"]);
        findings.must_be_known(place, "node", &candidate.node, spec.nodes.keys());
        for mount in candidate.sources.keys() {
            let place = findings.key(&["workerSets", name, "candidates", &index, "sources", mount]);
            findings.must_be_known(place, "mount", mount, set.mounts.iter());
        }
    }
    if set.candidates.len() < set.count as usize && !set.candidates.is_empty() {
        let place = findings.at(&["workerSets", name, "count"]);
        let message = format!("{name} wants {} workers and has {} candidates", set.count, set.candidates.len());
        findings.warn(place, message);
    }
}
