//! Stories from homes, told by one server's report: each must name the cause.

use alloc::{string::ToString, vec, vec::Vec};

use super::super::diagnose;
use crate::{
    Code, Problem, Report, Section, Severity,
    section::{BlockDevice, Disk, Etcd, Filesystem, K3s, K3sRole, Snapshot, UnitState},
};

/// A healthy server with an embedded etcd.
fn server() -> K3s {
    K3s {
        role: Some(K3sRole::Server),
        unit: Some("k3s.service".to_string()),
        unit_state: Some(UnitState::Active),
        unit_since_seconds: Some(1e6),
        datastore: Some("etcd".to_string()),
        etcd: Some(Etcd {
            ready: Some(true),
            has_leader: Some(true),
            voter: Some(true),
            database_bytes: Some(64 << 20),
            quota_bytes: Some(2 << 30),
            sync_p99_seconds: Some(0.004),
            leader_changes: Some(1),
            ..Etcd::default()
        }),
        snapshots: Some(vec![snapshot(3600.0)]),
        ..K3s::default()
    }
}

fn snapshot(age: f64) -> Snapshot {
    Snapshot { path: Some("/snapshots/one".to_string()), age_seconds: Some(age), ..Snapshot::default() }
}

fn problems(k3s: K3s, disk: Disk) -> Vec<Problem> {
    let (k3s, disk) = (Some(Section::read("", k3s)), Some(Section::read("", disk)));
    diagnose(&Report { k3s, disk, ..Report::default() })
}

/// What is wrong with a server that differs from a healthy one like this.
fn of(change: impl FnOnce(&mut K3s, &mut Etcd)) -> Vec<(Code, Severity)> {
    let mut k3s = server();
    let mut etcd = k3s.etcd.take().unwrap();
    change(&mut k3s, &mut etcd);
    k3s.etcd = Some(etcd);
    problems(k3s, Disk::default()).into_iter().map(|problem| (problem.code, problem.severity)).collect()
}

#[test]
fn a_healthy_server_has_nothing_to_say() {
    assert_eq!(of(|_, _| {}), []);
}

#[test]
fn a_server_that_fell_out_unnoticed_has_been_starting_for_too_long() {
    let starting = |seconds: f64| {
        of(|k3s, etcd| {
            k3s.unit_state = Some(UnitState::Activating);
            k3s.unit_since_seconds = Some(seconds);
            etcd.has_leader = Some(false);
        })
    };
    assert_eq!(starting(299.0), []);
    assert_eq!(starting(301.0), [(Code::K3sActivating, Severity::Warning)]);
}

#[test]
fn io_errors_of_the_disk_below_etcd_are_errors_and_of_others_warnings() {
    let disk = || {
        let below = Filesystem {
            path: Some("/".to_string()),
            disk: Some("vda".to_string()),
            roles: Some(vec!["/".to_string(), "/var/lib/rancher".to_string()]),
            ..Filesystem::default()
        };
        let device = |name: &str| BlockDevice {
            name: Some(name.to_string()),
            kernel_errors: Some(12),
            ..BlockDevice::default()
        };
        Disk { filesystems: Some(vec![below]), devices: Some(vec![device("vda"), device("vdb")]), ..Disk::default() }
    };
    let found = problems(server(), disk());
    let of: Vec<_> = found.iter().map(|problem| (problem.code, problem.subject.as_str(), problem.severity)).collect();
    assert_eq!(
        of,
        [(Code::DiskIoErrors, "disk/vda", Severity::Error), (Code::DiskIoErrors, "disk/vdb", Severity::Warning)]
    );
    assert!(found[0].message.contains("etcd"), "{}", found[0].message);
    let worker = K3s { role: Some(K3sRole::Agent), unit_state: Some(UnitState::Active), ..K3s::default() };
    assert!(problems(worker, disk()).iter().all(|problem| problem.severity == Severity::Warning));
}

