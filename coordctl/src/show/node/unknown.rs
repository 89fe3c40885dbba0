//! What is not known about a node, and why: found in the document itself, so that no fact can be forgotten.

use coord_model::{NodeDetail, Unknown, ValueState};
use serde_json::Value;

use super::sheet::Sheet;
use crate::show::text::count;

/// Everything that is not known and ought to be; with `wide` also what is absent, has no meaning or is not read yet.
pub(super) fn unknown(sheet: &mut Sheet, detail: &NodeDetail, wide: bool) {
    let mut found = Vec::new();
    if let Ok(document) = serde_json::to_value(&detail.report) {
        collect("", &document, &mut found);
    }
    let (shown, hidden): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, reason)| wide || is_news(reason.state));
    if shown.is_empty() && hidden.is_empty() {
        return;
    }
    sheet.head("Not known");
    for (path, reason) in &shown {
        let message = if reason.message.is_empty() { String::new() } else { format!(": {}", reason.message) };
        sheet.fact(path, &format!("{}{message}", reason.state));
    }
    if !hidden.is_empty() {
        let number = count(hidden.len(), "value is", "values are");
        sheet.fact("", &format!("{number} absent, not applicable or not read by this version; all: -o wide"));
    }
}

fn is_news(state: ValueState) -> bool {
    match state {
        ValueState::Denied | ValueState::Timeout | ValueState::Asleep | ValueState::Error => true,
        ValueState::Unrecognised(_) => true,
        ValueState::Absent | ValueState::NotApplicable | ValueState::NotImplemented => false,
    }
}

/// Walks the document; a row is named by its first telling field, a section's wrapping is left out of the path.
fn collect(path: &str, value: &Value, found: &mut Vec<(String, Unknown)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "unknown" => reasons(path, value, found),
                    "facts" => collect(path, value, found),
                    name => collect(&joined(path, name), value, found),
                }
            }
        }
        Value::Array(rows) => {
            for (number, row) in rows.iter().enumerate() {
                collect(&joined(path, &row_name(row, number)), row, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn reasons(path: &str, value: &Value, found: &mut Vec<(String, Unknown)>) {
    for (field, reason) in value.as_object().into_iter().flatten() {
        if let Ok(reason) = serde_json::from_value::<Unknown>(reason.clone()) {
            found.push((joined(path, field), reason));
        }
    }
}

fn row_name(row: &Value, number: usize) -> String {
    let named = ["path", "address", "name", "tty", "source"].iter().find_map(|key| row.get(key)?.as_str());
    let first_path = || row.get("paths")?.get(0)?.as_str();
    named.or_else(first_path).map_or_else(|| number.to_string(), ToOwned::to_owned)
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path} {name}") }
}
