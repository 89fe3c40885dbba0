//! The cluster file with a real coordinator and a real agent: zones, what is expected, a bad version, a file that went.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::fs;

use coord_model::{Code, Health, Status};
use coord_tests::lab::{Lab, wait_for};

const FILE: &str = "apiVersion: coord.homelab/v1\nkind: Cluster\nmetadata: {name: attic}\nspec:\n  zones: {rack: {}, desk: {}}\n  \
                    nodes:\n    k3s-w1: {zone: rack, kind: vm, k3s: agent, labels: {role: primary}}\n    \
                    gone: {zone: desk, k3s: none}\n  mounts:\n    \
                    films: {server: 192.168.1.29, export: /mnt/user/films, path: /data/films, access: ro, nodes: [k3s-w1]}\n";

fn written(lab: &Lab, text: &str) {
    // A new inode each time, as an editor saves it.
    let new = lab.path("cluster.yaml.new");
    fs::write(&new, text).unwrap();
    fs::rename(new, lab.path("cluster.yaml")).unwrap();
}

fn codes(status: &Status) -> Vec<Code> {
    let of_nodes = status.nodes.iter().flat_map(|node| &node.problems);
    status.problems.iter().chain(of_nodes).map(|problem| problem.code).collect()
}

#[test]
fn the_file_is_obeyed_as_far_as_it_goes_and_never_by_its_absence() {
    let lab = Lab::start();
    let _agent = lab.recorded_agent("k3s-w1", "k3s-w1");
    let node = lab.wait_reported("k3s-w1");
    assert_eq!((lab.status().fleet.as_str(), node.zone), ("home", None));

    written(&lab, FILE);
    let node = lab.wait_node("k3s-w1", "to miss its declared mount", |node| {
        node.problems.iter().any(|problem| problem.code == Code::MountMissing)
    });
    assert_eq!((node.zone.as_deref(), node.health), (Some("rack"), Health::Degraded));
    let status = lab.status();
    assert_eq!(status.fleet, "attic");
    assert!(status.waits.iter().any(|wait| wait.reason == "no-agent"), "{:?}", status.waits);
    wait_for("the plan to miss a cluster", || {
        lab.status().waits.iter().any(|wait| wait.reason == "no-kubeconfig").then_some(())
    });

    written(&lab, &FILE.replace("zone: rack", "zone: rak"));
    let status = wait_for("a bad version to be refused", || {
        Some(lab.status()).filter(|status| codes(status).contains(&Code::ClusterFileInvalid))
    });
    assert_eq!(status.nodes[0].zone.as_deref(), Some("rack"), "the good version stays in force");
    let told = &status.problems.iter().find(|problem| problem.code == Code::ClusterFileInvalid).unwrap().message;
    assert!(told.contains("there is no zone `rak`") && told.contains("cluster.yaml:7:"), "{told}");

    fs::remove_file(lab.path("cluster.yaml")).unwrap();
    let status = wait_for("the file to be missed", || {
        Some(lab.status()).filter(|status| codes(status).contains(&Code::ClusterFileGone))
    });
    assert_eq!(status.nodes[0].zone.as_deref(), Some("rack"));
    assert!(codes(&status).contains(&Code::MountMissing), "what was expected still is");
    assert!(lab.told(&["cluster", "show"]).contains("gone-last-in-force"));
}

#[test]
fn a_node_of_another_kind_and_one_that_is_not_declared_are_named() {
    let lab = Lab::start();
    written(&lab, &FILE.replace("kind: vm", "kind: lxc").replace("    gone:", "    other:"));
    let _one = lab.recorded_agent("k3s-w1", "k3s-w1");
    let _two = lab.recorded_agent("nas", "unraid");
    let has = |name: &str, code: Code| {
        lab.wait_node(name, code.as_str(), |node| node.problems.iter().any(|problem| problem.code == code))
    };
    has("k3s-w1", Code::NodeOtherKind);
    has("nas", Code::NodeUndeclared);
}

#[test]
fn a_file_is_checked_without_a_coordinator() {
    let lab = Lab::prepare("");
    written(&lab, &FILE.replace("role: primary", "role: true"));
    let output = lab.ask(&["cluster", "validate", lab.path("cluster.yaml").to_str().unwrap()]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("label `role` must be text") && shown.contains("write \"true\""), "{shown}");
    let schema = lab.told(&["cluster", "schema", "-o", "json"]);
    assert!(schema.contains("\"title\": \"Cluster\""), "{schema}");
}
