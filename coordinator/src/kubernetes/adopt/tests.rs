//! Labels that change hands keep everything else in its place.

use serde_json::Value;

use super::*;

fn entry(name: &str, operation: &str, labels: &[&str], more: Value) -> ManagedFieldsEntry {
    let labels: serde_json::Map<_, _> = labels.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
    let mut fields = json!({"f:metadata": {"f:labels": labels}});
    if let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) {
        fields.extend(more.clone());
    }
    let entry = json!({"manager": name, "operation": operation, "fieldsV1": fields});
    serde_json::from_value(entry).expect("an entry")
}

fn managers_of(entries: &[ManagedFieldsEntry], key: &str) -> Vec<String> {
    let has = |entry: &&ManagedFieldsEntry| crate::kubernetes::fields::label_keys(entry).any(|known| known == key);
    entries.iter().filter(has).filter_map(|entry| entry.manager.clone()).collect()
}

fn adopted(before: &[ManagedFieldsEntry], keys: &[&str]) -> Vec<ManagedFieldsEntry> {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    moved(before.to_vec(), &keys, Time(jiff::Timestamp::UNIX_EPOCH))
}

#[test]
fn a_label_moves_from_all_others_to_us_and_nothing_else_does() {
    let before = [
        entry("kubectl-label", "Update", &["gpu"], json!({})),
        entry("helm", "Apply", &["gpu", "zone"], json!({"f:spec": {}})),
        entry("k3s", "Update", &["kubernetes.io/os"], json!({})),
    ];
    let after = adopted(&before, &["gpu"]);
    assert_eq!(managers_of(&after, "gpu"), ["coord-labels"]);
    assert_eq!(managers_of(&after, "zone"), ["helm"]);
    assert!(after.contains(&before[2]));
    assert!(!after.iter().any(|entry| entry.manager.as_deref() == Some("kubectl-label")), "it manages nothing now");
}

#[test]
fn an_entry_of_ours_is_kept_and_a_second_time_changes_nothing() {
    let before = [entry("coord-labels", "Apply", &["zone"], json!({})), entry("other", "Update", &["gpu"], json!({}))];
    let after = adopted(&before, &["gpu"]);
    assert_eq!(
        (managers_of(&after, "zone"), managers_of(&after, "gpu")),
        (vec!["coord-labels".into()], vec!["coord-labels".into()])
    );
    assert_eq!(after.len(), 1);
    assert_eq!(adopted(&after, &["gpu"]), after);
}

#[test]
fn what_we_once_wrote_in_another_way_moves_too() {
    let before = [entry("coord-labels", "Update", &["gpu"], json!({}))];
    let after = adopted(&before, &["gpu"]);
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].operation.as_deref(), Some("Apply"));
}
