//! /proc/self/mountstats: what NFS mounts went through, without asking a server (proc_pid_mountstats(5)).

use std::collections::BTreeMap;

/// Sums over all operations of one mount since it was mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Statistics {
    pub(super) operations: u64,
    pub(super) transmissions: u64,
    pub(super) major_timeouts: u64,
    pub(super) round_trip_milliseconds: u64,
}

impl Statistics {
    /// Requests that were sent again.
    pub(super) fn retransmissions(self) -> u64 {
        self.transmissions.saturating_sub(self.operations)
    }

    /// Mean time from sending a request to its answer; `None` before the first.
    #[expect(clippy::cast_precision_loss, reason = "a mean does not need more than 53 bits")]
    pub(super) fn round_trip_seconds(self) -> Option<f64> {
        (self.operations > 0).then(|| self.round_trip_milliseconds as f64 / self.operations as f64 / 1000.0)
    }
}

/// Statistics by mount path.
pub(super) fn parse(text: &str) -> BTreeMap<String, Statistics> {
    let mut found = BTreeMap::new();
    let mut current: Option<String> = None;
    let mut counting = false;
    for line in text.lines() {
        if let Some(path) = device(line) {
            counting = false;
            current = path;
            continue;
        }
        counting |= line.trim() == "per-op statistics";
        let Some((path, numbers)) = current.as_ref().filter(|_| counting).zip(operation(line)) else { continue };
        add(found.entry(path.clone()).or_default(), &numbers);
    }
    found
}

/// `device SERVER:/EXPORT mounted on PATH with fstype nfs4 statvers=1.1`: the path of an NFS mount, `Some(None)` for
/// any other mount.
fn device(line: &str) -> Option<Option<String>> {
    let rest = line.strip_prefix("device ").or_else(|| line.strip_prefix("no device "))?;
    let (before, kind) = rest.rsplit_once(" with fstype ")?;
    let (_, path) = before.split_once(" mounted on ")?;
    Some(kind.starts_with("nfs").then(|| path.replace("\\040", " ")))
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

fn add(sum: &mut Statistics, numbers: &[u64; 8]) {
    sum.operations = sum.operations.saturating_add(numbers[0]);
    sum.transmissions = sum.transmissions.saturating_add(numbers[1]);
    sum.major_timeouts = sum.major_timeouts.saturating_add(numbers[2]);
    sum.round_trip_milliseconds = sum.round_trip_milliseconds.saturating_add(numbers[6]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
device /dev/vda mounted on / with fstype ext4
device 192.168.1.29:/mnt/user/media mounted on /data/media with fstype nfs4 statvers=1.1
\topts:\trw,vers=4.2
\txprt:\ttcp 0 1 1 0 11 100 98 0 102 0 2 0 0
\tper-op statistics
\t        NULL: 1 1 0 44 24 0 1 1 0
\t        READ: 9 11 2 1000 9000 3 18 30 0
\t       WRITE: 0 0 0 0 0 0 0 0 0
device none mounted on /x with fstype tmpfs
";

    #[test]
    fn operations_are_summed_per_mount() {
        let found = parse(TEXT);
        let one = found["/data/media"];
        assert_eq!((one.operations, one.retransmissions(), one.major_timeouts), (10, 2, 2));
        assert_eq!(one.round_trip_seconds(), Some(0.0019));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn broken_text_is_no_statistics() {
        assert!(parse("").is_empty());
        assert!(parse("device x mounted on /y with fstype nfs\n\tper-op statistics\n READ: 1 2").is_empty());
        assert!(parse("device \n READ: 1 1 1 1 1 1 1 1").is_empty());
        let huge = format!(
            "device x mounted on /y with fstype nfs\nper-op statistics\nREAD: {0} 1 1 1 1 1 {0} 1\nWRITE: {0} 1 1 1 1 1 {0} 1",
            u64::MAX
        );
        assert_eq!(parse(&huge)["/y"].operations, u64::MAX);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ -~\n]{0,400}") {
            parse(&text);
        }
    }
}
