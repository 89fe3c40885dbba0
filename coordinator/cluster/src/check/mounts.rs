//! Declared mounts.

use std::collections::BTreeMap;

use coord_planner::{MountDeclared, MountWay};

use super::Findings;
use crate::raw::{Access, Mount, Spec, Via};

/// Every mount that makes sense.
pub(super) fn mounts(spec: &Spec, findings: &mut Findings<'_>) -> BTreeMap<String, MountDeclared> {
    for (name, mount) in &spec.mounts {
        one(spec, name, mount, findings);
    }
    same_path(spec, findings);
    spec.mounts.iter().map(|(name, mount)| (name.clone(), declared(mount))).collect()
}

fn declared(mount: &Mount) -> MountDeclared {
    MountDeclared {
        server: mount.server.clone(),
        export: mount.export.clone(),
        path: mount.path.clone(),
        writable: match mount.access {
            Access::Rw => true,
            Access::Ro => false,
        },
        nodes: mount.nodes.clone(),
        via: match mount.via {
            Via::Host => MountWay::Host,
            Via::Volume => MountWay::Volume,
        },
        sentinel: mount.sentinel.clone(),
    }
}

fn one(spec: &Spec, name: &str, mount: &Mount, findings: &mut Findings<'_>) {
    for (key, value) in [("path", &mount.path), ("export", &mount.export)] {
        if !absolute(value) {
            let place = findings.at(&["mounts", name, key]);
            findings.hinted(place, format!("{value:?} is no absolute path"), "without . and .., and not / itself");
        }
    }
    if mount.server.is_empty() || mount.server.contains(['/', ' ']) {
        findings.error(findings.at(&["mounts", name, "server"]), format!("{:?} is no name or address", mount.server));
    }
    if let Some(sentinel) = &mount.sentinel
        && (sentinel.is_empty() || sentinel.starts_with('/') || sentinel.split('/').any(|part| part == ".."))
    {
        let place = findings.at(&["mounts", name, "sentinel"]);
        findings.hinted(place, format!("{sentinel:?} is no file below the mount"), "for instance .present");
    }
    for (index, node) in mount.nodes.iter().enumerate() {
        let place = findings.at(&["mounts", name, "nodes", &index.to_string()]);
        findings.must_be_known(place, "node", node, spec.nodes.keys());
    }
    if mount.nodes.is_empty() {
        findings.warn(findings.key(&["mounts", name]), format!("no node is told to have the mount {name}"));
    }
}

fn absolute(path: &str) -> bool {
    path.len() > 1 && path.starts_with('/') && !path.split('/').any(|part| part == "." || part == "..")
}

/// Two mounts at one path of one node hide each other.
fn same_path(spec: &Spec, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (name, mount) in &spec.mounts {
        for node in &mount.nodes {
            if let Some(other) = seen.insert((node, &mount.path), name) {
                let place = findings.at(&["mounts", name, "path"]);
                findings.error(place, format!("{name} and {other} are both mounted at {} on {node}", mount.path));
            }
        }
    }
}
