//! Label keys in `metadata.managedFields`: reading whose they are, and moving them from one manager to another.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use serde_json::{Map, Value, json};

/// The keys of the labels that an entry manages.
pub(super) fn label_keys(entry: &ManagedFieldsEntry) -> impl Iterator<Item = &str> {
    let labels = entry.fields_v1.as_ref().and_then(|fields| fields.0.get("f:metadata")?.get("f:labels")?.as_object());
    labels.into_iter().flat_map(Map::keys).filter_map(|key| key.strip_prefix("f:"))
}

/// Takes `key` out of an entry; says whether it was in. Empty maps go too.
pub(super) fn take_label(entry: &mut ManagedFieldsEntry, key: &str) -> bool {
    let Some(root) = entry.fields_v1.as_mut().and_then(|fields| fields.0.as_object_mut()) else { return false };
    let Some(metadata) = root.get_mut("f:metadata").and_then(Value::as_object_mut) else { return false };
    let Some(labels) = metadata.get_mut("f:labels").and_then(Value::as_object_mut) else { return false };
    let taken = labels.remove(&format!("f:{key}")).is_some();
    if labels.is_empty() {
        metadata.remove("f:labels");
    }
    if metadata.is_empty() {
        root.remove("f:metadata");
    }
    taken
}

/// Puts `key` into an entry.
pub(super) fn give_label(entry: &mut ManagedFieldsEntry, key: &str) {
    let fields = entry.fields_v1.get_or_insert_with(|| FieldsV1(json!({})));
    let labels = branch(branch(&mut fields.0, "f:metadata"), "f:labels");
    branch(labels, &format!("f:{key}"));
}

/// Whether an entry manages nothing any more.
pub(super) fn is_empty(entry: &ManagedFieldsEntry) -> bool {
    entry.fields_v1.as_ref().is_none_or(|fields| fields.0.as_object().is_none_or(Map::is_empty))
}

/// The object below `name`, made where it is missing or something else.
fn branch<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = json!({});
    }
    let child = &mut value[name];
    if !child.is_object() {
        *child = json!({});
    }
    child
}
