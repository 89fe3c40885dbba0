//! Pods and volumes that need a label, and those that do not.

use serde_json::{Value, json};

use super::*;

fn a_pod(spec: Value, metadata: Value) -> Pod {
    serde_json::from_value(json!({"metadata": metadata, "spec": spec})).expect("a pod")
}

fn a_volume(terms: Value) -> PersistentVolume {
    let spec = json!({"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}});
    serde_json::from_value(json!({"metadata": {"name": "pv"}, "spec": spec})).expect("a volume")
}

fn affinity(kind: &str, key: &str) -> Value {
    let term = json!({"matchExpressions": [{"key": key, "operator": "Exists"}]});
    let selector = match kind {
        "required" => json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}),
        _ => json!({"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term}]}),
    };
    json!({"containers": [], "affinity": {"nodeAffinity": selector}})
}

#[test]
fn what_a_pod_requires_counts_and_what_it_prefers_does_not() {
    let wants_gpu = |spec| wants(&a_pod(spec, json!({})), "gpu");
    assert!(wants_gpu(json!({"containers": [], "nodeSelector": {"gpu": "true"}})));
    assert!(wants_gpu(affinity("required", "gpu")));
    assert!(!wants_gpu(affinity("preferred", "gpu")));
    assert!(!wants_gpu(affinity("required", "cpu")));
    assert!(!wants_gpu(json!({"containers": []})));
}

#[test]
fn pods_of_a_daemon_set_are_one_user_and_our_own_are_known() {
    let owned = |kind: &str, controller: bool| {
        let owners =
            json!([{"apiVersion": "apps/v1", "kind": kind, "name": "plugin", "uid": "u", "controller": controller}]);
        pod(&a_pod(json!({"containers": []}), json!({"name": "p-1", "namespace": "media", "ownerReferences": owners})))
    };
    let user = |kind, name: &str, own| LabelUser { kind, name: name.into(), own };
    assert_eq!(owned("DaemonSet", true), user(UserKind::DaemonSet, "media/plugin", false));
    assert_eq!(owned("DaemonSet", false), user(UserKind::Pod, "media/p-1", false));
    assert_eq!(owned("ReplicaSet", true), user(UserKind::Pod, "media/p-1", false));
    let labels = json!({"name": "w", "namespace": "n", "labels": {"coord.homelab/worker-set": "plex"}});
    assert_eq!(pod(&a_pod(json!({"containers": []}), labels)), user(UserKind::Pod, "n/w", true));
}

#[test]
fn a_volume_uses_the_key_where_a_term_that_names_it_lets_the_node_in() {
    let labels = BTreeMap::from([("zone".to_owned(), "a".to_owned())]);
    let term = |key: &str, operator: &str, values: Value| json!({"key": key, "operator": operator, "values": values});
    let binds = |terms: Value| binds(&a_volume(terms), "zone", "n1", &labels);
    assert!(binds(json!([{"matchExpressions": [term("zone", "In", json!(["a", "b"]))]}])));
    assert!(!binds(json!([{"matchExpressions": [term("zone", "In", json!(["b"]))]}])));
    assert!(binds(json!([{"matchExpressions": [term("zone", "NotIn", json!(["b"]))]}])));
    assert!(binds(json!([{"matchExpressions": [term("zone", "Exists", json!(null))]}])));
    assert!(binds(json!([{"matchExpressions": [term("zone", "Gt", json!(["1"]))]}])), "in doubt it is used");
    let both = |node: &str| {
        json!([{
            "matchExpressions": [term("zone", "In", json!(["a"]))],
            "matchFields": [term("metadata.name", "In", json!([node]))],
        }])
    };
    assert!(binds(both("n1")) && !binds(both("n2")));
    assert!(!binds(json!([{"matchExpressions": [term("host", "In", json!(["a"]))]}])), "it does not name the key");
}

#[test]
fn a_volume_without_affinity_uses_nothing() {
    let bare: PersistentVolume = serde_json::from_value(json!({"metadata": {"name": "pv"}})).expect("a volume");
    assert!(!names_any(&bare, &BTreeSet::from(["zone".to_owned()])));
}
