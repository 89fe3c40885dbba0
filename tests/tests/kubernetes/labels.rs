//! Labels and taints end to end: the example home against a real API server.

use coord_tests::{
    control_plane::Parts,
    lab::{hosts, wait_for},
    skip::skipped,
};

use crate::home::{HOMELAB, Home, NODES};

const ZONE: &str = "topology.kubernetes.io/zone";

/// A home that is as declared, or why there is none.
fn labelled(test: &str, parts: Parts) -> Option<Home> {
    Home::labelled(parts).map_err(|reason| skipped(test, &reason)).ok()
}

#[test]
fn the_example_home_gets_its_labels_and_then_nothing_is_written() {
    let Some(home) = labelled("the_example_home_gets_its_labels_and_then_nothing_is_written", Parts::API) else {
        return;
    };
    home.wait_label("k3s-cp3", ZONE, Some("pi"));
    home.wait_label("k3s-w2", "topology.kubernetes.io/region", Some("homelab"));
    home.wait_label("k3s-w1", "role", Some("primary"));
    home.wait_label("k3s-w3", "sw-volume", Some("true"));
    home.wait_label("k3s-w3", "node.kubernetes.io/instance-type", Some("lxc"));
    assert_eq!(home.label("k3s-w3", "gpu"), None, "its container may not open the GPU");
    wait_for("the taints", || {
        let there = home.taints("k3s-w3") == ["gpu=true:NoSchedule"]
            && home.taints("k3s-cp3") == ["node-role.kubernetes.io/control-plane=:NoSchedule"];
        there.then_some(())
    });
    let owned = home.plane.node("k3s-w3")["metadata"]["annotations"]["coord.homelab/owned-taints"].clone();
    assert_eq!(owned, "gpu:NoSchedule");
    wait_for("nothing to be left to do", || home.plan()["changes"].as_array()?.is_empty().then_some(()));
    let (versions, plans) = (home.versions(), home.plan());
    // Agents report, the coordinator turns, and nothing is written.
    home.lab.told(&["check", "--node", "k3s-w1", "--path-mtu"]);
    home.lab.wait_node("k3s-w3", "to be heard again", |node| node.last_seen_seconds.is_some_and(|age| age < 0.4));
    assert_eq!(home.versions(), versions, "{plans}");
}

#[test]
fn drift_is_put_right_and_what_others_own_is_left() {
    let Some(home) = labelled("drift_is_put_right_and_what_others_own_is_left", Parts::API) else { return };
    home.wait_label("k3s-w1", "role", Some("primary"));
    // Nobody owns a label that is gone: it is set again.
    home.plane.told(&["label", "node", "k3s-w1", "role-"]);
    home.wait_label("k3s-w1", "role", Some("primary"));
    // Another value is somebody's decision, until it is taken over.
    home.plane.told(&["label", "node", "k3s-w1", "--overwrite", "role=spare"]);
    let wait = home.wait_wait("label/k3s-w1/role", &["kubectl-label", "spare", "primary"]);
    assert_eq!(wait["hint"], "coordctl label adopt k3s-w1 role");
    assert_eq!(home.label("k3s-w1", "role").as_deref(), Some("spare"));
    home.lab.told(&["label", "adopt", "k3s-w1", "role"]);
    home.wait_label("k3s-w1", "role", Some("primary"));
    // A taint of ours comes back, a foreign one stays.
    home.plane.told(&["taint", "node", "k3s-w3", "gpu=true:NoSchedule-", "mine=1:NoSchedule"]);
    wait_for("both taints", || {
        let mut taints = home.taints("k3s-w3");
        taints.sort();
        (taints == ["gpu=true:NoSchedule", "mine=1:NoSchedule"]).then_some(())
    });
    // A dropped label is an order; since k3s-w1 lost a value minutes ago, a second node's loss is for a person to say.
    home.declare(&HOMELAB.replace("labels: {role: backup}", "labels: {}"));
    home.apply_when("the brake", |plan| plan.contains("label/k3s-w2/role") && plan.contains("needs-approval"));
    home.wait_label("k3s-w2", "role", None);
}

#[test]
fn a_label_typed_by_hand_belongs_to_who_typed_it() {
    let test = "a_label_typed_by_hand_belongs_to_who_typed_it";
    let Ok(mut home) = Home::build(Parts::API).map_err(|reason| skipped(test, &reason)) else { return };
    home.plane.told(&["label", "node", "k3s-w1", "role=primary", &format!("{ZONE}=proxmox")]);
    home.plane.told(&["taint", "node", "k3s-w3", "gpu=true:NoSchedule"]);
    for name in ["k3s-w1", "k3s-w3"] {
        home.start_agent(name, hosts().join(name));
    }
    home.wait_wait("label/k3s-w1/role", &["kubectl-label"]);
    home.wait_wait("taint/k3s-w3/gpu", &["taint adopt"]);
    home.lab.told(&["label", "adopt", "k3s-w1", "--all"]);
    home.lab.told(&["taint", "adopt", "k3s-w3", "gpu"]);
    wait_for("both keys to be Coord's alone", || {
        let fields = home.plane.node("k3s-w1")["metadata"]["managedFields"].clone();
        let owners = fields.as_array()?.iter().filter(|entry| entry.to_string().contains("f:role"));
        let owners: Vec<_> = owners.map(|entry| entry["manager"].clone()).collect();
        (owners == ["coord-labels"]).then_some(())
    });
    let owned = || home.plane.node("k3s-w3")["metadata"]["annotations"]["coord.homelab/owned-taints"].clone();
    wait_for("the taint to be Coord's", || (owned() == "gpu:NoSchedule").then_some(()));
}

