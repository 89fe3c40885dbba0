//! Decisions survive a restart, and run out.

use super::*;

const NOW: Moment = Moment { boot: Boot(Duration::from_secs(7200)), wall: Wall(1_800_000_000_000) };

fn later(seconds: u64) -> Moment {
    let span = Duration::from_secs(seconds);
    Moment { boot: NOW.boot.plus(span), wall: NOW.wall.plus(span) }
}

async fn kept(folder: &std::path::Path, now: Moment) -> DecisionsKept {
    DecisionsKept::load(Store::open(folder).unwrap(), now).await.unwrap()
}

fn risk() -> Accepted {
    Accepted {
        code: Code::NodeSilent,
        subject: "k3s-w3".into(),
        severity: coord_model::Severity::Warning,
        until: later(600).wall,
        reason: "new board comes on Friday".into(),
        by: "ada".into(),
    }
}

fn pause() -> Pause {
    Pause { by: "ada".into(), reason: "moving the rack".into(), at: NOW.wall }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept(folder.path(), NOW).await;
    first.approve(vec!["one".into(), "two".into()], "ada", NOW.wall).await.unwrap();
    first.spend(vec!["two".into()]).await.unwrap();
    first.pause("node/k3s-w3", pause()).await.unwrap();
    first.pause("", pause()).await.unwrap();
    assert!(first.resume("").await.unwrap() && !first.resume("").await.unwrap());
    first.accept(risk(), NOW.wall).await.unwrap();
    first.adopt("cluster", "ada", NOW.wall).await.unwrap();
    first.note_taken("k3s-w3", "gpu", NOW).await.unwrap();
    let before = first.current(NOW);
    assert_eq!(before.approved.keys().collect::<Vec<_>>(), ["one"]);
    assert_eq!((before.paused.len(), before.accepted.len(), before.taken.len()), (1, 1, 1));
    first.store.stop();
    assert_eq!(kept(folder.path(), NOW).await.current(NOW), before);
}

#[tokio::test]
async fn what_has_a_time_runs_out() {
    let folder = tempfile::tempdir().unwrap();
    let kept = kept(folder.path(), NOW).await;
    kept.approve(vec!["one".into()], "ada", NOW.wall).await.unwrap();
    kept.accept(risk(), NOW.wall).await.unwrap();
    kept.note_taken("k3s-w3", "gpu", NOW).await.unwrap();
    let then = kept.current(later(599));
    assert_eq!((then.approved.len(), then.accepted.len(), then.taken.len()), (1, 1, 1));
    let then = kept.current(later(600));
    assert_eq!((then.approved.len(), then.accepted.len(), then.taken.len()), (1, 0, 0));
    assert!(kept.current(later(24 * 3600)).approved.is_empty());
}

#[tokio::test]
async fn an_accepted_risk_is_replaced_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let kept = kept(folder.path(), NOW).await;
    kept.accept(risk(), NOW.wall).await.unwrap();
    kept.accept(Accepted { reason: "it is old".into(), ..risk() }, NOW.wall).await.unwrap();
    assert_eq!(kept.current(NOW).accepted.iter().map(|risk| risk.reason.as_str()).collect::<Vec<_>>(), ["it is old"]);
    assert!(kept.withdraw(Code::NodeSilent, "k3s-w3").await.unwrap());
    assert!(!kept.withdraw(Code::NodeSilent, "k3s-w3").await.unwrap());
    assert!(kept.current(NOW).accepted.is_empty());
}

#[tokio::test]
async fn what_was_taken_before_a_restart_counts_by_its_age() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept(folder.path(), NOW).await;
    first.note_taken("k3s-w1", "gpu", NOW).await.unwrap();
    first.note_taken("k3s-w2", "gpu", later(300)).await.unwrap();
    first.store.stop();
    // The machine was started again: its boot clock began anew.
    let now = Moment { boot: Boot(Duration::from_secs(400)), wall: later(660).wall };
    let taken = kept(folder.path(), now).await.current(now).taken;
    assert_eq!(taken.iter().map(|taken| taken.node.as_str()).collect::<Vec<_>>(), ["k3s-w2"]);
    assert_eq!(taken.iter().map(|taken| taken.at).collect::<Vec<_>>(), [Boot(Duration::from_secs(40))]);
    // A clock that was set back makes it young, not absent.
    first_clock_set_back(folder.path()).await;
}

async fn first_clock_set_back(folder: &std::path::Path) {
    let earlier = Moment { boot: Boot(Duration::from_secs(400)), wall: Wall(NOW.wall.0 - 86_400_000) };
    let taken = kept(folder, earlier).await.current(earlier).taken;
    assert_eq!((taken.len(), taken.iter().all(|taken| taken.at == earlier.boot)), (2, true));
}

#[tokio::test]
async fn memories_come_back_with_their_changes_only() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept(folder.path(), NOW).await;
    let fact = |rule: &str| FactAt { node: "k3s-w3".into(), rule: rule.into() };
    for seconds in [0, 60, 120] {
        first.note_change(&fact("gpu.usable"), seconds == 60, later(seconds).wall).await.unwrap();
    }
    first.note_change(&fact("disk(\"/\").rotational"), true, later(60).wall).await.unwrap();
    first.resume_facts("k3s-w3", vec!["disk(\"/\").rotational".into()]).await.unwrap();
    assert_eq!((first.take_resumed(), first.take_resumed()), (vec![fact("disk(\"/\").rotational")], Vec::new()));
    first.store.stop();
    let second = kept(folder.path(), later(180)).await;
    let memories = second.load_memories(later(180)).await.unwrap();
    assert_eq!(memories.keys().collect::<Vec<_>>(), [&fact("gpu.usable")]);
    let memory = &memories[&fact("gpu.usable")];
    assert_eq!(memory.changes, [0, 60, 120].map(|seconds| later(seconds).boot));
    assert_eq!((memory.known, memory.settled, memory.resumed), (None, None, None));
    second.store.stop();
    let third = kept(folder.path(), later(3 * 3600)).await;
    assert!(third.load_memories(later(3 * 3600)).await.unwrap().is_empty(), "too old to matter");
}
