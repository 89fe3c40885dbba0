//! Network and user-space mounts, read from the kernel's tables only: nothing here touches a mount.
//!
//! Whether a mount answers comes from statvfs, which the prober asks on its own deadline and merges in afterwards.

use std::collections::BTreeMap;

use coord_model::{
    Failure, Reading, Section, Unknown, not_implemented,
    section::{self, Mount, MountReading, MountState, MountsReading},
};

use self::{
    statistics::Statistics,
    table::{Family, Row, Superblock},
};
use crate::host::Host;

mod source;
mod statistics;
pub(crate) mod table;

/// Why the space of a file system is not known before it was asked.
pub(crate) const NOT_ASKED: &str = "it was not asked yet";

/// Reads the section, without any answer of the mounts themselves.
pub(crate) fn probe(host: &Host) -> Section<section::Mounts> {
    let rows = match table::read(host) {
        Ok(rows) => rows,
        Err(Unknown { state, message }) => {
            return Section::failed(table::SOURCE, Failure { reason: state, message });
        }
    };
    let statistics =
        host.read("/proc/self/mountstats").map(|bytes| statistics::parse(&String::from_utf8_lossy(&bytes)));
    let waiting = host.root_fact(|answers| &answers.fuse_waiting);
    let mounts = table::superblocks(&rows, |family| matches!(family, Family::Remote | Family::Automount))
        .iter()
        .filter_map(|superblock| mount(superblock, &statistics, &waiting))
        .collect();
    Section::read(table::SOURCE, MountsReading { mounts: Ok(mounts), exports: not_implemented() }.into())
}

/// One row of the section.
fn mount(
    superblock: &Superblock<'_>,
    statistics: &Reading<BTreeMap<String, Statistics>>,
    waiting: &Reading<BTreeMap<String, u64>>,
) -> Option<Mount> {
    let row = superblock.first()?;
    let idle = row.family() == Family::Automount;
    let counted = counted(superblock, statistics);
    let (server, export) = source::split(&row.kind, &row.source);
    let asked = || Unknown::new(coord_model::ValueState::Timeout, NOT_ASKED);
    let space = || if idle { Unknown::not_applicable("never touched") } else { asked() };
    let detail = "nobody has used this automount point";
    Some(
        MountReading {
            device_number: Ok(row.device_number.clone()),
            kind: Ok(row.kind.clone()),
            source: Ok(row.source.clone()),
            server,
            export,
            paths: Ok(superblock.rows.iter().map(|row| row.path.clone()).collect()),
            options: Ok(row.super_options.clone()),
            read_only: Ok(superblock.rows.iter().all(|row| row.read_only())),
            hard: hard(row),
            version: version(row),
            state: if idle { Ok(MountState::IdleAutomount) } else { Err(asked()) },
            detail: if idle { Ok(detail.to_string()) } else { Err(asked()) },
            state_seconds: not_implemented(),
            size_bytes: Err(space()),
            available_bytes: Err(space()),
            round_trip_seconds: counted.clone().and_then(|counted| {
                counted.round_trip_seconds().ok_or_else(|| Unknown::absent("no request was answered yet"))
            }),
            operations: counted.clone().map(|counted| counted.operations),
            retransmissions: counted.clone().map(Statistics::retransmissions),
            major_timeouts: counted.map(|counted| counted.major_timeouts),
            waiting: waiting_requests(row, waiting),
            ping_seconds: not_implemented(),
            sentinel: not_implemented(),
            server_address: not_implemented(),
            port: not_implemented(),
            name: not_implemented(),
            outstanding: not_implemented(),
            shadow_bytes: not_implemented(),
            shadow_files: not_implemented(),
        }
        .into(),
    )
}

