//! Nodes, reduced; and input that no API server would send.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn reduced(node: Value) -> KubeNode {
    reduce(serde_json::from_value(node).expect("the API would not send this"))
}

fn a_real_node() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": "k3s-w3", "uid": "u-1", "resourceVersion": "77",
            "labels": {"gpu": "true", "kubernetes.io/hostname": "k3s-w3"},
            "annotations": {"coord.homelab/owned-taints": "dedicated:NoSchedule,x.io/y:NoExecute,broken,z:Never"},
            "managedFields": [
                {"manager": "k3s", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1":
                    {"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/hostname": {}}}}},
                {"manager": "k3s", "operation": "Update", "subresource": "status", "fieldsV1":
                    {"f:metadata": {"f:labels": {"f:kubernetes.io/hostname": {}}}, "f:status": {}}},
                {"manager": "kubectl-label", "operation": "Update", "fieldsV1":
                    {"f:metadata": {"f:labels": {"f:gpu": {}}}}},
                {"manager": "coord-labels", "operation": "Apply", "fieldsV1":
                    {"f:metadata": {"f:labels": {"f:gpu": {}}}}},
            ],
        },
        "spec": {"unschedulable": true, "taints": [
            {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"},
            {"key": "bare", "effect": "NoExecute", "timeAdded": "2026-11-23T00:00:00Z"},
            {"key": "later", "effect": "NoSuchEffectYet"},
        ]},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": "192.168.1.13"}, {"type": "Hostname", "address": "k3s-w3"},
                {"type": "ExternalIP", "address": "2001:db8::13"},
            ],
            "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}],
            "nodeInfo": {"machineID": "m", "systemUUID": "s", "bootID": "b"},
            "images": [{"names": ["x"], "sizeBytes": 5}],
        },
    })
}

#[test]
fn a_node_is_reduced_to_what_is_used() {
    let node = reduced(a_real_node());
    let update = |name: &str| FieldOwner { name: name.into(), operation: WriteOperation::Update };
    let ours = FieldOwner { name: "coord-labels".into(), operation: WriteOperation::Apply };
    assert_eq!((node.name.as_str(), node.uid.as_str(), node.resource_version.as_str()), ("k3s-w3", "u-1", "77"));
    assert_eq!((node.machine_id.as_str(), node.system_uuid.as_str()), ("m", "s"));
    assert_eq!(node.addresses, ["192.168.1.13", "2001:db8::13"]);
    assert_eq!(node.managers["gpu"], [ours, update("kubectl-label")]);
    assert_eq!(node.managers["kubernetes.io/hostname"], [update("k3s")], "a subresource is no other manager");
    assert!(node.managers_known && node.unschedulable);
    assert_eq!(node.ready, Some(true));
    let taints: Vec<_> = node.taints.iter().map(ToString::to_string).collect();
    assert_eq!(taints, ["dedicated=gpu:NoSchedule", "bare:NoExecute"]);
    let owned = |key: &str, effect| TaintKey { key: key.into(), effect };
    assert_eq!(
        node.owned_taints,
        [owned("dedicated", TaintEffect::NoSchedule), owned("x.io/y", TaintEffect::NoExecute)]
    );
}

#[test]
fn a_node_without_anything_is_a_node_about_which_nothing_is_known() {
    let node = reduced(json!({"metadata": {"name": "a"}}));
    assert_eq!(node, KubeNode { name: "a".into(), ..KubeNode::default() });
    assert!(!node.managers_known, "nothing may be written to it");
}

#[test]
fn a_condition_that_is_unknown_is_not_false() {
    let ready = |status: &str| reduced(json!({"status": {"conditions": [{"type": "Ready", "status": status}]}})).ready;
    assert_eq!((ready("True"), ready("False"), ready("Unknown")), (Some(true), Some(false), None));
}

#[test]
fn more_managers_than_anybody_has_make_a_node_unknown() {
    let entry = json!({"manager": "m", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:a": {}}}}});
    let node = reduced(json!({"metadata": {"managedFields": vec![entry; 300]}}));
    assert!(!node.managers_known);
}

#[test]
fn the_annotation_is_in_order_and_absent_when_empty() {
    let owned = |key: &str| TaintKey { key: key.into(), effect: TaintEffect::NoExecute };
    assert_eq!(annotation(&[]), None);
    let text = annotation(&[owned("b"), owned("a"), owned("b")]);
    assert_eq!(text.as_deref(), Some("a:NoExecute,b:NoExecute"));
    assert_eq!(super::owned(&text.unwrap_or_default()), [owned("a"), owned("b")]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let name = prop_oneof![Just("f:metadata".to_owned()), Just("f:labels".to_owned()), "(f:)?.{0,6}"];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_managed_fields_make_it_fail(fields in prop::collection::vec(any_json(), 0..4), key in ".{0,6}") {
        let entries: Vec<ManagedFieldsEntry> = fields
            .into_iter()
            .map(|fields| ManagedFieldsEntry {
                fields_v1: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1(fields)),
                ..ManagedFieldsEntry::default()
            })
            .collect();
        managers(&entries);
        for mut entry in entries {
            crate::kubernetes::fields::take_label(&mut entry, &key);
            crate::kubernetes::fields::give_label(&mut entry, &key);
            prop_assert!(label_keys(&entry).any(|known| known == key));
        }
    }

    #[test]
    fn no_annotation_makes_it_fail(text in ".{0,60}") {
        owned(&text);
    }
}
