//! The golden text of each host: one line of what is known, and one of what is not, for each object of its report.

use std::fmt::Write;

use serde_json::Value;

use super::{HOSTS, check, objects, tests_folder};

/// A scalar as the golden text shows it; lists of scalars in brackets.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(rows) if rows.iter().all(|row| !row.is_object()) => {
            Some(format!("[{}]", rows.iter().filter_map(scalar).collect::<Vec<_>>().join(", ")))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What stays the same from run to run and from version to version.
fn shown(path: &str, key: &str, value: &Value) -> Option<String> {
    match (path, key) {
        ("agent", "startedSeconds" | "version") => Some("[own]".to_string()),
        _ => scalar(value),
    }
}

/// One line of what is known and one of what is not for each object.
fn golden(host: &str) -> String {
    let document = check(host);
    let mut text = String::new();
    for problem in document["problems"].as_array().unwrap() {
        let part = |key: &str| problem[key].as_str().unwrap_or("-").to_string();
        writeln!(text, "{} {} [{}] {}", part("severity"), part("code"), part("subject"), part("message")).unwrap();
        writeln!(text, "  hint: {}", part("hint")).unwrap();
    }
    for (section, value) in document["report"].as_object().unwrap() {
        objects(section, &value["facts"], &mut |path, map| {
            let known: Vec<String> =
                map.iter().filter_map(|(key, value)| Some(format!("{key}={}", shown(path, key, value)?))).collect();
            writeln!(text, "{path}: {}", known.join(" | ")).unwrap();
            let reasons = map.get("unknown").and_then(Value::as_object).into_iter().flatten();
            let unknown: Vec<String> = reasons.map(|(field, reason)| why(field, reason)).collect();
            if !unknown.is_empty() {
                writeln!(text, "  unknown: {}", unknown.join("; ")).unwrap();
            }
        });
    }
    text.replace(&tests_folder().display().to_string(), "tests")
}

fn why(field: &str, reason: &Value) -> String {
    let part = |key: &str| reason[key].as_str().unwrap_or_default();
    format!("{field} {} {}", part("state"), part("message")).trim_end().to_string()
}

#[test]
fn every_host_reads_as_it_always_did() {
    for (host, _) in HOSTS {
        let text = golden(host);
        assert!(text.lines().count() < 150, "{host} has {} lines", text.lines().count());
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("host-{host}"), text);
        });
    }
}
