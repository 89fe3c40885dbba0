//! The custom resource `clusters.coord.homelab`: the schema of the cluster file in the form that Kubernetes demands.
//!
//! A structural schema has one type a value, `nullable` instead of a type `null`, and no closed objects: kubectl refuses
//! unknown keys by itself, and the API server drops them. Defaults are left out, so that what is stored is what was written.

use serde_json::{Map, Value, json};

/// The definition.
pub(super) fn definition() -> Value {
    let schema = coord_cluster::schema();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "clusters.coord.homelab"},
        "spec": {
            "group": "coord.homelab",
            "names": {"kind": "Cluster", "listKind": "ClusterList", "plural": "clusters", "singular": "cluster"},
            "scope": "Cluster",
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": resource(&schema)},
                "subresources": {"status": {}},
                "additionalPrinterColumns": columns(),
            }],
        },
    })
}

/// The whole object: what is declared, and how it is doing.
fn resource(schema: &Value) -> Value {
    json!({
        "type": "object",
        "description": schema["description"],
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(&schema["properties"]["spec"]),
            "status": status(),
        },
    })
}

/// In the form that kstatus and Flux wait for.
fn status() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "description": "How the coordinator is doing with it.",
        "properties": {
            "observedGeneration": {"type": "integer", "format": "int64"},
            "conditions": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
                "items": {
                    "type": "object",
                    "required": ["type", "status"],
                    "properties": {
                        "type": text, "status": text, "reason": text, "message": text,
                        "lastTransitionTime": {"type": "string", "format": "date-time"},
                        "observedGeneration": {"type": "integer", "format": "int64"},
                    },
                },
            },
        },
    })
}

fn columns() -> Value {
    json!([
        {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"},
        {"name": "Message", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ])
}

/// A value's schema, without what Kubernetes refuses.
fn structural(schema: &Value) -> Value {
    let Some(object) = schema.as_object() else { return schema.clone() };
    let object = single(object);
    let mut made = Map::new();
    for (key, value) in &object {
        match key.as_str() {
            "properties" => {
                let inner = value.as_object().into_iter().flatten();
                let inner: Map<String, Value> = inner.map(|(name, inner)| (name.clone(), structural(inner))).collect();
                made.insert(key.clone(), Value::Object(inner));
            }
            "additionalProperties" if value == true => {
                made.insert("x-kubernetes-preserve-unknown-fields".into(), json!(true));
            }
            "additionalProperties" if value == false => {}
            "additionalProperties" | "items" => {
                made.insert(key.clone(), structural(value));
            }
            "type" | "description" | "required" | "enum" | "minimum" | "maximum" | "pattern" | "nullable" => {
                made.insert(key.clone(), value.clone());
            }
            // Defaults, formats of Rust's numbers, titles and the version of the schema's language.
            _ => {}
        }
    }
    Value::Object(made)
}

/// One type: a value that may also be null is nullable.
fn single(object: &Map<String, Value>) -> Map<String, Value> {
    let mut made = object.clone();
    let is_null = |value: &Value| value == "null" || value["type"] == "null";
    if let Some(alternatives) = object.get("anyOf").and_then(Value::as_array) {
        made.remove("anyOf");
        for one in alternatives.iter().filter(|one| !is_null(one)).filter_map(Value::as_object) {
            // What is said of the key is nearer than what is said of its type.
            let mut inner = one.clone();
            inner.extend(made);
            made = inner;
        }
        made.insert("nullable".into(), json!(alternatives.iter().any(is_null)));
    }
    if let Some(types) = made.get("type").and_then(Value::as_array).cloned() {
        let only = types.iter().find(|one| !is_null(one)).cloned().unwrap_or(Value::Null);
        made.insert("type".into(), only);
        made.insert("nullable".into(), json!(types.iter().any(is_null)));
    }
    // No list of words ever holds null for the API server; a pattern is asked of text only.
    if made.get("nullable") == Some(&json!(true))
        && let Some(Value::Array(words)) = made.remove("enum")
    {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        made.insert("pattern".into(), json!(format!("^({})$", words.join("|"))));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every schema inside a schema, itself included.
    fn each(schema: &Value, look: &mut impl FnMut(&Map<String, Value>)) {
        let Some(object) = schema.as_object() else { return };
        look(object);
        let named = object.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(_, inner)| inner);
        for inner in named.chain(object.get("additionalProperties")).chain(object.get("items")) {
            each(inner, look);
        }
    }

    #[test]
    fn every_value_has_one_type() {
        let definition = definition();
        let mut seen = 0;
        each(&definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &mut |schema| {
            seen += 1;
            assert!(schema["type"].is_string(), "{schema:?}");
            assert!(!schema.contains_key("anyOf") && !schema.contains_key("default"), "{schema:?}");
            let closed = schema.get("additionalProperties").is_some_and(Value::is_boolean);
            let named = schema.contains_key("properties");
            let both = named && schema.contains_key("additionalProperties");
            assert!(!closed && !both);
        });
        assert!(seen > 80, "{seen}");
    }

    #[test]
    fn a_label_may_be_null_and_a_kind_too() {
        let spec = structural(&coord_cluster::schema()["properties"]["spec"]);
        let node = &spec["properties"]["nodes"]["additionalProperties"]["properties"];
        assert_eq!(node["labels"]["additionalProperties"], json!({"type": "string", "nullable": true}));
        assert_eq!(node["kind"]["nullable"], true);
        assert_eq!(node["kind"]["type"], "string");
        assert!(node["kind"]["pattern"].as_str().unwrap().starts_with("^(vm|lxc|"));
    }
}
