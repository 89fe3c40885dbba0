//! What `packaging/kubernetes` and `coordctl render` give is taken by a real API server, and allows no more than it says.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use coord_tests::{
    control_plane::{ControlPlane, MadeNode, Parts},
    lab::{program, wait_for},
    skip::skipped,
};

const ACCOUNT: &str = "--as=system:serviceaccount:coord-system:coordinator";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

pub(crate) fn rendered(arguments: &[&str]) -> String {
    let output = Command::new(program("coordctl")).arg("render").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Applies it; a warning would mean that the namespace's restrictions are not kept.
fn applied(plane: &ControlPlane, arguments: &[&str]) {
    let output = plane.kubectl(&[&["apply", "--server-side", "--force-conflicts"], arguments].concat());
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains("Warning"), "{}", said(&output));
}

#[test]
fn the_cluster_takes_what_is_rendered_for_both_places() {
    let plane = match ControlPlane::start(Parts::API) {
        Ok(plane) => plane,
        Err(reason) => return skipped("the_cluster_takes_what_is_rendered_for_both_places", &reason),
    };
    let file = example("homelab.yaml");
    let file = file.to_str().unwrap();
    let tree = plane.folder.path().join("rendered");
    rendered(&["kubernetes", "--file", file, "--out", tree.to_str().unwrap()]);
    rendered(&["kubernetes", "--outside", "--file", file, "--out", plane.folder.path().join("b").to_str().unwrap()]);
    applied(&plane, &["-k", plane.folder.path().join("b/outside").to_str().unwrap()]);
    applied(&plane, &["-k", tree.to_str().unwrap()]);
    // The stream is the same as the tree: nothing changes, and nothing is refused.
    let stream = plane.folder.path().join("stream.yaml");
    std::fs::write(&stream, rendered(&["kubernetes", "--file", file])).unwrap();
    let before = plane.told(&["get", "deployment,configmap,service", "-n", "coord-system", "-o", "yaml"]);
    applied(&plane, &["-f", stream.to_str().unwrap()]);
    assert_eq!(plane.told(&["get", "deployment,configmap,service", "-n", "coord-system", "-o", "yaml"]), before);
    // Pods of this template pass the strictest profile: the API server warns where a Deployment's would not.
    let image = plane.told(&["get", "deployment", "coordinator", "-n", "coord-system", "-o", "jsonpath={..image}"]);
    assert_eq!(image, "coordinator:0.1.0");
}

#[test]
fn the_resource_type_takes_every_example_and_refuses_what_is_wrong() {
    let plane = match ControlPlane::start(Parts::API) {
        Ok(plane) => plane,
        Err(reason) => return skipped("the_resource_type_takes_every_example_and_refuses_what_is_wrong", &reason),
    };
    plane.apply(&rendered(&["crd"]));
    plane.told(&["wait", "--for=condition=Established", "crd/clusters.coord.homelab", "--timeout=60s"]);
    let structural = "jsonpath={.status.conditions[?(@.type==\"NonStructuralSchema\")].message}";
    assert_eq!(plane.told(&["get", "crd", "clusters.coord.homelab", "-o", structural]), "");
    for name in ["homelab.yaml", "media-house.yaml", "minimal.yaml", "two-rooms.yaml"] {
        let path = example(name);
        let taken = wait_for("the resource type to be served", || {
            let output = plane.kubectl(&["apply", "-f", path.to_str().unwrap()]);
            (!said(&output).contains("no matches for kind")).then_some(output)
        });
        assert!(taken.status.success(), "{name}: {}", said(&taken));
    }
    let head = "apiVersion: coord.homelab/v1\nkind: Cluster\nmetadata: {name: wrong}\nspec: {zones: {a: {}}, nodes: ";
    let refused = |nodes: &str, word: &str| {
        let output = plane.kubectl_with(&["apply", "-f", "-"], &format!("{head}{nodes}}}\n"));
        assert!(!output.status.success() && said(&output).contains(word), "{nodes}: {}", said(&output));
    };
    refused("{one: {zone: a, k3s: agent, regoin: b}}", "regoin");
    refused("{one: {zone: a, k3s: sometimes}}", "Unsupported value");
    refused("{one: {zone: a, k3s: agent, kind: toaster}}", "should match");
    refused("{one: {zone: a, k3s: agent, labels: {gpu: true}}}", "must be of type string");
    refused("{one: {zone: a}}", "k3s");
    let text = format!("{head}{{n: {{zone: a, k3s: agent, kind: null, labels: {{sw-volume: null}}}}}}}}\n");
    let taken = plane.kubectl_with(&["apply", "--server-side", "-f", "-"], &text);
    assert!(taken.status.success(), "{}", said(&taken));
    let kept = plane.told(&["get", "clusters.coord.homelab", "wrong", "-o", "json"]);
    assert!(kept.contains("\"sw-volume\": null"), "{kept}");
}

