//! Machines that were copied: different keys, the same machine-id.
//!
//! Only the machine-id is compared across nodes: containers see the DMI UUID of their host, and bridges share MACs.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use coord_model::{Code, Problem};

use super::condition;
use crate::NodeObserved;

/// One `duplicate-machine-id` for each machine-id that more than one node shows. `members` is in order.
pub(crate) fn machine_ids(members: &[&NodeObserved]) -> Vec<Problem> {
    let mut holders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in members.iter().filter(|node| condition::counts(node) && !node.evidence.machine_id.is_empty()) {
        holders.entry(&node.evidence.machine_id).or_default().push(&node.name);
    }
    holders.into_iter().filter(|(_, names)| names.len() > 1).map(|(id, names)| problem(id, &names)).collect()
}

fn problem(id: &str, names: &[&str]) -> Problem {
    let start: String = id.chars().take(8).collect();
    let message = format!("{} nodes show the same machine-id {start}…: one was copied from the other", names.len());
    Problem::new(Code::DuplicateMachineId, names.join(", "), message)
        .hint("on the copy, run: rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot")
}
