//! What two cluster files declare differently, a path a line.

use serde_json::Value;

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// For instance `nodes.k3s-w1.labels.role`.
    pub(crate) path: String,
    /// Absent where it is new.
    pub(crate) before: Option<Value>,
    /// Absent where it goes.
    pub(crate) after: Option<Value>,
}

/// Every difference, in the order of the paths.
pub(crate) fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(before).filter(|value| !value.is_null()), Some(after), &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    match (before, after) {
        (one, other) if one == other => {}
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&inner, one.get(key), other.get(key), found);
            }
        }
        // The first file ever: what it has at the top is enough.
        (None, Some(Value::Object(other))) if path.is_empty() => {
            for (key, value) in other {
                compare(key, None, Some(value), found);
            }
        }
        (before, after) => {
            found.push(Difference { path: path.to_owned(), before: before.cloned(), after: after.cloned() });
        }
    }
}

/// `~ nodes.k3s-w1.labels.role: "worker" -> "primary"`, a line each.
pub(crate) fn screen(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "it declares the same as what is in force\n".to_owned();
    }
    let line = |difference: &Difference| {
        let path = &difference.path;
        match (&difference.before, &difference.after) {
            (Some(before), Some(after)) => format!("~ {path}: {before} -> {after}\n"),
            (None, Some(after)) => format!("+ {path}: {after}\n"),
            (Some(before), None) => format!("- {path}: {before}\n"),
            (None, None) => String::new(),
        }
    };
    differences.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_named_by_their_path() {
        let before = json!({"nodes": {"a": {"labels": {"role": "worker", "old": "x"}}, "gone": {"zone": "z"}}, "n": 1});
        let after = json!({"nodes": {"a": {"labels": {"role": "primary"}}}, "mounts": {"m": true}, "n": 1});
        let expected = "+ mounts: {\"m\":true}\n- nodes.a.labels.old: \"x\"\n\
                        ~ nodes.a.labels.role: \"worker\" -> \"primary\"\n- nodes.gone: {\"zone\":\"z\"}\n";
        assert_eq!(screen(&differences(&before, &after)), expected);
        assert_eq!(screen(&differences(&after, &after)), "it declares the same as what is in force\n");
        assert_eq!(screen(&differences(&Value::Null, &json!({"name": "home"}))), "+ name: \"home\"\n");
    }
}
