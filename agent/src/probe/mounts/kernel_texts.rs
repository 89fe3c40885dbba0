//! What a real kernel wrote about real NFS mounts (`tests/nfs`), read by the parsers.

use super::{
    statistics,
    table::{self, Family},
};

const MOUNTINFO: &str = include_str!("../../../../tests/nfs/mountinfo");
const ANSWERS: &str = include_str!("../../../../tests/nfs/mountstats-answers");
const REFUSED: &str = include_str!("../../../../tests/nfs/mountstats-refused");
const SILENT: &str = include_str!("../../../../tests/nfs/mountstats-silent");

#[test]
fn both_versions_and_the_shared_folder_are_found() {
    let rows = table::parse(MOUNTINFO);
    assert_eq!(rows.len(), MOUNTINFO.lines().count());
    let remote = table::superblocks(&rows, |family| family == Family::Remote);
    let found: Vec<_> = remote.iter().filter_map(|one| one.first()).map(|row| (&*row.path, &*row.kind)).collect();
    assert_eq!(found, [("/host", "9p"), ("/mnt/v3", "nfs"), ("/mnt/v4", "nfs4")]);
}

#[test]
fn statistics_are_read_for_version_three_and_four() {
    for text in [ANSWERS, REFUSED, SILENT] {
        let found = statistics::parse(text);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["/mnt/v3", "/mnt/v4"]);
        assert!(found.values().all(|one| one.operations > 5 && one.round_trip_milliseconds > 0));
    }
}
