//! The judgement by example: each rule with the words that people read.
#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::time::Duration;

use coord_model::{Boot, Code, Health, MachineEvidence, Moment, PROTOCOL, Problem, Severity};
use coord_planner::{
    ClusterFile, CoordinatorObserved, Decisions, Fleet, KubernetesObserved, NetworkMount, NodeObserved, Observed, Pace,
    Sharing, Standing, fleet,
};

const START: u64 = 1000;

fn seconds(number: u64) -> Boot {
    Boot(Duration::from_secs(number))
}

/// A node that was heard `age` seconds before an hour after the coordinator's start.
fn node(name: &str, age: u64) -> NodeObserved {
    NodeObserved {
        name: name.into(),
        id: format!("id-{name}"),
        last_heard: Some(seconds(START + 3600 - age)),
        heartbeat: Duration::from_secs(10),
        evidence: MachineEvidence { machine_id: format!("machine-{name}"), ..MachineEvidence::default() },
        protocol: Some(PROTOCOL),
        ..NodeObserved::default()
    }
}

fn observed(nodes: Vec<NodeObserved>) -> Observed {
    let now = Moment { boot: seconds(START + 3600), ..Moment::default() };
    let coordinator =
        CoordinatorObserved { started: seconds(START), clock_distrust: None, store_writable: true, events_lost: 0 };
    Observed {
        now,
        pace: Pace::default(),
        coordinator,
        cluster_file: ClusterFile::None,
        desired: None,
        kubernetes: KubernetesObserved::default(),
        decisions: Decisions::default(),
        nodes,
    }
}

fn one(node: NodeObserved) -> (Health, Vec<(Code, Severity, String)>) {
    let judged = fleet(&observed(vec![node])).nodes.remove(0);
    let short = |problem: Problem| (problem.code, problem.severity, problem.message);
    (judged.health, judged.problems.into_iter().map(short).collect())
}

fn health(node: NodeObserved) -> Health {
    one(node).0
}

#[test]
fn a_node_that_is_heard_and_well_is_ready() {
    assert_eq!(one(node("a", 29)), (Health::Ready, vec![]));
}

#[test]
fn three_missed_heartbeats_are_silence_and_five_minutes_a_loss() {
    let silent = (Code::NodeSilent, Severity::Warning, "not heard for 30s, more than 3 heartbeats".to_owned());
    assert_eq!(one(node("a", 30)), (Health::Silent, vec![silent]));
    assert_eq!(health(node("a", 299)), Health::Silent);
    let lost = (Code::NodeLost, Severity::Error, "not heard for 14m".to_owned());
    assert_eq!(one(node("a", 14 * 60)), (Health::Lost, vec![lost]));
}

#[test]
fn being_away_is_only_information_for_a_node_that_comes_and_goes() {
    let away = NodeObserved { sometimes: true, ..node("a", 900) };
    let judged = fleet(&observed(vec![away]));
    assert_eq!((judged.nodes[0].health, judged.nodes[0].problems[0].severity), (Health::Lost, Severity::Info));
    assert!(judged.healthy);
}

#[test]
fn nobody_is_judged_for_one_term_after_the_start() {
    let mut world = observed(vec![NodeObserved { last_heard: None, ..node("a", 0) }]);
    let after = |world: &mut Observed, up: u64| {
        world.now.boot = seconds(START + up);
        let judged = fleet(world).nodes.remove(0);
        (judged.health, judged.problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>())
    };
    assert_eq!(after(&mut world, 0), (Health::Unknown, vec![]));
    assert_eq!(after(&mut world, 299), (Health::Unknown, vec![]));
    let never = vec!["not heard since the coordinator started 5m ago".to_owned()];
    assert_eq!(after(&mut world, 300), (Health::Lost, never));
}

