//! The example home as plain data: what is declared, what agents show, what k3s made of its Nodes.
#![allow(dead_code, reason = "every test uses its own part of the world")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use coord_model::{
    Boot, MachineEvidence, Moment, Wall,
    section::{K3sRole, PlatformKind},
};
use coord_planner::{
    ClusterFile, CoordinatorObserved, Decisions, Desired, FieldOwner, KubeNode, KubernetesObserved, LabelRule,
    NodeDeclared, NodeObserved, Observed, OnFalse, Pace, Policy, Reach, Sharing, Taint, TaintEffect, When, WriteLease,
    WriteOperation,
};

/// The rules of the example.
pub(crate) const RULES: [(&str, &str, &str); 3] = [
    ("gpu.usable", "gpu", "true"),
    ("usb.product matches \"(?i)zigbee\"", "zigbee", "true"),
    ("disk(\"/data\").rotational", "storage-type", "hdd"),
];

/// Name, zone, last part of the address, kind, role, own label, taint.
type Row =
    (&'static str, &'static str, u8, PlatformKind, K3sRole, Option<(&'static str, &'static str)>, Option<&'static str>);

const HOME: [Row; 8] = [
    ("k3s-cp1", "proxmox", 11, PlatformKind::Vm, K3sRole::Server, None, None),
    ("k3s-cp2", "unraid", 21, PlatformKind::Vm, K3sRole::Server, None, None),
    (
        "k3s-cp3",
        "pi",
        30,
        PlatformKind::RaspberryPi,
        K3sRole::Server,
        None,
        Some("node-role.kubernetes.io/control-plane"),
    ),
    ("k3s-w1", "proxmox", 12, PlatformKind::Vm, K3sRole::Agent, Some(("role", "primary")), None),
    ("k3s-w2", "unraid", 22, PlatformKind::Vm, K3sRole::Agent, Some(("role", "backup")), None),
    (
        "k3s-w3",
        "proxmox",
        13,
        PlatformKind::Lxc,
        K3sRole::Agent,
        Some(("node.kubernetes.io/instance-type", "lxc")),
        Some("gpu"),
    ),
    ("proxmox", "proxmox", 19, PlatformKind::ProxmoxHost, K3sRole::None, None, None),
    ("unraid", "unraid", 29, PlatformKind::UnraidHost, K3sRole::None, None, None),
];

pub(crate) fn at(second: u64) -> Boot {
    Boot(Duration::from_secs(second))
}

pub(crate) fn moment(second: u64) -> Moment {
    let wall = Wall(1_700_000_000_000 + i64::try_from(second).unwrap_or_default() * 1000);
    Moment { boot: at(second), wall }
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn rule(text: &str, key: &str, value: &str) -> LabelRule {
    let when = When::parse(text).expect("a rule");
    LabelRule { text: text.into(), when, set: labels(&[(key, value)]), on_false: OnFalse::Ask }
}

pub(crate) fn declared(zone: &str, role: K3sRole) -> NodeDeclared {
    NodeDeclared {
        zone: zone.into(),
        region: "homelab".into(),
        host: zone.into(),
        addresses: Vec::new(),
        interface: None,
        kind: None,
        k3s: role,
        labels: BTreeMap::new(),
        default_labels: BTreeMap::new(),
        taints: Vec::new(),
        sometimes: false,
    }
}

pub(crate) fn desired(nodes: BTreeMap<String, NodeDeclared>, rules: Vec<LabelRule>) -> Desired {
    Desired {
        name: "homelab".into(),
        coordinators: Vec::new(),
        policy: Policy::default(),
        zones: BTreeMap::new(),
        hosts: BTreeMap::new(),
        nodes,
        mounts: BTreeMap::new(),
        rules,
        virtual_address: None,
        kubernetes: true,
        worker_sets: Vec::new(),
    }
}

pub(crate) fn agent(name: &str, address: &str, kind: PlatformKind) -> NodeObserved {
    NodeObserved {
        name: name.into(),
        id: format!("id-{name}"),
        heartbeat: Duration::from_secs(10),
        evidence: MachineEvidence { machine_id: format!("id{name}"), ..MachineEvidence::default() },
        kind: Some(kind),
        uuid: Some(format!("UUID-{name}")),
        sharing: Sharing { addresses: vec![address.into()], ..Sharing::default() },
        ..NodeObserved::default()
    }
}

/// A Node as k3s makes it.
pub(crate) fn kube_node(name: &str, address: &str) -> KubeNode {
    let mut node = KubeNode {
        name: name.into(),
        uid: format!("uid-{name}"),
        resource_version: "1".into(),
        machine_id: format!("id{name}"),
        system_uuid: format!("uuid-{name}"),
        addresses: vec![address.into()],
        managers_known: true,
        ready: Some(true),
        ..KubeNode::default()
    };
    for (key, value) in [
        ("kubernetes.io/hostname", name),
        ("node.kubernetes.io/instance-type", "k3s"),
        ("beta.kubernetes.io/instance-type", "k3s"),
    ] {
        node.labels.insert(key.into(), value.into());
        let manager = FieldOwner { name: "k3s".into(), operation: WriteOperation::Update };
        node.managers.insert(key.into(), vec![manager]);
    }
    node
}

/// The example home's declaration.
pub(crate) fn home_desired() -> Desired {
    let runs = |role| matches!(role, K3sRole::Server | K3sRole::Agent);
    let nodes = HOME.iter().map(|(name, zone, _, kind, role, label, taint)| {
        let mut node = NodeDeclared { kind: Some(*kind), ..declared(zone, *role) };
        node.labels = labels(label.as_slice());
        node.default_labels = labels(if runs(*role) { &[("sw-volume", "true")] } else { &[] });
        let value = |key: &str| if key == "gpu" { "true".to_owned() } else { String::new() };
        let taints =
            taint.iter().map(|key| Taint { key: (*key).into(), value: value(key), effect: TaintEffect::NoSchedule });
        node.taints = taints.collect();
        ((*name).to_owned(), node)
    });
    desired(nodes.collect(), RULES.map(|(text, key, value)| rule(text, key, value)).into())
}

/// A cluster that this coordinator may write, with these Nodes.
pub(crate) fn cluster(nodes: impl IntoIterator<Item = KubeNode>) -> KubernetesObserved {
    KubernetesObserved {
        reach: Reach::There,
        cluster: Some("the-cluster".into()),
        lease: WriteLease::Held { until: Boot(Duration::MAX) },
        nodes: nodes.into_iter().map(|node| (node.name.clone(), Arc::new(node))).collect(),
        ..KubernetesObserved::default()
    }
}

/// A world with these parts, an hour after the coordinator's start, in a cluster where a plan was approved before.
pub(crate) fn world(nodes: Vec<NodeObserved>, kubernetes: KubernetesObserved) -> Observed {
    let adopted = BTreeSet::from(["the-cluster".to_owned()]);
    Observed {
        now: moment(3600),
        pace: Pace::default(),
        coordinator: CoordinatorObserved { started: at(0), clock_distrust: None, store_writable: true, events_lost: 0 },
        cluster_file: ClusterFile::InForce,
        desired: None,
        kubernetes,
        decisions: Decisions { adopted, ..Decisions::default() },
        nodes,
    }
}

/// The example home: every machine has its agent, every k3s node is a Node, nothing is labelled.
pub(crate) fn home() -> Observed {
    let address = |last: u8| format!("192.168.1.{last}");
    let agents = HOME.iter().map(|(name, _, last, kind, ..)| agent(name, &address(*last), *kind));
    let joined = HOME.iter().filter(|row| row.4 != K3sRole::None);
    world(agents.collect(), cluster(joined.map(|(name, _, last, ..)| kube_node(name, &address(*last)))))
}