#[test]
fn the_policy_keeps_the_coordinator_to_its_own_keys() {
    let plane = match ControlPlane::start(Parts::API) {
        Ok(plane) => plane,
        Err(reason) => return skipped("the_policy_keeps_the_coordinator_to_its_own_keys", &reason),
    };
    plane.apply(&rendered(&["kubernetes", "--outside", "--file", example("homelab.yaml").to_str().unwrap()]));
    plane.create_node(&MadeNode::new("n1").label("theirs", "1").taint("theirs", "", "NoSchedule"));
    plane.told(&["annotate", "node", "n1", "theirs=1"]);
    let as_coordinator = |arguments: &[&str]| plane.kubectl(&[&[ACCOUNT], arguments].concat());
    let refused = |arguments: &[&str], word: &str| {
        let output = as_coordinator(arguments);
        assert!(!output.status.success() && said(&output).contains(word), "{arguments:?}: {}", said(&output));
    };
    let taken = |arguments: &[&str]| {
        let output = as_coordinator(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    };
    wait_for("the policy to be in force", || {
        let asked = as_coordinator(&["label", "node", "n1", "probe=1", "--dry-run=server"]);
        said(&asked).contains("may not change the label probe").then_some(())
    });
    taken(&["label", "node", "n1", "gpu=true", "topology.kubernetes.io/zone=proxmox", "coord.homelab/any=1"]);
    taken(&["label", "node", "n1", "gpu-", "failure-domain.beta.kubernetes.io/zone=proxmox"]);
    taken(&["taint", "node", "n1", "gpu=true:NoSchedule"]);
    taken(&["annotate", "node", "n1", "coord.homelab/owned-taints=gpu:NoSchedule"]);
    taken(&["taint", "node", "n1", "gpu-"]);
    refused(&["label", "node", "n1", "theirs=2", "--overwrite"], "label theirs");
    refused(&["label", "node", "n1", "theirs-"], "label theirs");
    refused(&["label", "node", "n1", "gpu=true", "foreign=1"], "label foreign");
    refused(&["annotate", "node", "n1", "theirs-"], "annotation theirs");
    refused(&["taint", "node", "n1", "foreign=1:NoExecute"], "taint foreign");
    refused(&["taint", "node", "n1", "theirs-"], "taint theirs");
    refused(&["patch", "node", "n1", "-p", r#"{"spec":{"unschedulable":true}}"#], "change nothing of a Node");
    refused(&["patch", "node", "n1", "-p", r#"{"spec":{"providerID":"x://y"}}"#], "change nothing of a Node");
    refused(&["patch", "node", "n1", "-p", r#"{"metadata":{"finalizers":["a.b/c"]}}"#], "finalizers");
    refused(&["delete", "node", "n1"], "forbidden");
    // Even somebody who gives the account every right does not get round it.
    plane.grant(
        "all",
        "ServiceAccount/coord-system:coordinator",
        r#"[{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]"#,
    );
    wait_for("the policy to refuse what RBAC allows", || {
        said(&as_coordinator(&["delete", "node", "n1", "--dry-run=server"]))
            .contains("Nodes that are there")
            .then_some(())
    });
    refused(&["patch", "node", "n1", "--subresource=status", "-p", r#"{"status":{"phase":"x"}}"#], "status");
    // Others are not its business.
    plane.told(&["label", "node", "n1", "theirs=2", "--overwrite"]);
}
