//! What is decided reaches the memory and the store, and what makes no sense is refused with something to type.

use std::{path::Path, sync::Arc};

use coord_model::Problem;
use coord_planner::{Cause, Plan, Proposal};
use coord_proto::refused::Refused;

use super::*;
use crate::{
    config::{ClockSource, Settings},
    data::Data,
    serve::{cluster_file, prepare},
    store::events,
};

/// A coordinator that listens nowhere, and the lock on its folder.
async fn coordinator(folder: &Path) -> (State, crate::lock::Lock) {
    let settings = Settings {
        data: folder.join("data"),
        cluster: folder.join("cluster.yaml"),
        clock: ClockSource::AssumeSynchronised,
        ..Settings::default()
    };
    std::fs::write(&settings.cluster, CLUSTER).unwrap();
    let data = Data::open(&settings.data, crate::clock::now().wall).unwrap();
    let address = "127.0.0.1:7443".parse().unwrap();
    let state = prepare(settings, data.database, data.authority, address).await.unwrap();
    state.declared.look();
    (state, data.lock)
}

const CLUSTER: &str = "apiVersion: coord.homelab/v1\nkind: Cluster\nmetadata: {name: flat}\nspec:\n  zones: {home: {}}\n  \
                       nodes: {pi: {zone: home, k3s: server}}\n  labelRules:\n    - when: gpu.usable\n      \
                       set: {gpu: \"true\"}\n";

fn change(key: &str) -> Change {
    Change::RemoveLabel {
        node: "pi".into(),
        key: key.into(),
        value: "true".into(),
        users: Vec::new(),
        cause: Cause::Dropped,
    }
}

/// Publishes a plan of which one change needs approval and the others are held otherwise.
fn publish(state: &State, problems: Vec<Problem>) -> Arc<Planned> {
    let held = [("gpu", Held::NeedsApproval), ("disk", Held::Paused), ("role", Held::Off), ("zone", Held::NoLease)];
    let proposals = held.map(|(key, held)| Proposal { change: change(key), held }).into();
    let plan = Plan { proposals, problems, ..Plan::default() };
    let planned = Arc::new(Planned { plan, cluster: Some("uid".into()), ..Planned::default() });
    *state.plan.lock().unwrap() = Arc::clone(&planned);
    planned
}

fn plan(plan: &str, changes: &[String]) -> ApplyPlan {
    ApplyPlan { plan: plan.into(), changes: changes.to_vec() }
}

fn words(result: Result<Done, Status>) -> (String, String) {
    let refused = Refused::from_status(&result.unwrap_err());
    (refused.what, refused.hint)
}

#[tokio::test]
async fn a_plan_is_approved_as_it_was_looked_at_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    let planned = publish(&state, Vec::new());
    for (wrong, said) in [
        ("", "there is no plan "),
        ("nonsense", "there is no plan nonsense"),
        ("00000000", "the world changed"),
        ("empty", "the world changed"),
    ] {
        let (what, hint) = words(apply(&state, plan(wrong, &[]), "ada").await);
        assert!(what.starts_with(said) && what.ends_with(&format!("the plan is now {}", planned.id())), "{what}");
        assert_eq!(hint, "coordctl plan");
    }
    assert!(state.decisions.current(state.moment()).approved.is_empty());
    let done = apply(&state, plan(&planned.id()[..4], &[]), "ada").await.unwrap();
    assert_eq!(done.message, format!("plan {}: 2 changes approved, good for 24h", planned.id()));
    let decisions = state.decisions.current(state.moment());
    assert_eq!(
        decisions.approved.keys().cloned().collect::<Vec<_>>(),
        [change("gpu").content(), change("zone").content()]
    );
    assert!(decisions.adopted.contains("uid"));
}

#[tokio::test]
async fn a_part_of_a_plan_adopts_no_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    let id = publish(&state, Vec::new()).id();
    apply(&state, plan(&id, &[change_id(&change("gpu"))]), "ada").await.unwrap();
    let decisions = state.decisions.current(state.moment());
    assert_eq!((decisions.approved.len(), decisions.adopted.len()), (1, 0));
    let refused = |key: &str| plan(&id, &[change_id(&change(key))]);
    assert_eq!(words(apply(&state, refused("disk"), "ada").await).0, "label/pi/disk is paused");
    assert!(words(apply(&state, refused("role"), "ada").await).0.contains("keeps label/pi/role off"));
    assert_eq!(words(apply(&state, refused("other"), "ada").await).1, "coordctl plan -o json");
}

