//! Golden screens of plans, labels and accepted risks.

use coord_model::{API_VERSION, AcceptedView, Action, ChangeState, KeptKind, LabelRow, PlanView, PlannedChange, Wait};
use insta::assert_snapshot;

use super::{assert_fits, fixtures::homelab, look, plain};
use crate::show::{Look, check, lists, plan, status, why};

fn change(symbol: &str, node: &str, key: &str, message: &str, state: ChangeState) -> PlannedChange {
    PlannedChange {
        id: "0a1b2c3d".to_owned(),
        symbol: symbol.to_owned(),
        subject: format!("label/{node}/{key}"),
        node: node.to_owned(),
        message: message.to_owned(),
        state,
    }
}

fn foreign() -> Wait {
    Wait {
        subject: "label/k3s-w2/gpu".to_owned(),
        reason: "foreign-label".to_owned(),
        message: "wanted \"true\" by a rule, owned by kubectl-label, which says \"false\"".to_owned(),
        hint: Some("coordctl label adopt k3s-w2 gpu".to_owned()),
        until: None,
    }
}

fn unsteady() -> Wait {
    Wait {
        subject: "label/k3s-w2/storage-type".to_owned(),
        reason: "fact-not-steady".to_owned(),
        message: "label storage-type=hdd: fact steady for 4s of 10s".to_owned(),
        hint: None,
        until: Some("2026-11-23T12:00:06Z".to_owned()),
    }
}

fn planned() -> PlanView {
    PlanView {
        api_version: API_VERSION.to_owned(),
        kind: "Plan".to_owned(),
        stale: false,
        id: "7f3c12ab".to_owned(),
        age_seconds: 2.4,
        changes: vec![
            change(
                "+",
                "k3s-cp1",
                "topology.kubernetes.io/zone",
                "label topology.kubernetes.io/zone=proxmox (declared topology)",
                ChangeState::Now,
            ),
            change(
                "~",
                "k3s-w1",
                "role",
                "label role: \"worker\" -> \"primary\" (declared)",
                ChangeState::NeedsApproval,
            ),
            change(
                "-",
                "k3s-w3",
                "gpu",
                "label gpu=true goes (fact gpu.usable and gpu.encodes(\"h264\") is false)",
                ChangeState::NeedsApproval,
            ),
            change("+", "k3s-w3", "disk", "label disk=ssd (declared)", ChangeState::Paused),
        ],
        waits: vec![foreign(), unsteady()],
    }
}

#[test]
fn a_plan_groups_its_changes_by_what_becomes_of_them() {
    let screen = plain(&plan::plan(&planned(), None, look(80)));
    assert_fits(&screen, 80);
    assert_snapshot!("plan_80", screen);
}

#[test]
fn an_empty_plan_says_so_and_an_old_one_too() {
    let empty = PlanView { id: "empty".to_owned(), changes: Vec::new(), waits: Vec::new(), ..planned() };
    assert_eq!(plain(&plan::plan(&empty, None, look(80))), "Plan empty, made 2s ago\n\nnothing to change\n");
    assert!(plain(&plan::plan(&empty, Some(&super::stale()), look(80))).starts_with("STALE, coordinator"));
}

pub(super) fn kept() -> Vec<LabelRow> {
    let row = |key: &str, kind, wanted: Option<&str>, live: Option<&str>, cause: &str, state: &str| LabelRow {
        node: "k3s-w3".to_owned(),
        key: key.to_owned(),
        kind,
        wanted: wanted.map(str::to_owned),
        live: live.map(str::to_owned),
        cause: cause.to_owned(),
        state: state.to_owned(),
    };
    let (zone, region) = (Some("proxmox"), Some("homelab"));
    let yes = Some("true");
    vec![
        row("topology.kubernetes.io/zone", KeptKind::Label, zone, zone, "declared topology", "in place"),
        row("topology.kubernetes.io/region", KeptKind::Label, region, region, "declared topology", "in place"),
        row("gpu", KeptKind::Label, None, yes, "fact gpu.usable is false", "needs approval"),
        row("sw-volume", KeptKind::Label, yes, yes, "declared", "in place"),
        row("gpu:NoSchedule", KeptKind::Taint, yes, None, "declared", "is set now"),
    ]
}

#[test]
fn labels_stand_in_a_table() {
    let short = plain(&lists::labels(&kept(), look(80)));
    assert_fits(&short, 80);
    let wide = plain(&lists::labels(&kept(), Look { wide: true, ..look(120) }));
    assert_snapshot!("labels", format!("{short}\n{wide}"));
    assert_eq!(lists::labels(&[], look(80)), "no labels or taints kept\n");
}

#[test]
fn status_shows_writes_waits_with_their_time_and_accepted_risks() {
    let mut home = homelab();
    home.actions = vec![Action {
        subject: "label/k3s-w3/gpu".to_owned(),
        message: "label gpu=true goes (fact gpu.usable is false)".to_owned(),
        elapsed_seconds: 1.0,
        deadline_seconds: 30.0,
    }];
    home.waits = vec![foreign(), unsteady()];
    let accepted = AcceptedView {
        by: "operator ada".to_owned(),
        until: "2026-12-01T00:00:00Z".to_owned(),
        reason: "a new board comes on Friday".to_owned(),
    };
    let ill = home.nodes.iter_mut().find(|node| node.name == "k3s-w3").unwrap();
    ill.problems.iter_mut().for_each(|problem| problem.accepted = Some(accepted.clone()));
    ill.health = coord_model::Health::Ready;
    let screen = plain(&status::status(&home, None, look(80)));
    assert_fits(&screen, 80);
    assert_snapshot!("status_of_a_plan", screen);
    assert!(screen.starts_with("homelab: 1 problem, 1 accepted, 1 action running, 2 waits"), "{screen}");
}

#[test]
fn an_accepted_risk_is_listed_and_needs_nobody() {
    let mut checked = super::check_document();
    let rows = checked.groups.iter_mut().flat_map(|group| &mut group.checks);
    for problem in rows.filter_map(|row| row.problem.as_mut()) {
        let until = "2026-12-01T00:00:00Z".to_owned();
        problem.accepted = Some(AcceptedView { by: "ada".to_owned(), until, reason: "it is old".to_owned() });
    }
    assert!(!check::is_wrong(&checked));
    let screen = plain(&check::check(&checked, None, look(80)));
    assert!(screen.ends_with("3 ok, 3 accepted\n"), "{screen}");
    assert!(screen.contains("accepted until 2026-12-01 by ada: it is old"), "{screen}");
}

#[test]
fn why_of_a_label_is_a_sentence_and_its_waits() {
    let mut document = super::why_document();
    document.subject = "label/k3s-w2/gpu".to_owned();
    document.summary =
        "label gpu of k3s-w2: wanted \"true\", is \"false\" (fact gpu.usable): owned by another".to_owned();
    document.problems.clear();
    document.waits = vec![foreign()];
    assert_snapshot!("why_label", plain(&why::why(&document, None, look(80))));
}
