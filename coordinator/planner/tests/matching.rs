//! Which Node is which machine: by example, with the reasons that people read.
#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::{collections::BTreeMap, sync::Arc};

use coord_model::section::{K3sRole, PlatformKind};
use coord_planner::{KubeNode, NodeObserved, Observed, Standing, plan};

#[path = "world/home.rs"]
mod home;

/// The machines `a` and `b`, virtual, each with a Node of its name.
fn two() -> Observed {
    let agents = vec![home::agent("a", "10.0.0.1", PlatformKind::Vm), home::agent("b", "10.0.0.2", PlatformKind::Vm)];
    home::world(agents, home::cluster([home::kube_node("a", "10.0.0.1"), home::kube_node("b", "10.0.0.2")]))
}

fn change(world: &mut Observed, name: &str, how: impl FnOnce(&mut KubeNode)) {
    how(Arc::make_mut(world.kubernetes.nodes.get_mut(name).unwrap()));
}

/// The Nodes that get labels, and the reasons of waits about nodes.
fn outcome(world: &Observed) -> (Vec<String>, Vec<String>) {
    let nodes = ["a", "b"].map(|name| (name.to_owned(), home::declared("attic", K3sRole::Agent)));
    let desired = home::desired(BTreeMap::from(nodes), vec![]);
    let planned = plan(Some(&desired), world, world.now);
    let labelled = planned.actions.iter().map(|action| action.node().to_owned()).collect();
    let waits = planned.waits.iter().map(|wait| format!("{} {}", wait.wait.subject, wait.wait.reason));
    (labelled, waits.collect())
}

fn is(world: &Observed, labelled: &[&str], waits: &[&str]) {
    let (found, said) = outcome(world);
    assert_eq!(found, labelled, "{said:?}");
    assert_eq!(said, waits);
}

fn agent(world: &mut Observed, at: usize) -> &mut NodeObserved {
    &mut world.nodes[at]
}

#[test]
fn machine_id_and_name_are_enough_and_a_name_alone_is_not() {
    is(&two(), &["a", "b"], &[]);
    let mut world = two();
    change(&mut world, "a", |node| node.machine_id = "elsewhere".into());
    agent(&mut world, 0).kind = Some(PlatformKind::Lxc);
    is(&world, &["b"], &["node/a node-not-matched"]);
}

#[test]
fn a_node_of_another_name_needs_an_address() {
    let renamed = |address: &str| {
        let mut world = two();
        let node = world.kubernetes.nodes.remove("a").unwrap();
        let node = KubeNode { name: "z".into(), addresses: vec![address.into()], ..(*node).clone() };
        world.kubernetes.nodes.insert("z".into(), Arc::new(node));
        world
    };
    is(&renamed("10.0.0.1"), &["b", "z"], &[]);
    is(&renamed("10.9.9.9"), &["b"], &["node/a node-not-matched"]);
}

#[test]
fn the_system_uuid_counts_for_virtual_machines_only() {
    let copied = |kind| {
        let mut world = two();
        change(&mut world, "b", |node| node.machine_id = "ida".into());
        for at in [0, 1] {
            agent(&mut world, at).evidence.machine_id = "ida".into();
            agent(&mut world, at).kind = Some(kind);
        }
        world
    };
    is(&copied(PlatformKind::Vm), &["a", "b"], &[]);
    is(&copied(PlatformKind::BareMetal), &["a", "b"], &[]);
    let both = ["node/a node-not-matched", "node/b node-not-matched"];
    is(&copied(PlatformKind::Lxc), &[], &both);
    is(&copied(PlatformKind::RaspberryPi), &[], &both);
    let mut shared = copied(PlatformKind::Vm);
    change(&mut shared, "b", |node| node.system_uuid = "UUID-A".into());
    is(&shared, &[], &both);
}

#[test]
fn evidence_that_disagrees_is_a_wait() {
    let mut swapped = two();
    change(&mut swapped, "a", |node| node.machine_id = "idb".into());
    change(&mut swapped, "b", |node| node.machine_id = "ida".into());
    is(&swapped, &[], &["node/a node-not-matched", "node/b node-not-matched"]);
    let mut uuids = two();
    change(&mut uuids, "a", |node| node.system_uuid = "uuid-b".into());
    change(&mut uuids, "b", |node| node.system_uuid = "uuid-a".into());
    is(&uuids, &[], &["node/a node-not-matched", "node/b node-not-matched"]);
}

#[test]
fn only_members_whose_identity_is_their_own_are_managed() {
    let mut world = two();
    agent(&mut world, 0).standing = Standing::Pending { reason: "came back changed".into() };
    agent(&mut world, 1).cloned = Some(["10.0.0.2".into(), "10.0.0.3".into()]);
    is(&world, &[], &["node/a node-not-matched", "node/b node-not-matched"]);
    agent(&mut world, 0).standing = Standing::Revoked;
    is(&world, &[], &["node/b node-not-matched"]);
}

#[test]
fn what_did_not_join_is_said_and_before_its_first_report_a_machine_is_known_by_what_it_enrolled_with() {
    let mut world = two();
    world.kubernetes.nodes.remove("b");
    agent(&mut world, 0).kind = None;
    agent(&mut world, 0).uuid = None;
    agent(&mut world, 0).sharing = coord_planner::Sharing::default();
    is(&world, &["a"], &["node/b node-not-joined"]);
}