#[test]
fn a_warning_degrades_and_information_does_not() {
    let with = |code| NodeObserved { problems: vec![Problem::new(code, "", "x")], ..node("a", 0) };
    assert_eq!(health(with(Code::RebootNeeded)), Health::Ready);
    assert_eq!(health(with(Code::DiskSpaceLow)), Health::Degraded);
    assert_eq!(health(with(Code::DiskFull)), Health::Degraded);
    assert!(fleet(&observed(vec![with(Code::DiskSpaceLow)])).healthy);
    assert!(!fleet(&observed(vec![with(Code::DiskFull)])).healthy);
}

#[test]
fn subjects_become_the_node_and_the_sentence_keeps_the_thing() {
    let problems = vec![
        Problem::new(Code::DiskFull, "disk//var", "less than 2 % is free"),
        Problem::new(Code::MountStuck, "mount/mnt/media", "mnt/media does not answer"),
        Problem::new(Code::SectionFailed, "k3s", "k3s could not be read: denied"),
    ];
    let judged = fleet(&observed(vec![NodeObserved { problems, ..node("a", 0) }])).nodes.remove(0);
    assert!(judged.problems.iter().all(|problem| problem.subject == "a"));
    let messages: Vec<&str> = judged.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["mnt/media does not answer", "/var: less than 2 % is free", "k3s could not be read: denied"]);
}

#[test]
fn a_pending_node_is_a_problem_and_a_wait_with_what_to_type() {
    let reason = "shows another machine-id".to_owned();
    let judged = fleet(&observed(vec![NodeObserved { standing: Standing::Pending { reason }, ..node("a", 900) }]));
    assert_eq!(judged.nodes[0].health, Health::Pending);
    assert!(judged.nodes[0].problems.iter().any(|problem| problem.code == Code::NodePending));
    let wait = &judged.waits[0];
    assert_eq!((wait.subject.as_str(), wait.message.as_str()), ("node/a", "a shows another machine-id"));
    assert_eq!(wait.hint.as_deref(), Some("coordctl node approve a"));
}

#[test]
fn a_revoked_node_troubles_nobody() {
    let problems = vec![Problem::new(Code::DiskFull, "", "x")];
    let revoked = NodeObserved { standing: Standing::Revoked, problems, last_heard: None, ..node("a", 0) };
    let copy = NodeObserved { evidence: revoked.evidence.clone(), ..node("b", 0) };
    let judged = fleet(&observed(vec![revoked, copy]));
    assert_eq!(judged.nodes[0].health, Health::Revoked);
    assert!(judged.healthy && judged.problems.is_empty() && judged.nodes[0].problems.is_empty());
}

#[test]
fn copies_of_a_machine_are_found_whatever_their_order() {
    let copied = |name: &str| NodeObserved { evidence: node("a", 0).evidence, ..node(name, 0) };
    let judged: Fleet = fleet(&observed(vec![copied("c"), node("b", 0), copied("a")]));
    assert_eq!(judged.problems.len(), 1);
    assert_eq!((judged.problems[0].subject.as_str(), judged.problems[0].code), ("a, c", Code::DuplicateMachineId));
    let blank = |name: &str| NodeObserved { evidence: MachineEvidence::default(), ..node(name, 0) };
    assert!(fleet(&observed(vec![blank("a"), blank("b")])).problems.is_empty());
}

#[test]
fn one_key_on_two_machines_names_both_addresses() {
    let cloned = Some(["10.0.0.9".into(), "10.0.0.2".into()]);
    let (health, problems) = one(NodeObserved { cloned, ..node("a", 0) });
    assert_eq!((health, problems[0].0), (Health::Degraded, Code::ClonedIdentity));
    assert!(problems[0].2.contains("at 10.0.0.2 and at 10.0.0.9"), "{}", problems[0].2);
}

#[test]
fn an_impossible_generation_and_another_protocol_are_said() {
    let (health, problems) = one(NodeObserved { implausible_generation: Some(u64::MAX), ..node("a", 0) });
    assert_eq!((health, problems[0].0), (Health::Degraded, Code::GenerationImplausible));
    let (health, problems) = one(NodeObserved { protocol: Some(PROTOCOL + 1), ..node("a", 0) });
    assert_eq!((health, problems[0].0), (Health::Ready, Code::ProtocolSkew));
    assert_eq!(one(NodeObserved { protocol: None, ..node("a", 0) }).1, vec![]);
}

