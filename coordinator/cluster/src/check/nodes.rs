//! Nodes: their places, addresses and labels.

use std::{collections::BTreeMap, net::IpAddr};

use coord_model::section::{K3sRole, PlatformKind};
use coord_planner::{NodeDeclared, Taint};

use super::{Findings, labels};
use crate::raw::{Availability, Node, NodeKind, Role, Spec};

/// Every node that can be placed.
pub(super) fn nodes(
    spec: &Spec,
    zones: &BTreeMap<String, String>,
    findings: &mut Findings<'_>,
) -> BTreeMap<String, NodeDeclared> {
    defaults(spec, findings);
    same_address(spec, findings);
    spec.nodes.iter().filter_map(|(name, node)| Some((name.clone(), one(spec, zones, name, node, findings)?))).collect()
}

fn defaults(spec: &Spec, findings: &mut Findings<'_>) {
    let given = spec.node_defaults.labels.iter().map(|(key, value)| (key, Some(value)));
    labels::labels(given, &["nodeDefaults", "labels"], findings);
}

fn one(
    spec: &Spec,
    zones: &BTreeMap<String, String>,
    name: &str,
    node: &Node,
    findings: &mut Findings<'_>,
) -> Option<NodeDeclared> {
    let given = node.labels.iter().map(|(key, value)| (key, value.as_ref()));
    labels::labels(given, &["nodes", name, "labels"], findings);
    let taints = taints(name, node, findings);
    addresses(name, node, findings);
    let zone = zone(spec, name, node, findings)?;
    let defaults = (node.k3s != Role::None).then_some(&spec.node_defaults.labels);
    let (labels, default_labels) = labels::split(defaults, &node.labels);
    Some(NodeDeclared {
        region: zones.get(&zone).cloned().unwrap_or_default(),
        host: host(spec, name, node, &zone),
        zone,
        addresses: node.addresses.clone(),
        interface: node.interface.clone(),
        kind: node.kind.map(kind),
        k3s: role(node.k3s),
        labels,
        default_labels,
        taints,
        sometimes: node.availability == Availability::Sometimes,
    })
}

fn kind(kind: NodeKind) -> PlatformKind {
    match kind {
        NodeKind::Vm => PlatformKind::Vm,
        NodeKind::Lxc => PlatformKind::Lxc,
        NodeKind::Container => PlatformKind::Container,
        NodeKind::BareMetal => PlatformKind::BareMetal,
        NodeKind::RaspberryPi => PlatformKind::RaspberryPi,
        NodeKind::ProxmoxHost => PlatformKind::ProxmoxHost,
        NodeKind::UnraidHost => PlatformKind::UnraidHost,
    }
}

fn role(role: Role) -> K3sRole {
    match role {
        Role::Server => K3sRole::Server,
        Role::Agent => K3sRole::Agent,
        Role::None => K3sRole::None,
    }
}

/// Whether a machine of this kind is its own physical machine.
fn physical(kind: NodeKind) -> bool {
    match kind {
        NodeKind::BareMetal | NodeKind::RaspberryPi | NodeKind::ProxmoxHost | NodeKind::UnraidHost => true,
        NodeKind::Vm | NodeKind::Lxc | NodeKind::Container => false,
    }
}

/// The node's zone: its own, or that of its host.
fn zone(spec: &Spec, name: &str, node: &Node, findings: &mut Findings<'_>) -> Option<String> {
    let of_host = node.host.as_ref().map(|host| host_zone(spec, name, host, findings));
    let zone = match (&node.zone, of_host) {
        (Some(zone), Some(Some(of_host))) if *zone != of_host => {
            let host = node.host.as_deref().unwrap_or_default();
            let message = format!("{name} stands in zone {zone}, its host {host} in {of_host}");
            findings.error(findings.at(&["nodes", name, "zone"]), message);
            return None;
        }
        (Some(zone), _) => zone.clone(),
        (None, Some(Some(of_host))) => return Some(of_host),
        (None, Some(None)) => return None,
        (None, None) => {
            let place = findings.key(&["nodes", name]);
            findings.hinted(place, format!("{name} needs a zone"), "write zone: NAME, or host: NAME");
            return None;
        }
    };
    let place = findings.at(&["nodes", name, "zone"]);
    findings.must_be_known(place, "zone", &zone, spec.zones.keys()).then_some(zone)
}

