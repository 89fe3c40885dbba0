//! Plans, pauses, known risks and adoptions, as they are typed.

use super::{coordinator::Coordinator, run, text};

const GOOD: &str = "apiVersion: coord.homelab/v1\nkind: Cluster\nmetadata: {name: flat}\nspec:\n  zones: {home: {}}\n  \
                    nodes: {pi: {zone: home, k3s: server}}\n";

#[test]
fn what_is_decided_arrives_as_it_was_typed() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let accept = ["accept", "node-silent", "k3s-w3", "--until", "2027-01-31T08:00:00Z", "--reason", "it is old"];
    for arguments in [
        ["apply", "7f3c12ab"].as_slice(),
        &["pause", "--reason", "moving the rack"],
        &["pause", "label/k3s-w3/gpu"],
        &["resume", "k3s-w3"],
        &accept,
        &["accept", "node-silent", "k3s-w3", "--withdraw"],
        &["label", "adopt", "k3s-w3", "gpu"],
        &["label", "adopt", "k3s-w3", "--all"],
        &["taint", "adopt", "k3s-w3", "gpu"],
    ] {
        let output = run(home.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    }
    let expected = [
        "apply 7f3c12ab []",
        "pause \"\" moving the rack",
        "pause \"label/k3s-w3/gpu\" ",
        "resume \"k3s-w3\"",
        "accept node-silent k3s-w3 2027-01-31T08:00:00Z it is old",
        "withdraw node-silent k3s-w3",
        "adopt-label k3s-w3 \"gpu\" false",
        "adopt-label k3s-w3 \"\" true",
        "adopt-taint k3s-w3 gpu",
    ];
    assert_eq!(coordinator.calls(), expected);
}

#[test]
fn a_plan_is_shown_before_it_is_approved_and_nobody_is_asked_in_a_pipe() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let asked = run(home.path(), &["apply"]);
    assert_eq!(asked.status.code(), Some(2));
    let talk = text(&asked.stderr);
    assert!(talk.contains("label gpu=true goes") && talk.ends_with("hint: coordctl apply --yes\n"), "{talk}");
    let other = run(home.path(), &["apply", "0000", "--dry-run"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).contains("there is no plan 0000; the plan is now 7f3c12ab"), "{}", text(&other.stderr));
    let other = run(home.path(), &["apply", "00000000", "--dry-run"]);
    assert!(text(&other.stderr).contains("the world changed: the plan is now 7f3c12ab"), "{}", text(&other.stderr));
    let dry = run(home.path(), &["apply", "--dry-run", "-o", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&text(&dry.stdout)).unwrap();
    assert_eq!(plan["kind"], "Plan");
    assert!(text(&dry.stderr).starts_with("would approve "), "{}", text(&dry.stderr));
    assert!(coordinator.calls().iter().all(|call| call == "read plan"), "{:?}", coordinator.calls());
    assert_eq!(run(home.path(), &["apply", "--yes"]).status.code(), Some(0));
    assert_eq!(coordinator.calls().last().map(String::as_str), Some("apply 7f3c12ab []"));
}

#[test]
fn the_exit_code_says_whether_something_is_to_be_changed() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let code = |arguments: &[&str]| run(home.path(), arguments).status.code();
    assert_eq!((code(&["plan"]), code(&["plan", "--detailed-exitcode"])), (Some(0), Some(6)));
    coordinator.heal();
    assert_eq!((code(&["plan", "--detailed-exitcode"]), code(&["apply", "--yes"])), (Some(0), Some(0)));
    assert!(coordinator.calls().iter().all(|call| call == "read plan"), "an empty plan is not approved");
    drop(coordinator);
    assert_eq!(code(&["plan", "--detailed-exitcode"]), Some(4), "an old plan says nothing about now");
}

#[test]
fn a_cluster_file_is_checked_compared_and_handed_over() {
    let home = tempfile::tempdir().unwrap();
    let coordinator = Coordinator::start(home.path());
    let file = home.path().join("cluster.yaml");
    std::fs::write(&file, GOOD.replace("zone: home", "zone: hom")).unwrap();
    let bad = run(home.path(), &["cluster", "apply", "cluster.yaml"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad.stdout).contains("there is no zone `hom`"), "{}", text(&bad.stdout));
    std::fs::write(&file, GOOD).unwrap();
    let dry = run(home.path(), &["cluster", "apply", "cluster.yaml", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", text(&dry.stderr));
    assert!(text(&dry.stdout).contains("~ name: \"old\" -> \"flat\"\n"), "{}", text(&dry.stdout));
    assert!(text(&dry.stdout).contains("+ nodes: {\"pi\":"), "{}", text(&dry.stdout));
    assert_eq!(coordinator.calls(), ["read cluster"]);
    assert_eq!(run(home.path(), &["cluster", "apply", "cluster.yaml"]).status.code(), Some(0));
    assert_eq!(coordinator.calls().last(), Some(&format!("apply-cluster {} bytes", GOOD.len())));
}
