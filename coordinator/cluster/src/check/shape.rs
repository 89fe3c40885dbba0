//! The shape of the cluster: what can be obeyed and will hurt one day.

use std::collections::BTreeMap;

use coord_model::section::K3sRole;
use coord_planner::Desired;

use super::Findings;
use crate::raw::Spec;

/// Warnings about servers and where they stand.
pub(super) fn warnings(spec: &Spec, desired: &Desired, findings: &mut Findings<'_>) {
    let servers: Vec<(&String, &str, &str)> = desired
        .nodes
        .iter()
        .filter(|(_, node)| node.k3s == K3sRole::Server)
        .map(|(name, node)| (name, node.zone.as_str(), node.host.as_str()))
        .collect();
    let nodes = findings.key(&["nodes"]);
    match servers.len() {
        0 => agents_without_server(desired, findings),
        1 if spec.kubernetes.is_some() => {
            findings.warn(nodes, "one server: while it is away, nothing in the cluster can be changed");
        }
        2 => findings
            .warn(nodes, "two servers: losing either stops the cluster, which one server alone does not make worse"),
        count if count % 2 == 0 => {
            findings
                .warn(nodes, format!("{count} servers may lose as many as {} do: an odd number is better", count - 1));
        }
        _ => {}
    }
    together(&servers, |server| server.1, "zone", findings);
    together(&servers, |server| server.2, "host", findings);
}

fn agents_without_server(desired: &Desired, findings: &mut Findings<'_>) {
    if let Some((name, _)) = desired.nodes.iter().find(|(_, node)| node.k3s == K3sRole::Agent) {
        let place = findings.key(&["nodes", name]);
        findings.warn(place, format!("{name} is a k3s agent and no node is a server"));
    }
}

/// More servers in one place than may be lost.
fn together<'s>(
    servers: &[(&'s String, &'s str, &'s str)],
    place_of: impl Fn(&(&'s String, &'s str, &'s str)) -> &'s str,
    what: &str,
    findings: &mut Findings<'_>,
) {
    if servers.len() < 3 {
        return;
    }
    let mut places: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for server in servers {
        places.entry(place_of(server)).or_default().push(server.0);
    }
    for (place, names) in places {
        if names.len() > (servers.len() - 1) / 2 {
            let first = names.first().map_or("", |name| name.as_str());
            let at = findings.key(&["nodes", first]);
            let (some, all) = (names.len(), servers.len());
            let message = format!("{some} of {all} servers stand in {what} {place}: if it fails, the cluster stops");
            findings.warn(at, message);
        }
    }
}
