//! The embedded etcd member of a server: what its health check and its metrics on the loopback say.

use coord_model::{Reading, Unknown, section::EtcdReading};
use serde::{Deserialize, Serialize};

use super::histogram::{Histogram, Window, p99, whole};

/// Names of the two histograms; both count seconds.
const SYNC: &str = "etcd_disk_wal_fsync_duration_seconds";
const COMMIT: &str = "etcd_disk_backend_commit_duration_seconds";

/// What is remembered of etcd between two readings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EtcdMemory {
    /// Of the log's fsync.
    sync: Option<Window>,
    /// Of the database's commit.
    commit: Option<Window>,
}

/// The member, from whether it is healthy and from the lines of its metrics.
pub(super) fn member(ready: bool, metrics: &Reading<Vec<String>>, memory: &mut EtcdMemory) -> EtcdReading {
    let gauge = |name: &str| sample(metrics.as_ref().map_err(Clone::clone)?, name);
    let latency = |name: &str, window: &mut Option<Window>| {
        let lines = metrics.as_ref().map_err(Clone::clone)?;
        p99(Histogram::parse(lines, name), window)
    };
    EtcdReading {
        ready: Ok(ready),
        has_leader: gauge("etcd_server_has_leader").map(|value| value != 0),
        voter: gauge("etcd_server_is_learner").map(|value| value == 0),
        database_bytes: gauge("etcd_mvcc_db_total_size_in_bytes"),
        quota_bytes: gauge("etcd_server_quota_backend_bytes").and_then(|bytes| match bytes {
            0 => Err(Unknown::absent("etcd's quota is switched off")),
            bytes => Ok(bytes),
        }),
        leader_changes: gauge("etcd_server_leader_changes_seen_total"),
        sync_p99_seconds: latency(SYNC, &mut memory.sync),
        commit_p99_seconds: latency(COMMIT, &mut memory.commit),
    }
}

/// The value of the sample `name` without labels.
fn sample(lines: &[String], name: &str) -> Reading<u64> {
    let value = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.ok_or_else(|| Unknown::absent(format!("etcd's metrics have no {name}")))?;
    // A time stamp may follow.
    let value = value.split(' ').next().unwrap_or_default();
    whole(value).ok_or_else(|| Unknown::error(format!("{name} is no whole number")))
}

#[cfg(test)]
mod tests {
    use coord_model::{Facts, ValueState, section::Etcd};

    use super::*;

    fn read(text: &str) -> Etcd {
        let lines = Ok(text.lines().map(str::to_string).collect());
        member(true, &lines, &mut EtcdMemory::default()).into()
    }

    #[test]
    fn a_voter_with_its_figures() {
        let etcd = read(
            "etcd_server_has_leader 1\netcd_server_is_learner 0\netcd_server_leader_changes_seen_total 3\n\
             etcd_mvcc_db_total_size_in_bytes 6.5011712e+07\netcd_server_quota_backend_bytes 2.147483648e+09\n\
             etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.001\"} 1\n\
             etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} 1",
        );
        assert_eq!((etcd.has_leader, etcd.voter, etcd.leader_changes), (Some(true), Some(true), Some(3)));
        assert_eq!((etcd.database_bytes, etcd.quota_bytes), (Some(65_011_712), Some(2_147_483_648)));
        assert!(etcd.sync_p99_seconds.unwrap() <= 0.001);
        assert_eq!(etcd.unknown["commitP99Seconds"].state, ValueState::Absent);
    }

    #[test]
    fn silence_is_never_zero() {
        for text in ["", "etcd_server_is_learner", "etcd_server_is_learner x", "etcd_server_has_leader{a=\"b\"} 1"] {
            let etcd = read(text);
            assert_eq!((etcd.voter, etcd.has_leader, etcd.leader_changes), (None, None, None), "{text:?}");
            assert!(etcd.unexplained().is_empty());
        }
        let refused = Err(Unknown::absent("127.0.0.1:2381 refused the connection"));
        let etcd: Etcd = member(false, &refused, &mut EtcdMemory::default()).into();
        assert_eq!((etcd.ready, etcd.database_bytes), (Some(false), None));
        assert_eq!(read("etcd_server_quota_backend_bytes 0").quota_bytes, None);
    }
}
