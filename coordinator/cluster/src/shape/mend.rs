//! What to put in the place of what has the wrong shape: the key or the word that was meant, else a value of the right
//! kind. The rest of the file can then be checked as well.

use serde_json::{Value, json};

use super::nearest;
use crate::tree::Spot;

/// How a tree gets the right shape at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mending {
    /// A key of the map is dropped.
    Drop(String),
    /// A key of the map was meant to be another one.
    Rename(String, String),
    /// The map gets a key.
    Add(String, Value),
    /// The value becomes another one.
    Put(Value),
}

impl Mending {
    /// Does it at `path`.
    pub(super) fn apply(self, tree: &mut Spot, path: &[String]) {
        match self {
            Self::Drop(key) => tree.drop_key(path, &key),
            Self::Rename(key, name) => tree.rename_key(path, &key, &name),
            Self::Add(key, value) => tree.add(path, &key, value),
            Self::Put(value) => tree.put(path, value),
        }
    }

    /// Whether names that other parts of the file mean are lost by it at `path`: then nothing can be said of those parts.
    pub(super) fn blinds(&self, path: &[String]) -> bool {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let lost: Vec<&str> = match self {
            Self::Drop(_) | Self::Rename(_, _) => return false,
            Self::Add(key, _) => path.iter().copied().chain([key.as_str()]).collect(),
            Self::Put(_) => path,
        };
        matches!(lost.as_slice(), [] | ["spec"] | ["spec", "zones" | "nodes" | "hosts"])
    }
}

/// A value that the schema allows, as near to `found` as can be.
pub(super) fn placeholder(schema: &Value, found: &Value) -> Value {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        let meant = found.as_str().and_then(|found| nearest(found, words.iter().filter_map(Value::as_str)));
        return meant.map_or_else(|| words.first().cloned().unwrap_or_default(), Value::from);
    }
    let kinds = schema.get("type");
    let kind = kinds.and_then(|kinds| kinds.as_str().or_else(|| kinds.get(0).and_then(Value::as_str)));
    match kind {
        Some("object") => json!({}),
        Some("array") => json!([]),
        Some("string") => Value::String(text(found)),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(false),
        Some(_) | None => Value::Null,
    }
}

fn text(found: &Value) -> String {
    match found {
        Value::Bool(_) | Value::Number(_) => found.to_string(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}