/// The counters of the superblock: every path of it shows the same.
fn counted(superblock: &Superblock<'_>, statistics: &Reading<BTreeMap<String, Statistics>>) -> Reading<Statistics> {
    if !superblock.first().is_some_and(|row| row.kind.starts_with("nfs")) {
        return Err(Unknown::not_applicable("only NFS counts its requests"));
    }
    let statistics = statistics.as_ref().map_err(Clone::clone)?;
    let found = superblock.rows.iter().find_map(|row| statistics.get(&row.path));
    found.copied().ok_or_else(|| Unknown::absent("/proc/self/mountstats does not list it"))
}

/// NFS waits for ever unless the mount says `soft` or `softerr`.
fn hard(row: &Row) -> Reading<bool> {
    if !matches!(row.kind.as_str(), "nfs" | "nfs4" | "cifs" | "smb3") {
        return Err(Unknown::not_applicable(format!("{} has no such option", row.kind)));
    }
    let soft = table::has(&row.super_options, "soft") || table::has(&row.super_options, "softerr");
    Ok(if row.kind.starts_with("nfs") { !soft } else { table::has(&row.super_options, "hard") })
}

fn version(row: &Row) -> Reading<String> {
    let named = table::value(&row.super_options, "vers").or_else(|| table::value(&row.super_options, "version"));
    named.map(str::to_string).ok_or_else(|| Unknown::not_applicable("its options name no version"))
}

/// The kernel's count of unanswered FUSE requests, which only root may read.
fn waiting_requests(row: &Row, waiting: &Reading<BTreeMap<String, u64>>) -> Reading<u64> {
    if !row.kind.starts_with("fuse") {
        return Err(Unknown::not_applicable("only FUSE counts waiting requests"));
    }
    let waiting = waiting.as_ref().map_err(Clone::clone)?;
    waiting.get(&row.device_number).copied().ok_or_else(|| Unknown::absent("the kernel lists no such connection"))
}

#[cfg(test)]
mod tests {
    use coord_model::ValueState;

    use super::*;

    fn one(line: &str) -> Mount {
        let rows = table::parse(line);
        let list = table::superblocks(&rows, |family| family != Family::Virtual);
        mount(&list[0], &Ok(BTreeMap::new()), &Err(Unknown::denied("no helper"))).unwrap()
    }

    #[test]
    fn an_nfs_mount_is_described_without_touching_it() {
        let mount = one("40 27 0:45 / /data/media ro - nfs4 nas.lan:/mnt/media rw,vers=4.2,hard,addr=10.0.0.2");
        assert_eq!(mount.server.as_deref(), Some("nas.lan"));
        assert_eq!(mount.export.as_deref(), Some("/mnt/media"));
        assert_eq!((mount.hard, mount.read_only), (Some(true), Some(true)));
        assert_eq!(mount.version.as_deref(), Some("4.2"));
        assert_eq!(mount.state, None);
        assert_eq!(mount.unknown["state"].message, NOT_ASKED);
        assert_eq!(mount.unknown["operations"].state, ValueState::Absent);
    }

    #[test]
    fn an_unused_automount_point_is_said_to_be_one() {
        let mount = one("42 27 0:50 / /auto rw - autofs systemd-1 rw,fd=33");
        assert_eq!(mount.state, Some(MountState::IdleAutomount));
        assert_eq!(mount.unknown["sizeBytes"].state, ValueState::NotApplicable);
    }

    #[test]
    fn waiting_fuse_requests_need_the_helper() {
        let mount = one("42 27 0:50 / /mnt/user rw - fuse.shfs shfs rw,user_id=0");
        assert_eq!(mount.unknown["waiting"].state, ValueState::Denied);
        assert_eq!(mount.unknown["hard"].state, ValueState::NotApplicable);
    }

    #[test]
    fn every_unknown_value_has_a_reason() {
        use coord_model::Facts;
        assert!(one("42 27 0:50 / /mnt/user rw - fuse.shfs shfs rw").unexplained().is_empty());
        assert!(one("42 27 0:50 / /auto rw - autofs systemd-1 rw").unexplained().is_empty());
    }
}
