//! /proc/self/mountstats: what NFS mounts went through, without asking a server (proc_pid_mountstats(5); the layouts of
//! its lines are those of the kernel's fs/nfs/super.c, net/sunrpc/stats.c and net/sunrpc/xprt*.c).

use std::collections::BTreeMap;

use super::table::unescape;

/// Sums over all operations and all transports of one mount since it was mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Statistics {
    /// Seconds since it was mounted.
    pub(super) age_seconds: u64,
    /// Requests that came to an end.
    pub(super) operations: u64,
    /// Requests as often as they were sent.
    pub(super) transmissions: u64,
    /// Requests that waited longer than the mount's `timeo` and `retrans` together.
    pub(super) major_timeouts: u64,
    /// From sending to answer, all requests together.
    pub(super) round_trip_milliseconds: u64,
    /// What the transports sent, for all mounts that share them; `None` where no transport is told.
    pub(super) transport: Option<Transport>,
}

/// Counters of the transports of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Transport {
    /// Requests sent.
    pub(super) sent: u64,
    /// Replies received.
    pub(super) received: u64,
}

impl Statistics {
    /// Requests that were sent again.
    pub(super) fn retransmissions(self) -> u64 {
        self.transmissions.saturating_sub(self.operations)
    }
}

/// Mean time from sending to answer of `operations` requests; `None` when there were none.
#[expect(clippy::cast_precision_loss, reason = "a mean does not need more than 53 bits")]
pub(super) fn mean_seconds(milliseconds: u64, operations: u64) -> Option<f64> {
    (operations > 0).then(|| milliseconds as f64 / operations as f64 / 1000.0)
}

/// Statistics by mount path. Of mounts on top of each other the last is the one that is seen.
pub(super) fn parse(text: &str) -> BTreeMap<String, Statistics> {
    let mut found = BTreeMap::new();
    let mut current: Option<String> = None;
    let mut counting = false;
    for line in text.lines() {
        if let Some(path) = device(line) {
            counting = false;
            if let Some(path) = &path {
                found.insert(path.clone(), Statistics::default());
            }
            current = path;
            continue;
        }
        counting |= line.trim() == "per-op statistics";
        let Some(sum) = current.as_ref().and_then(|path| found.get_mut(path)) else { continue };
        if counting {
            add(sum, operation(line).unwrap_or_default());
        } else {
            head(sum, line.trim());
        }
    }
    found
}

/// `device SERVER:/EXPORT mounted on PATH with fstype nfs4 statvers=1.1`: the path of an NFS mount, `Some(None)` for
/// any other mount.
fn device(line: &str) -> Option<Option<String>> {
    let rest = line.strip_prefix("device ").or_else(|| line.strip_prefix("no device "))?;
    let (before, kind) = rest.rsplit_once(" with fstype ")?;
    let (_, path) = before.split_once(" mounted on ")?;
    let nfs = matches!(kind.split(' ').next(), Some("nfs" | "nfs4"));
    Some(nfs.then(|| unescape(path)))
}

/// Lines before the operations: `age: SECONDS` and one `xprt: …` a transport.
fn head(sum: &mut Statistics, line: &str) {
    if let Some(age) = line.strip_prefix("age:").and_then(|age| age.trim().parse().ok()) {
        sum.age_seconds = age;
    }
    if let Some(one) = line.strip_prefix("xprt:").and_then(transport) {
        let all = sum.transport.get_or_insert_default();
        all.sent = all.sent.saturating_add(one.sent);
        all.received = all.received.saturating_add(one.received);
    }
}

/// `tcp PORT BINDS CONNECTS CONNECTING IDLE SENT RECEIVED …`; rdma has the same places, local has no port, and udp has
/// neither connections nor idleness. Version 1.1 appends fields, which changes no place.
fn transport(text: &str) -> Option<Transport> {
    let mut words = text.split_whitespace();
    let before = match words.next()? {
        "tcp" | "rdma" => 5,
        "local" => 4,
        "udp" => 2,
        _ => return None,
    };
    let mut numbers = words.skip(before).map(|word| word.parse().ok());
    Some(Transport { sent: numbers.next()??, received: numbers.next()?? })
}

