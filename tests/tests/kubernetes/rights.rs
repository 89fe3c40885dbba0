//! The coordinator with the rights of `packaging/kubernetes` and no others: they are enough for all that it does, and a
//! key that its admission policy does not list yet waits with the command that adds it.

use std::fs;

use coord_tests::{
    control_plane::{ControlPlane, Parts},
    lab::{Lab, hosts},
    skip::skipped,
};

use crate::{
    home::{HOMELAB, Home, NODES, registered},
    packaging::rendered,
};

/// Puts the rights and the policy for `file` in force.
fn allow(plane: &ControlPlane, lab: &Lab, file: &str) {
    let path = lab.path("rendered.yaml");
    fs::write(&path, file).unwrap();
    let manifests = rendered(&["kubernetes", "--outside", "--file", path.to_str().unwrap()]);
    let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    let output = plane.kubectl_with(&arguments, &manifests);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_rendered_rights_are_enough_and_a_new_key_waits_for_them() {
    let test = "the_rendered_rights_are_enough_and_a_new_key_waits_for_them";
    let Ok(plane) = ControlPlane::start(Parts::API).map_err(|reason| skipped(test, &reason)) else { return };
    plane.create_nodes(&NODES.map(|(name, address)| registered(name, address)));
    let mut lab = Lab::prepare("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 30s\n");
    allow(&plane, &lab, HOMELAB);
    let kubeconfig = plane.token_kubeconfig("coord-system", "coordinator");
    let general = fs::read_to_string(lab.path("coordinator.yaml")).unwrap();
    fs::write(lab.path("coordinator.yaml"), format!("{general}kubeconfig: {}\n", kubeconfig.display())).unwrap();
    fs::write(lab.path("cluster.yaml"), HOMELAB).unwrap();
    lab.start_coordinator();
    let mut home = Home { agents: Vec::new(), lab, plane };
    for (name, _) in NODES {
        home.start_agent(name, hosts().join(name));
    }
    home.apply_when("the whole plan", |plan| plan.contains("label/k3s-cp3/topology.kubernetes.io/zone"));
    for (name, _) in NODES {
        home.wait_label(name, "topology.kubernetes.io/zone", Some(""));
    }
    // The policy does not know this key: the wait says what to type, and typing that is enough.
    let wider = HOMELAB.replace("labels: {role: backup}", "labels: {role: backup, shelf: top}");
    home.declare(&wider);
    home.wait_wait("node/k3s-w2", &["refused", "coordctl render kubernetes"]);
    allow(&home.plane, &home.lab, &wider);
    home.wait_label("k3s-w2", "shelf", Some("top"));
}
