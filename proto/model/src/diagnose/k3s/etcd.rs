//! Problems of the embedded etcd of a server: its leader, its disk, its size, its vote and its snapshots.

use alloc::{format, string::String, vec::Vec};

use crate::{
    Code, Problem, Report, Severity,
    section::{Etcd, K3s, K3sRole, UnitState},
};

/// A 99th percentile of the log's fsync in seconds: etcd's own advice, and our bands above it.
const UNEASY: f64 = 0.010;
const SLOW: f64 = 0.025;
const UNFIT: f64 = 0.100;
/// Percent of the quota.
const LARGE: u64 = 80;
const NEARLY_FULL: u64 = 95;
/// k3s promotes a learner within minutes.
const LONG_LEARNING: f64 = 900.0;
/// k3s takes a snapshot at noon and at midnight: two hours are its patience.
const SNAPSHOT_OLD: f64 = 26.0 * 3600.0;
const SNAPSHOT_LOST: f64 = 72.0 * 3600.0;

/// Whether this node is a server that holds etcd.
pub(in super::super) fn holds_etcd(report: &Report) -> bool {
    let k3s = report.k3s.as_ref().and_then(|section| section.facts.as_ref());
    k3s.is_some_and(|k3s| match k3s.role {
        Some(K3sRole::Server) => k3s.etcd.is_some() || k3s.datastore.as_deref() == Some("etcd"),
        Some(K3sRole::Agent | K3sRole::None | K3sRole::Unrecognised(_)) | None => false,
    })
}

/// All problems of etcd on this node.
pub(super) fn etcd(report: &Report, k3s: &K3s) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !holds_etcd(report) {
        return problems;
    }
    if let Some(etcd) = &k3s.etcd {
        problems.extend(leader(k3s, etcd));
        problems.extend(size(etcd));
        problems.extend(learner(k3s, etcd));
    }
    problems.extend(disk(report, k3s));
    problems.extend(snapshots(k3s));
    problems
}

fn leader(k3s: &K3s, etcd: &Etcd) -> Option<Problem> {
    let lost = etcd.has_leader == Some(false) && k3s.unit_state == Some(UnitState::Active);
    let message = "etcd on this server knows no leader: the cluster cannot be changed until it does";
    let hint = "look at the other servers first: coordctl status; then journalctl -u k3s -n 100";
    lost.then(|| Problem::new(Code::EtcdNoLeader, "k3s", message).hint(hint))
}

/// The log's fsync as etcd counts it, else as it was measured when somebody asked.
fn disk(report: &Report, k3s: &K3s) -> Option<Problem> {
    let counted = k3s.etcd.as_ref().and_then(|etcd| etcd.sync_p99_seconds);
    let measured = report.disk.as_ref().and_then(|section| section.facts.as_ref()?.sync_latency_seconds);
    let seconds = counted.or(measured)?;
    let severity = match seconds {
        seconds if seconds > UNFIT => Severity::Error,
        seconds if seconds > SLOW => Severity::Warning,
        seconds if seconds > UNEASY => Severity::Info,
        _ => return None,
    };
    let changes = k3s.etcd.as_ref().and_then(|etcd| etcd.leader_changes).filter(|changes| *changes > 1);
    let changes = changes.map_or_else(String::new, |changes| format!(", {changes} leader changes since it started"));
    let conclusion =
        if seconds > SLOW { "this disk is too slow for a vote" } else { "above the 10 ms that etcd asks for" };
    let milliseconds = seconds * 1000.0;
    let message = format!("etcd's fsync takes {milliseconds:.0} ms at the 99th percentile{changes}: {conclusion}");
    let mut problem = Problem::new(Code::EtcdSlowDisk, "k3s", message).hint(
        "sudo coord-agent check --disk-latency /var/lib/rancher on this node, while it is idle and while it is busy",
    );
    problem.severity = severity;
    Some(problem)
}

fn size(etcd: &Etcd) -> Option<Problem> {
    let (size, quota) = (etcd.database_bytes?, etcd.quota_bytes.filter(|quota| *quota > 0)?);
    // Both are far below 2^57; the product must not wrap whatever a report says.
    let percent = size.saturating_mul(100) / quota;
    if percent < LARGE {
        return None;
    }
    let message = format!(
        "etcd's database has {} of {} MiB ({percent} %); at 100 % it takes no more writes",
        size >> 20,
        quota >> 20
    );
    let mut problem = Problem::new(Code::EtcdDatabaseLarge, "k3s", message);
    if percent >= NEARLY_FULL {
        problem.severity = Severity::Error;
    }
    Some(problem)
}

fn learner(k3s: &K3s, etcd: &Etcd) -> Option<Problem> {
    let long = etcd.voter == Some(false) && k3s.unit_since_seconds? > LONG_LEARNING;
    let message =
        "this server is still a learner: it has no vote, and the cluster stands no failure more than without it";
    long.then(|| Problem::new(Code::EtcdLearner, "k3s", message))
}

fn snapshots(k3s: &K3s) -> Option<Problem> {
    let snapshots = k3s.snapshots.as_ref()?;
    let newest = snapshots.iter().filter_map(|snapshot| Some((snapshot.age_seconds?, snapshot)));
    let newest = newest.min_by(|one, other| one.0.total_cmp(&other.0));
    let Some((age, snapshot)) = newest else { return none(k3s, snapshots.is_empty()) };
    let path = snapshot.path.as_deref().unwrap_or("?");
    let hours = age / 3600.0;
    let severity = match age {
        age if age > SNAPSHOT_LOST => Severity::Error,
        age if age > SNAPSHOT_OLD => Severity::Warning,
        _ => return None,
    };
    let message = format!("the newest etcd snapshot here is {hours:.0} h old: {path}");
    let mut problem = Problem::new(Code::SnapshotOld, "k3s", message).hint(TAKE);
    problem.severity = severity;
    Some(problem)
}

/// What takes a snapshot and shows why none is taken.
const TAKE: &str = "sudo k3s etcd-snapshot save; journalctl -u k3s | grep -i snapshot";

/// No snapshot at all; a server that has just started has not had its noon or midnight yet.
fn none(k3s: &K3s, empty: bool) -> Option<Problem> {
    let young = k3s.unit_since_seconds.is_some_and(|seconds| seconds < SNAPSHOT_OLD);
    let message = "there is no etcd snapshot on this server";
    (empty && !young).then(|| Problem::new(Code::SnapshotOld, "k3s", message).hint(TAKE))
}
