//! The machine that runs the tests, recorded and replayed: the replayed report is the live one, but for personal data,
//! which is replaced everywhere by the same words, and for what moves by itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{collections::BTreeMap, path::Path, process::Command};

use coord_model::{Report, SectionKind};
use coord_tests::lab::program;
use serde_json::{Map, Value};

/// Fields whose text may hold personal data, or the path or the message of something personal.
const PERSONAL: [&str; 22] = [
    "address",
    "addresses",
    "bootId",
    "detail",
    "device",
    "dmiUuid",
    "evidence",
    "export",
    "flashGuid",
    "gateway",
    "hostName",
    "mac",
    "machineId",
    "message",
    "name",
    "options",
    "path",
    "paths",
    "serialNumber",
    "server",
    "serverUrl",
    "source",
];

/// Words that stand for others in a recording.
const WORDS: [&str; 9] =
    ["recorded-host", "SERIAL", "UNRAID", "K10redacted", "/user", "user1", "guest", "server", "redacted"];

/// Whether `replayed` may stand for `live`: the same, or with other numbers in it, or with a word that replaces.
fn stands_for(live: &str, replayed: &str) -> bool {
    let frame =
        |text: &str| text.replace(|character: char| character.is_ascii_hexdigit() || ".:".contains(character), "");
    frame(live) == frame(replayed) || WORDS.iter().any(|word| replayed.contains(word))
}

fn agent(arguments: &[&str], folder: Option<&Path>) -> Vec<u8> {
    let output = Command::new(program("coord-agent")).args(arguments).args(folder).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {error}");
    output.stdout
}

/// The settled facts of this machine, or of a recorded one.
fn settled(root: Option<&Path>) -> Value {
    let arguments = ["check", "-o", "json", "--root"];
    let text = agent(&arguments[..if root.is_some() { 4 } else { 3 }], root);
    let mut document: Value = serde_json::from_slice(&text).unwrap();
    let report: Report = serde_json::from_value(document["report"].take()).unwrap();
    let sections =
        report.sections().map(|section| (section.kind().to_string(), serde_json::to_value(section.settled())));
    let mut sections: Map<String, Value> = sections.map(|(kind, value)| (kind, value.unwrap())).collect();
    // Where it reads is the difference between the two.
    let facts = sections["agent"]["agent"]["facts"].as_object_mut().unwrap();
    facts.remove("recordedFrom");
    facts["unknown"].as_object_mut().unwrap().remove("recordedFrom");
    Value::Object(sections)
}

/// Compares a replayed value with two live ones, between which it was recorded.
#[derive(Default)]
struct Comparison {
    /// Replaced texts by the live ones.
    replaced: BTreeMap<String, String>,
    compared: usize,
    differences: Vec<String>,
}

impl Comparison {
    fn compare(&mut self, path: &str, field: &str, live: [&Value; 2], replayed: &Value) {
        let [before, after] = live;
        match (before, after, replayed) {
            (Value::Object(one), Value::Object(other), Value::Object(replayed)) => {
                if keys(one) == keys(other) && keys(one) != keys(replayed) {
                    self.differ(path, &format!("{:?}", keys(one)), &format!("{:?}", keys(replayed)));
                }
                for (key, value) in one {
                    if let (Some(second), Some(third)) = (other.get(key), replayed.get(key)) {
                        self.compare(&format!("{path}.{key}"), key, [value, second], third);
                    }
                }
            }
            (Value::Array(one), Value::Array(other), Value::Array(replayed)) if one.len() == other.len() => {
                if one.len() != replayed.len() {
                    self.differ(path, &format!("{} rows", one.len()), &format!("{} rows", replayed.len()));
                }
                for ((value, second), third) in one.iter().zip(other).zip(replayed) {
                    self.compare(path, field, [value, second], third);
                }
            }
            // It moved by itself.
            (one, other, _) if one != other => {}
            (Value::String(text), _, Value::String(replayed))
                if PERSONAL.contains(&field) && stands_for(text, replayed) =>
            {
                let same = self.replaced.entry(text.clone()).or_insert_with(|| replayed.clone()).clone();
                self.leaf(path, &same.into(), &replayed.clone().into());
            }
            (one, _, replayed) => self.leaf(path, one, replayed),
        }
    }

    fn leaf(&mut self, path: &str, live: &Value, replayed: &Value) {
        self.compared += 1;
        if live != replayed {
            self.differ(path, &live.to_string(), &replayed.to_string());
        }
    }

    fn differ(&mut self, path: &str, live: &str, replayed: &str) {
        self.differences.push(format!("{path}: live {live}, replayed {replayed}"));
    }
}

fn keys(object: &Map<String, Value>) -> Vec<&String> {
    object.keys().collect()
}

#[test]
fn this_machine_reads_the_same_from_its_recording() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("recording");
    let before = settled(None);
    agent(&["record"], Some(&recording));
    let after = settled(None);
    let replayed = settled(Some(&recording));
    assert_eq!(before.as_object().unwrap().len(), SectionKind::ALL.len());
    let mut comparison = Comparison::default();
    comparison.compare("", "", [&before, &after], &replayed);
    assert!(comparison.differences.is_empty(), "{:#?}", comparison.differences);
    assert!(comparison.compared > 50, "only {} values were compared", comparison.compared);
    // What identifies this machine is not what identified it.
    for (section, field) in [("platform", "machineId"), ("system", "bootId")] {
        let value = |report: &Value| report[section][section]["facts"][field].clone();
        assert!(value(&before).is_null() || value(&before) != value(&replayed), "{field} was kept");
    }
}

#[test]
fn a_difference_between_live_and_replayed_is_found() {
    let live = serde_json::json!({"a": {"count": 1, "mac": "a1", "moves": 1, "rows": [{"mac": "a1"}, {"on": true}]}});
    let later = serde_json::json!({"a": {"count": 1, "mac": "a1", "moves": 2, "rows": [{"mac": "a1"}, {"on": true}]}});
    let differences = |change: &dyn Fn(&mut Value)| {
        let mut replayed = live.clone();
        change(&mut replayed["a"]);
        let mut comparison = Comparison::default();
        comparison.compare("", "", [&live, &later], &replayed);
        comparison.differences.len()
    };
    assert_eq!(differences(&|a| a["moves"] = 9.into()), 0);
    assert_eq!(differences(&|a| (a["mac"], a["rows"][0]["mac"]) = ("b2".into(), "b2".into())), 0);
    assert_eq!(differences(&|a| a["mac"] = "b2".into()), 1);
    assert_eq!(differences(&|a| (a["mac"], a["rows"][0]["mac"]) = ("x".into(), "x".into())), 2);
    assert_eq!(differences(&|a| a["count"] = 2.into()), 1);
    assert_eq!(differences(&|a| a["rows"][1]["on"] = false.into()), 1);
    assert_eq!(differences(&|a| drop(a.as_object_mut().unwrap().remove("count"))), 1);
    assert_eq!(differences(&|a| drop(a["rows"].as_array_mut().unwrap().pop())), 1);
}
