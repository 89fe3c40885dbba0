//! The control plane of the laboratory is one: it keeps, refuses, schedules, and is there again after a kill.

use coord_tests::{
    control_plane::{ControlPlane, MadeNode, Parts},
    lab::wait_for,
    skip::skipped,
};

#[test]
fn the_api_keeps_nodes_with_their_status_across_a_kill() {
    let mut plane = match ControlPlane::start(Parts::API) {
        Ok(plane) => plane,
        Err(reason) => return skipped("the_api_keeps_nodes_with_their_status_across_a_kill", &reason),
    };
    let node = MadeNode::new("k3s-w3").machine_id("2f1c6de0b94a4d8e8a53c07f1e9b6a13").address("192.168.1.13");
    plane.create_node(&node.label("gpu", "true").padded(25_000));
    plane.stop_api();
    assert!(!plane.kubectl(&["get", "nodes"]).status.success(), "it still answers");
    plane.start_api();
    let kept = plane.node("k3s-w3");
    assert_eq!(kept["status"]["nodeInfo"]["machineID"], "2f1c6de0b94a4d8e8a53c07f1e9b6a13");
    assert_eq!(kept["status"]["addresses"][0]["address"], "192.168.1.13");
    assert_eq!(kept["metadata"]["labels"]["gpu"], "true");
    assert_eq!(kept["metadata"]["managedFields"][0]["manager"], "k3s");
    assert!(kept.to_string().len() > 25_000);
}

#[test]
fn an_account_may_do_what_it_was_granted_and_no_more() {
    let plane = match ControlPlane::start(Parts::API) {
        Ok(plane) => plane,
        Err(reason) => return skipped("an_account_may_do_what_it_was_granted_and_no_more", &reason),
    };
    let account = plane.service_account("lab", "reader");
    let account = account.to_str().unwrap();
    let asked = |verb: &[&str]| plane.kubectl(&[&["--kubeconfig", account], verb].concat());
    assert!(!asked(&["get", "nodes"]).status.success());
    plane.grant("reader", "ServiceAccount/lab:reader", r#"[{apiGroups: [""], resources: [nodes], verbs: [list]}]"#);
    wait_for("the right to be in force", || asked(&["get", "nodes"]).status.success().then_some(()));
    let refused = asked(&["delete", "node", "none"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("forbidden"));
}

#[test]
fn pods_are_scheduled_and_run() {
    let plane = match ControlPlane::start(Parts::ALL) {
        Ok(plane) => plane,
        Err(reason) => return skipped("pods_are_scheduled_and_run", &reason),
    };
    plane.create_node(&MadeNode::new("k3s-w1").address("192.168.1.12"));
    plane.apply(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, \
         selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, \
         spec: {containers: [{name: web, image: web}]}}}}",
    );
    wait_for("two pods to run on the node", || {
        let template = "{range .items[*]}{.spec.nodeName}={.status.phase} {end}";
        let shown = plane.told(&["get", "pods", "-o", &format!("jsonpath={template}")]);
        (shown == "k3s-w1=Running k3s-w1=Running ").then_some(())
    });
}
