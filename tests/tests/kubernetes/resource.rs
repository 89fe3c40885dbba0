//! The cluster resource: declared with kubectl, judged with the same code as the file, and told what became of it.

use std::fs;

use coord_tests::{
    control_plane::{ControlPlane, Parts},
    lab::{Lab, hosts, wait_for},
    skip::skipped,
};
use serde_json::Value;

use crate::home::{HOMELAB, Home, NODES, configuration, registered};

/// The conditions of the resource, as `TYPE=STATUS`, and the reason of the first.
fn conditions(plane: &ControlPlane) -> (Vec<String>, String) {
    let found: Value = serde_json::from_str(&plane.told(&["get", "clusters.coord.homelab", "-o", "json"])).unwrap();
    let conditions = found["items"][0]["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let text = |condition: &Value, field: &str| condition[field].as_str().unwrap_or_default().to_owned();
    let all = conditions.iter().map(|one| format!("{}={}", text(one, "type"), text(one, "status"))).collect();
    (all, conditions.first().map(|first| text(first, "reason")).unwrap_or_default())
}

/// A home whose declaration lies in the cluster; no agent yet.
fn home() -> Result<Home, String> {
    let plane = ControlPlane::start(Parts::API)?;
    plane.create_nodes(&NODES.map(|(name, address)| registered(name, address)));
    let mut lab = Lab::prepare(&format!("{}clusterSource: resource\n", configuration(&plane)));
    plane.apply(&crate::packaging::rendered(&["crd"]));
    lab.start_coordinator();
    Ok(Home { agents: Vec::new(), lab, plane })
}

#[test]
fn a_resource_is_in_force_and_says_how_it_is_doing() {
    let test = "a_resource_is_in_force_and_says_how_it_is_doing";
    let Ok(mut home) = home().map_err(|reason| skipped(test, &reason)) else { return };
    home.plane.apply(HOMELAB);
    for (name, _) in NODES {
        home.start_agent(name, hosts().join(name));
    }
    wait_for("the resource to be told that changes wait", || {
        (conditions(&home.plane).1 == "ChangesWait").then_some(())
    });
    home.apply_when("the whole plan", |plan| plan.contains("label/k3s-cp3/topology.kubernetes.io/zone"));
    home.wait_label("k3s-cp3", "topology.kubernetes.io/zone", Some("pi"));
    // k3s-cp3 has a Zigbee stick, which counts after ten seconds.
    wait_for("the resource to be ready", || {
        let wanted = ["Ready=True", "Reconciling=False", "Stalled=False"];
        (conditions(&home.plane).0 == wanted).then_some(())
    });
    let waited =
        home.plane.kubectl(&["wait", "--for=condition=Ready", "clusters.coord.homelab/homelab", "--timeout=5s"]);
    assert!(waited.status.success(), "kubectl wait understands it");
    // What is wrong is told and changes nothing.
    let versions = home.versions();
    home.plane.apply(&HOMELAB.replace("k3s-cp1: {zone: proxmox", "k3s-cp1: {zone: attic"));
    wait_for("the wrong resource to be refused", || (conditions(&home.plane).1 == "Refused").then_some(()));
    // coordctl writes the resource, not a file.
    let path = home.lab.path("new.yaml");
    fs::write(&path, HOMELAB.replace("role: backup", "role: spare")).unwrap();
    assert_eq!(home.versions(), versions);
    home.lab.told(&["cluster", "apply", path.to_str().unwrap()]);
    home.wait_label("k3s-w2", "role", Some("spare"));
    // What kubectl applied and the new text leaves out goes, and no second resource comes.
    fs::write(&path, HOMELAB.replace("kind: vm, k3s: agent, labels: {role: backup}", "k3s: agent")).unwrap();
    home.lab.told(&["cluster", "apply", path.to_str().unwrap()]);
    let kept = home.plane.told(&["get", "clusters.coord.homelab", "homelab", "-o", "json"]);
    let kept = serde_json::from_str::<Value>(&kept).unwrap()["spec"]["nodes"]["k3s-w2"].clone();
    assert!(kept["k3s"] == "agent" && kept.get("kind").is_none() && kept.get("labels").is_none(), "{kept}");
    fs::write(&path, HOMELAB.replace("name: homelab", "name: other")).unwrap();
    let refused = home.lab.ask(&["cluster", "apply", path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("named homelab, not other"), "{said}");
    assert!(!home.lab.path("cluster.yaml").exists());
    // A deleted resource freezes.
    let versions = home.versions();
    home.plane.told(&["delete", "clusters.coord.homelab", "homelab"]);
    wait_for("its end to be noticed", || home.events().contains("is gone").then_some(()));
    assert_eq!(home.versions(), versions);
    // Two declarations that differ are a problem.
    home.plane.apply(HOMELAB);
    home.declare(&HOMELAB.replace("name: homelab", "name: other"));
    wait_for("the dispute", || {
        let found =
            home.lab.status().problems.iter().any(|problem| problem.code.to_string() == "cluster-source-conflict");
        found.then_some(())
    });
}