#[tokio::test]
async fn what_is_paused_goes_on_when_it_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    let wish = |subject: &str| PauseSubject { subject: subject.into(), reason: "moving the rack".into() };
    for (typed, kept) in [("", ""), ("pi", "node/pi"), ("node/pi", "node/pi"), ("label/pi/a.b/c", "label/pi/a.b/c")] {
        pause(&state, wish(typed), "ada").await.unwrap();
        let paused = state.decisions.current(state.moment()).paused;
        assert_eq!(paused.get(kept).map(|pause| pause.reason.as_str()), Some("moving the rack"), "{typed}");
        resume(&state, ResumeSubject { subject: typed.into() }, "ada").await.unwrap();
        assert!(state.decisions.current(state.moment()).paused.is_empty());
    }
    for wrong in ["node/other", "taint/other/a"] {
        assert_eq!(words(pause(&state, wish(wrong), "ada").await).0, "there is no node `other`");
    }
    for wrong in ["label/pi/", "label/pi", "placement", "other"] {
        let (what, _) = words(pause(&state, wish(wrong), "ada").await);
        assert_eq!(what, format!("there is no subject `{wrong}` that could be paused"));
    }
    let (what, _) = words(resume(&state, ResumeSubject { subject: "placement".into() }, "ada").await);
    assert_eq!(what, "there is no subject `placement` that could be resumed");
    let (what, _) = words(resume(&state, ResumeSubject::default(), "ada").await);
    assert_eq!(what, "everything is neither paused nor frozen");
}

#[tokio::test]
async fn a_second_pause_keeps_the_reason_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    let wish = |reason: &str| PauseSubject { subject: "pi".into(), reason: reason.into() };
    pause(&state, wish("new fan"), "ada").await.unwrap();
    let again = pause(&state, wish(""), "bob").await.unwrap().message;
    assert!(again.starts_with("node/pi is paused already, since 20") && again.ends_with(" by ada: new fan"), "{again}");
    pause(&state, wish("new board"), "bob").await.unwrap();
    assert_eq!(state.decisions.current(state.moment()).paused["node/pi"].reason, "new board");
}

#[tokio::test]
async fn a_plan_with_nothing_to_approve_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    let mut said = Vec::new();
    for held in [vec![], vec![Held::Paused, Held::Paused], vec![Held::Off], vec![Held::Paused, Held::Off]] {
        let proposals = held.into_iter().map(|held| Proposal { change: change("gpu"), held }).collect();
        let planned = Arc::new(Planned { plan: Plan { proposals, ..Plan::default() }, ..Planned::default() });
        *state.plan.lock().unwrap() = Arc::clone(&planned);
        let message = apply(&state, plan(&planned.id(), &[]), "ada").await.unwrap().message;
        said.push(message.replace(&planned.id(), "ID"));
    }
    let expected = [
        "nothing of plan ID waits for approval",
        "nothing approved: 2 changes are paused; coordctl resume",
        "nothing approved: 1 change is off by the policy of the cluster file",
        "nothing approved: 1 change is paused and 1 change is off by policy; coordctl resume",
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_frozen_label_goes_on_with_all_its_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    publish(&state, vec![Problem::new(ProblemCode::NodeSilent, "label/pi/gpu", "it changed too often")]);
    resume(&state, ResumeSubject { subject: "label/pi/gpu".into() }, "ada").await.unwrap();
    let resumed = state.decisions.take_resumed();
    assert_eq!(
        resumed.iter().map(|fact| (fact.node.as_str(), fact.rule.as_str())).collect::<Vec<_>>(),
        [("pi", "gpu.usable")]
    );
}

fn risk(state: &State, code: &str, subject: &str, days: u64) -> AcceptProblem {
    let until = state.wall().plus(Duration::from_secs(days * 86_400));
    AcceptProblem { code: code.into(), subject: subject.into(), until, reason: "it is old".into() }
}

#[tokio::test]
async fn a_known_risk_is_not_unhealthy_until_it_gets_worse() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    let bad = |severity| Problem { severity, ..Problem::new(ProblemCode::GpuDeviceCgroup, "plan", "it is so") };
    publish(&state, vec![bad(Severity::Error)]);
    assert!(!views::healthy(&state));
    accept(&state, risk(&state, "gpu-device-cgroup", "node/plan", 7), "ada").await.unwrap();
    assert!(views::healthy(&state));
    withdraw(&state, WithdrawProblem { code: "gpu-device-cgroup".into(), subject: "plan".into() }, "ada")
        .await
        .unwrap();
    assert!(!views::healthy(&state));
    publish(&state, vec![bad(Severity::Warning)]);
    accept(&state, risk(&state, "gpu-device-cgroup", "plan", 7), "ada").await.unwrap();
    publish(&state, vec![bad(Severity::Error)]);
    assert!(!views::healthy(&state), "it got worse");
}