#[test]
fn a_restart_before_any_report_removes_nothing_and_an_emptied_file_freezes() {
    let test = "a_restart_before_any_report_removes_nothing_and_an_emptied_file_freezes";
    let Some(mut home) = labelled(test, Parts::API) else { return };
    wait_for("nothing to be left to do", || home.plan()["changes"].as_array()?.is_empty().then_some(()));
    let versions = home.versions();
    home.agents.clear();
    home.lab.kill_coordinator();
    home.lab.start_coordinator();
    wait_for("the Nodes to be read again", || {
        let labels = home.lab.told(&["get", "labels"]);
        labels.contains("k3s-w3").then_some(())
    });
    assert_eq!(home.versions(), versions);
    home.declare("");
    wait_for("the file to be refused", || home.events().contains("refused").then_some(()));
    std::fs::remove_file(home.lab.path("cluster.yaml")).unwrap();
    wait_for("the file to be gone", || home.events().contains("is gone").then_some(()));
    assert_eq!(home.versions(), versions);
    for (name, _) in NODES {
        assert!(home.label(name, ZONE).is_some(), "{name} keeps its zone");
    }
}

#[test]
fn a_second_coordinator_writes_nothing() {
    let Some(home) = labelled("a_second_coordinator_writes_nothing", Parts::API) else { return };
    let mut second = coord_tests::lab::Lab::prepare(&crate::home::configuration(&home.plane));
    std::fs::write(second.path("cluster.yaml"), HOMELAB.replace("role: primary", "role: stolen")).unwrap();
    second.start_coordinator();
    wait_for("the second one to say who holds the Lease", || {
        second.status().problems.iter().any(|problem| problem.code.to_string() == "other-coordinator").then_some(())
    });
    assert_eq!(home.label("k3s-w1", "role").as_deref(), Some("primary"));
}

#[test]
fn an_api_server_that_dies_comes_back_to_a_coordinator_that_goes_on() {
    let test = "an_api_server_that_dies_comes_back_to_a_coordinator_that_goes_on";
    let Some(mut home) = labelled(test, Parts::API) else { return };
    home.plane.stop_api();
    wait_for("the coordinator to notice", || {
        home.lab.told(&["-o", "json", "plan"]).contains("kubernetes").then_some(())
    });
    home.declare(&HOMELAB.replace("role: primary", "role: main"));
    home.plane.start_api();
    home.wait_label("k3s-w1", "role", Some("main"));
}

/// k3s's own cloud controller copies the old form of a zone over the stable one at each change of a Node.
#[test]
fn the_old_form_of_a_zone_is_set_with_it_so_that_copying_changes_nothing() {
    let test = "the_old_form_of_a_zone_is_set_with_it_so_that_copying_changes_nothing";
    let Ok(mut home) = Home::build(Parts::API).map_err(|reason| skipped(test, &reason)) else { return };
    let old = "failure-domain.beta.kubernetes.io/zone";
    let by = "--field-manager=k3s-cloud-controller-manager";
    let label = |home: &Home, pairs: &[String]| {
        let mut arguments = vec!["label", "node", "k3s-w1", "--overwrite", by];
        arguments.extend(pairs.iter().map(String::as_str));
        home.plane.told(&arguments);
    };
    label(&home, &[format!("{old}=default"), format!("{ZONE}=default")]);
    home.start_agent("k3s-w1", hosts().join("k3s-w1"));
    // First it is asked who uses the zone, then a person.
    home.apply_when("another zone to be asked for", |plan| plan.contains("default") && !plan.contains("survey"));
    home.wait_label("k3s-w1", ZONE, Some("proxmox"));
    let copied = home.label("k3s-w1", old).unwrap_or_default();
    label(&home, &[format!("{ZONE}={copied}")]);
    assert_eq!(home.label("k3s-w1", ZONE).as_deref(), Some("proxmox"));
}

#[test]
fn a_deployment_spreads_over_the_zones() {
    let Some(home) = labelled("a_deployment_spreads_over_the_zones", Parts::ALL) else { return };
    home.plane.apply(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3, \
         selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {\
         tolerations: [{operator: Exists}], topologySpreadConstraints: [{maxSkew: 1, \
         topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, \
         labelSelector: {matchLabels: {app: web}}}], containers: [{name: web, image: web}]}}}}",
    );
    wait_for("a pod in each of the three zones", || {
        let nodes = home.plane.told(&["get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}"]);
        let mut zones: Vec<_> = nodes.split_whitespace().filter_map(|node| home.label(node, ZONE)).collect();
        zones.sort();
        (zones == ["pi", "proxmox", "unraid"]).then_some(())
    });
}
