//! The section `kubernetes`: read and checked; this version does not act on it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Findings;
use crate::{
    quantity,
    raw::{Kubernetes, Spec, VirtualAddressProvider},
};

/// Keys of k3s's configuration that follow from the rest of the file.
const OWNED: [&str; 10] = [
    "server",
    "cluster-init",
    "cluster-reset",
    "node-name",
    "node-ip",
    "node-label",
    "node-taint",
    "with-node-id",
    "data-dir",
    "config",
];
/// Parts of key names that hold secrets.
const SECRET: [&str; 5] = ["token", "secret-key", "access-key", "password", "datastore-endpoint"];

/// The virtual address, where one is declared.
pub(super) fn kubernetes(spec: &Spec, findings: &mut Findings<'_>) -> Option<String> {
    let kubernetes = spec.kubernetes.as_ref()?;
    version(kubernetes, findings);
    own_keys("serverConfig", &kubernetes.server_config, findings);
    own_keys("agentConfig", &kubernetes.agent_config, findings);
    if let Some(soak) = &kubernetes.join_soak
        && quantity::seconds(soak).is_none()
    {
        let place = findings.at(&["kubernetes", "joinSoak"]);
        findings.hinted(place, format!("{soak:?} is no duration"), "for instance 120s, 5m or 1h");
    }
    if let Some(snapshots) = &kubernetes.snapshots
        && snapshots.to != "coordinator"
        && !snapshots.to.starts_with('/')
    {
        let place = findings.at(&["kubernetes", "snapshots", "to"]);
        findings.error(place, format!("{:?} is neither `coordinator` nor an absolute folder", snapshots.to));
    }
    let address = endpoint(kubernetes, findings)?;
    let provided = kubernetes.vip.as_ref().is_some_and(|vip| vip.provider != VirtualAddressProvider::None);
    provided.then_some(address)
}

/// `v1.34.3+k3s1`.
fn version(kubernetes: &Kubernetes, findings: &mut Findings<'_>) {
    let version = &kubernetes.version;
    let parts = version.strip_prefix('v').and_then(|rest| rest.split_once("+k3s"));
    let numbers = |text: &str| text.split('.').filter(|part| part.parse::<u32>().is_ok()).count();
    let good = parts.is_some_and(|(release, build)| {
        numbers(release) == 3 && release.split('.').count() == 3 && build.parse::<u32>().is_ok()
    });
    if !good {
        let place = findings.at(&["kubernetes", "version"]);
        findings.hinted(place, format!("{version:?} is no k3s version"), "for instance v1.34.3+k3s1");
    }
}

fn endpoint(kubernetes: &Kubernetes, findings: &mut Findings<'_>) -> Option<String> {
    let endpoint = &kubernetes.endpoint;
    let rest = endpoint.strip_prefix("https://").map(|rest| rest.trim_end_matches('/'));
    let parts = rest.and_then(|rest| rest.rsplit_once(':'));
    let address = parts.filter(|(host, port)| !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok());
    if address.is_none() {
        let place = findings.at(&["kubernetes", "endpoint"]);
        findings.hinted(place, format!("{endpoint:?} is no endpoint"), "for instance https://192.168.1.100:6443");
    }
    address.map(|(host, _)| host.trim_matches(['[', ']']).to_string())
}

/// k3s's own keys, but neither those that Coord sets nor any secret.
fn own_keys(section: &str, config: &BTreeMap<String, Value>, findings: &mut Findings<'_>) {
    for key in config.keys() {
        let plain = key.trim_end_matches('+');
        let place = findings.key(&["kubernetes", section, key]);
        if SECRET.iter().any(|part| plain.contains(part)) {
            findings.hinted(
                place,
                format!("`{key}` holds a secret"),
                "secrets never stand in this file; k3s reads token-file",
            );
        } else if OWNED.contains(&plain) {
            findings.hinted(place, format!("`{key}` belongs to Coord"), "it follows from the nodes and the endpoint");
        }
    }
}