#[test]
fn a_pi_whose_card_is_too_slow_for_a_vote_hears_just_that() {
    let slow = |seconds: f64| {
        of(|_, etcd| {
            etcd.sync_p99_seconds = Some(seconds);
            etcd.leader_changes = Some(214);
        })
    };
    assert_eq!(slow(0.010), []);
    assert_eq!(slow(0.011), [(Code::EtcdSlowDisk, Severity::Info)]);
    assert_eq!(slow(0.026), [(Code::EtcdSlowDisk, Severity::Warning)]);
    assert_eq!(slow(0.101), [(Code::EtcdSlowDisk, Severity::Error)]);
    let mut k3s = server();
    k3s.etcd = Some(Etcd { sync_p99_seconds: Some(0.48), leader_changes: Some(214), ..Etcd::default() });
    let found = problems(k3s, Disk::default());
    assert_eq!(
        found[0].message,
        "etcd's fsync takes 480 ms at the 99th percentile, 214 leader changes since it started: this disk is too slow for a vote"
    );
}

#[test]
fn a_measurement_stands_in_for_an_etcd_that_does_not_say() {
    let measured = Disk { sync_latency_seconds: Some(0.05), ..Disk::default() };
    let mut k3s = server();
    k3s.etcd = Some(Etcd::default());
    assert_eq!(problems(k3s, measured.clone())[0].code, Code::EtcdSlowDisk);
    let worker = K3s { role: Some(K3sRole::Agent), unit_state: Some(UnitState::Active), ..K3s::default() };
    assert_eq!(problems(worker, measured), []);
}

#[test]
fn a_database_near_its_quota_is_told_before_it_is_full() {
    let filled = |bytes: u64| of(|_, etcd| etcd.database_bytes = Some(bytes));
    assert_eq!(filled(1_700 << 20), [(Code::EtcdDatabaseLarge, Severity::Warning)]);
    assert_eq!(filled(2_000 << 20), [(Code::EtcdDatabaseLarge, Severity::Error)]);
    assert_eq!(filled(u64::MAX).len(), 1);
    assert_eq!(of(|_, etcd| etcd.quota_bytes = Some(0)), []);
}

#[test]
fn no_leader_is_an_error_and_a_long_learner_a_note() {
    assert_eq!(of(|_, etcd| etcd.has_leader = Some(false)), [(Code::EtcdNoLeader, Severity::Error)]);
    assert_eq!(of(|_, etcd| etcd.voter = Some(false)), [(Code::EtcdLearner, Severity::Info)]);
    let young = of(|k3s, etcd| {
        etcd.voter = Some(false);
        k3s.unit_since_seconds = Some(60.0);
    });
    assert_eq!(young, []);
}

#[test]
fn old_snapshots_are_told_with_where_they_lie_and_unknown_ones_are_not() {
    let with = |snapshots: Option<Vec<Snapshot>>| of(|k3s, _| k3s.snapshots = snapshots);
    assert_eq!(with(Some(vec![snapshot(1e6), snapshot(27.0 * 3600.0)])), [(Code::SnapshotOld, Severity::Warning)]);
    assert_eq!(with(Some(vec![snapshot(73.0 * 3600.0)])), [(Code::SnapshotOld, Severity::Error)]);
    assert_eq!(with(Some(Vec::new())), [(Code::SnapshotOld, Severity::Warning)]);
    assert_eq!(with(None), []);
    let mut k3s = server();
    k3s.snapshots = Some(vec![snapshot(27.0 * 3600.0)]);
    assert!(problems(k3s, Disk::default())[0].message.ends_with("27 h old: /snapshots/one"));
    let young = of(|k3s, _| {
        k3s.snapshots = Some(Vec::new());
        k3s.unit_since_seconds = Some(3600.0);
    });
    assert_eq!(young, []);
}

#[test]
fn a_server_on_sqlite_needs_no_snapshot_of_etcd() {
    let k3s = K3s { datastore: Some("sqlite".to_string()), etcd: None, snapshots: Some(Vec::new()), ..server() };
    assert_eq!(problems(k3s, Disk::default()), []);
}