/// The zone of a declared host, or of the hypervisor node of that name.
fn host_zone(spec: &Spec, name: &str, host: &str, findings: &mut Findings<'_>) -> Option<String> {
    let hypervisor = |node: &Node| node.kind.is_some_and(physical);
    let of_node = spec.nodes.get(host).filter(|node| hypervisor(node)).and_then(|node| node.zone.clone());
    let found = spec.hosts.get(host).map(|host| host.zone.clone()).or(of_node);
    if found.is_none() {
        let known: Vec<&String> = spec
            .hosts
            .keys()
            .chain(spec.nodes.iter().filter(|(_, node)| hypervisor(node)).map(|(name, _)| name))
            .collect();
        let place = findings.at(&["nodes", name, "host"]);
        findings.must_be_known(place, "host", host, known.into_iter());
    }
    found
}

/// Declared, or itself, or the only hypervisor or host of its zone, or the zone as one machine.
fn host(spec: &Spec, name: &str, node: &Node, zone: &str) -> String {
    if let Some(host) = &node.host {
        return host.clone();
    }
    if node.kind.is_some_and(physical) {
        return name.to_owned();
    }
    let is_hypervisor = |node: &Node| {
        matches!(node.kind, Some(NodeKind::ProxmoxHost | NodeKind::UnraidHost)) && node.zone.as_deref() == Some(zone)
    };
    let hypervisors: Vec<&String> =
        spec.nodes.iter().filter(|(_, node)| is_hypervisor(node)).map(|(name, _)| name).collect();
    let hosts: Vec<&String> = spec.hosts.iter().filter(|(_, host)| host.zone == zone).map(|(name, _)| name).collect();
    match (hypervisors.as_slice(), hosts.as_slice()) {
        ([only], _) | ([], [only]) => (*only).clone(),
        _ => zone.to_owned(),
    }
}

fn taints(name: &str, node: &Node, findings: &mut Findings<'_>) -> Vec<Taint> {
    let mut taints: Vec<Taint> = Vec::new();
    for (index, text) in node.taints.iter().enumerate() {
        let place = findings.at(&["nodes", name, "taints", &index.to_string()]);
        match labels::taint(text) {
            Ok(taint) if taints.iter().any(|other| (&other.key, other.effect) == (&taint.key, taint.effect)) => {
                findings.error(place, format!("{name} has the taint {} twice", taint.key));
            }
            Ok(taint) => taints.push(taint),
            Err(why) => findings.error(place, why),
        }
    }
    if node.k3s == Role::None && (!node.taints.is_empty() || !node.labels.is_empty()) {
        let place = findings.key(&["nodes", name]);
        findings.warn(place, format!("{name} is no Kubernetes node (k3s: none): its labels and taints mean nothing"));
    }
    taints
}

fn addresses(name: &str, node: &Node, findings: &mut Findings<'_>) {
    for (index, address) in node.addresses.iter().enumerate() {
        if address.parse::<IpAddr>().is_err() {
            let place = findings.at(&["nodes", name, "addresses", &index.to_string()]);
            findings.hinted(
                place,
                format!("{address:?} is no IP address"),
                "without a prefix length and without a port",
            );
        }
    }
}

/// One address, one machine.
fn same_address(spec: &Spec, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, node) in &spec.nodes {
        for (index, address) in node.addresses.iter().enumerate() {
            if let Some(other) = seen.insert(address, name) {
                let place = findings.at(&["nodes", name, "addresses", &index.to_string()]);
                findings.error(place, format!("{name} and {other} have the same address {address}"));
            }
        }
    }
}