#[tokio::test]
async fn what_cannot_be_accepted_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    publish(&state, vec![Problem::new(ProblemCode::NodeSilent, "plan", "it is so")]);
    let refused = async |wish| words(accept(&state, wish, "ada").await).0;
    assert_eq!(refused(risk(&state, "node-silent", "pi", 7)).await, "pi has no problem node-silent now");
    assert_eq!(refused(risk(&state, "no-such-code", "plan", 7)).await, "there is no code `no-such-code`");
    let quorum = refused(risk(&state, "etcd-no-leader", "plan", 7)).await;
    assert_eq!(quorum, "etcd-no-leader cannot be accepted: without a quorum nothing else counts");
    for days in [0, 400] {
        assert!(refused(risk(&state, "node-silent", "plan", days)).await.contains("at most a year"), "{days}");
    }
    let silent = AcceptProblem { reason: " ".into(), ..risk(&state, "node-silent", "plan", 7) };
    assert_eq!(refused(silent).await, "a risk is accepted with a reason");
    let none = withdraw(&state, WithdrawProblem { code: "node-silent".into(), subject: "plan".into() }, "ada").await;
    assert_eq!(words(none).0, "node-silent of plan is not accepted");
}

#[tokio::test]
async fn what_was_decided_is_an_event_with_who() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    pause(&state, PauseSubject { subject: "pi".into(), reason: "new fan".into() }, "operator ada").await.unwrap();
    // Events are written a little later than what they tell of.
    let started = std::time::Instant::now();
    let told = loop {
        let list = |database: &mut crate::store::Database| events::list(database, 0, Some("node/pi"), 9);
        if let Some(event) = state.store.call(list).await.unwrap().pop() {
            break event.message;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "no event came");
        tokio::task::yield_now().await;
    };
    assert_eq!(told, "paused by operator ada: new fan");
}

#[tokio::test]
async fn a_cluster_file_takes_the_place_of_the_old_one_or_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    let state = Arc::new(state);
    let file = |text: String| coord_model::ApplyClusterFile { text };
    let bad = cluster_file::apply(&state, file(CLUSTER.replace("zone: home", "zone: hom")), "ada").await;
    let (what, hint) = words(bad);
    assert!(what.starts_with("the cluster file has errors; nothing was changed: line 6, column "), "{what}");
    assert_eq!(hint, "coordctl cluster validate FILE");
    assert_eq!(std::fs::read_to_string(&state.settings.cluster).unwrap(), CLUSTER);
    let same = cluster_file::apply(&state, file(CLUSTER.into()), "ada").await.unwrap();
    assert!(
        same.message
            .starts_with(&format!("{} is written; it declares the same as before", state.settings.cluster.display())),
        "{}",
        same.message
    );
    let other = cluster_file::apply(&state, file(CLUSTER.replace("flat", "house")), "ada").await.unwrap();
    assert!(other.message.ends_with("cluster.yaml is written; it is in force"), "{}", other.message);
    assert_eq!(state.declared.desired().unwrap().name, "house");
}

#[tokio::test]
async fn a_label_that_no_rule_sets_now_is_explained_by_its_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    let why = async |name: &str| {
        let read = coord_model::Read { view: coord_model::ViewKind::Why, name: name.into(), after: 0 };
        let document = views::document(&state, &read).await;
        let refused = |status: Status| Refused::from_status(&status).what;
        document.map(|json| serde_json::from_slice::<coord_model::Why>(&json.json).unwrap().summary).map_err(refused)
    };
    let told =
        "no label gpu is wanted on pi: `gpu.usable` is unknown: the node has no agent (coordctl describe node pi)";
    assert_eq!(why("label/pi/gpu").await.as_deref(), Ok(told));
    let refused = |what: &str| Err(what.to_owned());
    assert_eq!(why("label/pi/disk").await, refused("Coord keeps no label disk on pi"));
    assert_eq!(why("taint/pi").await, refused("a taint is named taint/NODE/KEY"));
    assert_eq!(why("label/other/gpu").await, refused("there is no node `other`"));
}

#[tokio::test]
async fn what_is_being_written_is_being_done() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _lock) = coordinator(folder.path()).await;
    let doing = vec![change("gpu")];
    *state.plan.lock().unwrap() = Arc::new(Planned { doing, at: state.moment(), ..Planned::default() });
    let read = coord_model::Read { view: coord_model::ViewKind::Status, name: String::new(), after: 0 };
    let document = views::document(&state, &read).await.unwrap();
    let status: coord_model::Status = serde_json::from_slice(&document.json).unwrap();
    let told: Vec<String> =
        status.actions.iter().map(|action| format!("{} {}", action.subject, action.message)).collect();
    assert_eq!(told, ["label/pi/gpu label gpu=true goes (no longer declared)"]);
}