#[test]
fn the_coordinator_speaks_of_its_own_troubles() {
    let mut world = observed(vec![]);
    world.coordinator.clock_distrust = Some("the clock jumped back by 2h".into());
    world.coordinator.store_writable = false;
    world.coordinator.events_lost = 7;
    let judged = fleet(&world);
    let codes: Vec<Code> = judged.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::ClockNotTrusted, Code::StoreFull, Code::EventsLost]);
    assert_eq!(judged.waits[0].hint.as_deref(), Some("coordctl clock accept"));
    assert!(!judged.healthy);
}

/// A node that has mounted a folder of the server at 192.168.1.29, and that server.
fn client_and_server(export: &str, problems: Vec<Problem>, server: Sharing) -> Vec<NodeObserved> {
    let mount = NetworkMount {
        path: "/data/media".into(),
        servers: vec!["nas.lan".into(), "192.168.1.29".into()],
        export: export.into(),
    };
    let sharing = Sharing { mounts: vec![mount], ..Sharing::default() };
    let server = Sharing {
        addresses: vec!["192.168.1.29".into()],
        exports: vec!["/mnt/user".into(), "/mnt/user/media/".into()],
        ..server
    };
    vec![NodeObserved { sharing, problems, ..node("a", 0) }, NodeObserved { sharing: server, ..node("unraid", 0) }]
}

#[test]
fn a_folder_inside_an_export_is_told_and_an_export_is_not() {
    let told = |export| fleet(&observed(client_and_server(export, vec![], Sharing::default()))).problems;
    let problem = told("/mnt/user/media/films").remove(0);
    assert_eq!((problem.code, problem.subject.as_str()), (Code::MountBelowExport, "a"));
    assert_eq!(
        problem.message,
        "/data/media mounts /mnt/user/media/films of unraid, a folder inside the export /mnt/user/media/: a restart of \
         the server can leave it stale"
    );
    assert_eq!(told("/mnt/user/media"), []);
    assert_eq!(told("/mnt/user/media/"), []);
    assert_eq!(told("/mnt/username"), []);
    assert_eq!(told("/srv"), []);
}

#[test]
fn nobody_is_below_an_export_of_a_server_that_is_another() {
    let mut nodes = client_and_server("/mnt/user/media/films", vec![], Sharing::default());
    nodes[1].sharing.addresses = vec!["192.168.1.28".into()];
    assert_eq!(fleet(&observed(nodes.clone())).problems, []);
    nodes[1].evidence.host_name = "NAS".into();
    assert_eq!(fleet(&observed(nodes)).problems.len(), 1);
}

#[test]
fn the_servers_mover_is_named_as_the_cause_of_a_stale_mount() {
    let stale = Problem::new(Code::MountStale, "mount//data/media", "/data/media: stale").hint("umount -l /data/media");
    let hint = |mover_running| {
        let server = Sharing { mover_running, ..Sharing::default() };
        let judged = fleet(&observed(client_and_server("/mnt/user", vec![stale.clone()], server)));
        judged.nodes[0].problems[0].hint.clone().unwrap()
    };
    assert_eq!(hint(false), "umount -l /data/media");
    let named = "the mover of unraid moves files between disks now; wait until it is done; then: umount -l /data/media";
    assert_eq!(hint(true), named);
}

#[test]
fn sleeping_disks_are_named_as_the_cause_of_a_slow_mount_which_degrades_nobody() {
    let slow = Problem::new(Code::MountSlow, "mount//data/media", "/data/media: slow");
    let server = Sharing { sleeping_disks: vec!["disk1".into(), "disk2".into()], ..Sharing::default() };
    let judged = fleet(&observed(client_and_server("/mnt/user", vec![slow], server))).nodes.remove(0);
    assert_eq!(judged.health, Health::Ready);
    assert_eq!(
        judged.problems[0].hint.as_deref(),
        Some("disks of unraid are spun down (disk1, disk2): the first access waits 10 to 30 s until they turn")
    );
}