/// `READ: ops transmissions timeouts sent received queue rtt execute [errors]`.
fn operation(line: &str) -> Option<[u64; 8]> {
    let (name, numbers) = line.trim().split_once(':')?;
    if name.is_empty() || !name.chars().all(|character| character.is_ascii_uppercase() || character == '_') {
        return None;
    }
    let mut parsed = numbers.split_whitespace().map(|number| number.parse().ok());
    let mut values = [0; 8];
    for value in &mut values {
        *value = parsed.next()??;
    }
    Some(values)
}

fn add(sum: &mut Statistics, [operations, transmissions, timeouts, _, _, _, round_trip, _]: [u64; 8]) {
    sum.operations = sum.operations.saturating_add(operations);
    sum.transmissions = sum.transmissions.saturating_add(transmissions);
    sum.major_timeouts = sum.major_timeouts.saturating_add(timeouts);
    sum.round_trip_milliseconds = sum.round_trip_milliseconds.saturating_add(round_trip);
}

/// For the fuzz target alone.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz(text: &str) {
    for one in parse(text).values() {
        let _ = one.retransmissions();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
device /dev/vda mounted on / with fstype ext4
device 192.168.1.29:/mnt/user/media mounted on /data/my\\040media with fstype nfs4 statvers=1.1
\topts:\trw,vers=4.2
\tage:\t1050201
\txprt:\ttcp 876 1 1 0 11 100 98 0 102 0 2 0 0
\txprt:\ttcp 877 1 1 0 11 10 10 0 102 0 2 0 0
\tper-op statistics
\t        NULL: 1 1 0 44 24 0 1 1 0
\t        READ: 9 11 2 1000 9000 3 18 30 0
\t       WRITE: 0 0 0 0 0 0 0 0 0
device none mounted on /x with fstype tmpfs
";

    #[test]
    fn operations_and_transports_are_summed_per_mount() {
        let found = parse(TEXT);
        let one = found["/data/my media"];
        assert_eq!((one.operations, one.retransmissions(), one.major_timeouts), (10, 2, 2));
        assert_eq!(mean_seconds(one.round_trip_milliseconds, one.operations), Some(0.0019));
        assert_eq!((one.age_seconds, one.transport), (1_050_201, Some(Transport { sent: 110, received: 108 })));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn every_kind_of_transport_has_its_places() {
        let of = |text: &str| transport(text).map(|found| (found.sent, found.received));
        assert_eq!(of("tcp 876 1 1 0 11 100 98 0 102 0"), Some((100, 98)));
        assert_eq!(of("udp 876 1 100 98 0 102 0 2 0 0"), Some((100, 98)));
        assert_eq!(of("local 1 1 0 11 100 98 0 102 0"), Some((100, 98)));
        assert_eq!(of("rdma 0 0 1 0 11 100 98 0 102 0 1 2 3 4 5 6 7 8 9 10"), Some((100, 98)));
        assert_eq!(of("smoke 1 2 3 4 5 6 7"), None);
        assert_eq!(of("tcp 876 1 1 0 11 100"), None);
        assert_eq!(of("tcp 876 1 1 0 11 many 98"), None);
    }

    #[test]
    fn a_mount_on_top_of_another_is_the_one_that_counts() {
        let one = "device n:/a mounted on /y with fstype nfs\n\tage:\t7\n\tper-op statistics\nREAD: 1 1 1 1 1 1 1 1\n";
        let two = one.replace("READ: 1", "READ: 5");
        assert_eq!(parse(&format!("{one}{two}"))["/y"].operations, 5);
    }

    #[test]
    fn broken_text_is_no_statistics() {
        assert!(parse("").is_empty());
        let cut = parse("device x mounted on /y with fstype nfs\n\tage: x\n\txprt:\n\tper-op statistics\n READ: 1 2");
        assert_eq!(cut["/y"], Statistics::default());
        assert!(parse("device \n READ: 1 1 1 1 1 1 1 1").is_empty());
        let huge = format!(
            "device x mounted on /y with fstype nfs\nper-op statistics\nREAD: {0} 1 1 1 1 1 {0} 1\nWRITE: {0} 1 1 1 1 1 {0} 1",
            u64::MAX
        );
        assert_eq!(parse(&huge)["/y"].operations, u64::MAX);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(device |mounted on |with fstype nfs|xprt:|per-op statistics|[ -~\n]{0,9}){0,60}") {
            parse(&text);
        }
    }
}
