//! What is sent for a declaration, and the conditions.

use super::*;

fn verdict(progress: Progress) -> Verdict {
    Verdict { name: "homelab".into(), generation: 3, progress, reason: "Waiting", message: "2 waits".into() }
}

fn live(names: &[&str]) -> ObjectList<DynamicObject> {
    let one = |name: &&str| {
        json!({
            "apiVersion": "coord.homelab/v1",
            "kind": "Cluster",
            "metadata": {"name": name, "resourceVersion": "7", "annotations": {"a": "b"}},
            "spec": {"old": 1},
            "status": {"x": 1},
        })
    };
    let items: Vec<Value> = names.iter().map(one).collect();
    serde_json::from_value(json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})).unwrap()
}

#[test]
fn a_declaration_replaces_the_one_that_there_is_and_never_makes_a_second() {
    let new = json!({"new": 2});
    let first = wanted(live(&[]), "homelab", &new).unwrap();
    assert!(matches!(first, Wanted::New(object) if object.data == json!({"spec": {"new": 2}})));
    let Ok(Wanted::Changed(object)) = wanted(live(&["homelab"]), "homelab", &new) else { panic!("it is there") };
    assert_eq!(object.data, json!({"spec": {"new": 2}}));
    assert_eq!(object.metadata.resource_version.as_deref(), Some("7"));
    assert_eq!(object.annotations()["a"], "b");
    for there in [&["other"][..], &["homelab", "other"]] {
        let refused = wanted(live(there), "homelab", &new).unwrap_err();
        assert_eq!(refused.why, "the cluster resource of this cluster is named other, not homelab");
        assert!(refused.hint.is_some_and(|hint| hint.ends_with("kubectl delete clusters.coord.homelab other")));
    }
}

#[test]
fn a_condition_keeps_the_time_of_its_last_transition() {
    let first = status(&Value::Null, &verdict(Progress::InProgress), "2026-01-01T00:00:00Z");
    let again = status(&first, &verdict(Progress::InProgress), "2026-01-01T00:01:00Z");
    assert_eq!(first, again);
    let done = status(&again, &verdict(Progress::Current), "2026-01-01T00:02:00Z");
    let times: Vec<_> =
        done["conditions"].as_array().unwrap().iter().map(|one| one["lastTransitionTime"].clone()).collect();
    assert_eq!(times, ["2026-01-01T00:02:00Z", "2026-01-01T00:02:00Z", "2026-01-01T00:00:00Z"]);
    assert_eq!(done["observedGeneration"], 3);
}
