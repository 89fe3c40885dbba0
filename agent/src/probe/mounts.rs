//! Network and user-space mounts, read from the kernel's tables and from their servers: nothing here touches a mount.
//!
//! Rows whose state is settled by that say so. Of the others, whether they answer comes from statvfs, which the prober
//! asks on its own deadline and merges in afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use coord_model::{
    Failure, Reading, Section, Unknown, ValueState,
    section::{self, Mount, MountReading, MountState, MountsReading},
};
use nix::time::{ClockId, clock_gettime};

use self::{
    memory::Sight,
    servers::Pings,
    statistics::Statistics,
    table::{Family, Row, Superblock},
};
use super::Briefing;
use crate::host::{Host, Ping, Server};

mod expected;
mod exports;
mod judge;
#[cfg(test)]
mod kernel_texts;
mod memory;
mod servers;
mod shadow;
mod source;
pub(crate) mod statistics;
pub(crate) mod table;
mod view;

pub(crate) use expected::{declared_places, sentinel, settle};
pub(crate) use judge::SPINS_UP;
pub(crate) use memory::MountsMemory;

/// Why the space of a file system is not known before it was asked.
pub(crate) const NOT_ASKED: &str = "it was not asked yet";
/// The most rows that are made; the section holds far fewer.
const MOST_ROWS: usize = 2000;

/// What was read about all mounts together.
struct Tables {
    statistics: Reading<BTreeMap<String, Statistics>>,
    waiting: Reading<BTreeMap<String, u64>>,
    pings: Pings,
    /// The number of this user, where a mount asks for it.
    user: Reading<u32>,
    /// Seconds since boot.
    now: f64,
}

/// Reads the section, without any answer of the mounts themselves.
pub(crate) fn probe(host: &Host, briefing: &mut Briefing) -> Section<section::Mounts> {
    let rows = match table::read(host) {
        Ok(rows) => rows,
        Err(Unknown { state, message }) => {
            return Section::failed(table::SOURCE, Failure { reason: state, message });
        }
    };
    let mut list = table::superblocks(&rows, |family| matches!(family, Family::Remote | Family::Automount));
    let left_out = list.len().saturating_sub(MOST_ROWS);
    let expected = &briefing.expect.mounts;
    let first = declared_places(expected);
    list.sort_by_key(|superblock| !superblock.is_at(&first));
    list.truncate(MOST_ROWS);
    let tables = tables(host, &list, expected::servers(expected));
    let earlier = briefing.memory.mounts.turn();
    let memory = &mut briefing.memory.mounts;
    let mut mounts: Vec<Mount> = list
        .iter()
        .filter_map(|superblock| {
            let subject = Subject::of(superblock, &tables)?;
            let movement = memory.note(&earlier, &subject.row.device_number, &subject.sight(tables.now));
            Some(subject.mount(superblock, movement))
        })
        .collect();
    expected::apply(host, &rows, &mut mounts, expected, &tables.pings);
    mounts.sort_by(|one, other| one.paths.cmp(&other.paths));
    let facts = MountsReading { mounts: Ok(mounts), exports: exports::read(host, &rows) };
    let mut section = Section::read(table::SOURCE, facts.into());
    section.truncated = u32::try_from(left_out).unwrap_or(u32::MAX);
    section
}

/// Asks everything that is asked once for all mounts: the servers at the same time as the root helper.
fn tables(host: &Host, list: &[Superblock<'_>], declared: impl Iterator<Item = Server>) -> Tables {
    let first = || list.iter().filter_map(Superblock::first);
    let servers: BTreeSet<Server> = first().filter_map(|row| servers::behind(row).ok()).chain(declared).collect();
    let fuse = first().any(is_fuse);
    let user = if first().any(|row| private(row).is_some()) {
        host.user().map(|user| user.id)
    } else {
        Err(Unknown::not_applicable("no mount is for one user only"))
    };
    let (pings, waiting) = servers::ping_all(host, servers, || {
        // The helper is not started for nothing.
        if fuse { host.root_fact(|answers| &answers.fuse_waiting) } else { Ok(BTreeMap::new()) }
    });
    let statistics =
        host.read("/proc/self/mountstats").map(|bytes| statistics::parse(&String::from_utf8_lossy(&bytes)));
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0.0, |time| Duration::from(time).as_secs_f64());
    Tables { statistics, waiting, pings, user, now }
}

/// One superblock with all that is known about it.
struct Subject<'a> {
    row: &'a Row,
    counted: Reading<Statistics>,
    waiting: Reading<u64>,
    server: Reading<Server>,
    ping: Reading<Ping>,
    user: Reading<u32>,
}

impl<'a> Subject<'a> {
    fn of(superblock: &Superblock<'a>, tables: &Tables) -> Option<Self> {
        let row = superblock.first()?;
        let server = servers::behind(row);
        Some(Self {
            row,
            counted: counted(superblock, &tables.statistics),
            waiting: waiting_requests(row, &tables.waiting),
            ping: servers::said(&tables.pings, &server),
            server,
            user: tables.user.clone(),
        })
    }

    /// What the memory compares.
    fn sight(&self, now: f64) -> Sight {
        Sight {
            source: self.row.source.clone(),
            statistics: self.counted.as_ref().ok().copied(),
            waiting: self.waiting.as_ref().ok().copied(),
            pinged: self.answered(),
            now,
        }
    }

    fn answered(&self) -> bool {
        matches!(self.ping, Ok(Ping::Answered(_)))
    }

    /// The state, where it is known without touching the mount.
    fn decided(&self, movement: memory::Movement) -> Option<judge::Decided> {
        if self.row.family() == Family::Automount {
            return Some((MountState::IdleAutomount, "nobody has used this automount point".to_string()));
        }
        let by_ping = self.server.as_ref().ok().and_then(|server| judge::by_ping(server, &self.ping));
        by_ping.or_else(|| judge::by_movement(movement, self.answered())).or_else(|| self.denied())
    }

    /// A mount of another user, for which the kernel answers zeros without asking the process behind it.
    fn denied(&self) -> Option<judge::Decided> {
        let owner = private(self.row)?;
        let other = self.user.as_ref().is_ok_and(|user| *user != owner);
        let detail = || format!("only user {owner} may ask it (mounted without allow_other)");
        other.then(|| (MountState::Denied, detail()))
    }

    /// One row of the section.
    fn mount(self, superblock: &Superblock<'_>, movement: memory::Movement) -> Mount {
        let decided = self.decided(movement);
        let Self { row, counted, waiting, server, ping, user: _ } = self;
        let (named, export) = source::split(&row.kind, &row.source);
        let asked = || Unknown::new(ValueState::Timeout, NOT_ASKED);
        let mounted = || Unknown::not_applicable("it is mounted");
        let mut mount: Mount = MountReading {
            device_number: Ok(row.device_number.clone()),
            kind: Ok(row.kind.clone()),
            source: Ok(row.source.clone()),
            server: named,
            export,
            server_address: server.as_ref().map(|server| server.address.to_string()).map_err(Clone::clone),
            port: server.as_ref().map(|server| u32::from(server.port)).map_err(Clone::clone),
            name: Err(Unknown::absent("it is not declared")),
            paths: Ok(superblock.rows.iter().map(|row| row.path.clone()).collect()),
            options: Ok(row.super_options.clone()),
            read_only: Ok(superblock.rows.iter().all(|row| row.read_only())),
            hard: hard(row),
            version: version(row),
            state: Err(asked()),
            detail: Err(asked()),
            state_seconds: Err(asked()),
            size_bytes: Err(asked()),
            available_bytes: Err(asked()),
            round_trip_seconds: counted.clone().and_then(|_| {
                movement.round_trip_seconds.ok_or_else(|| Unknown::absent("no request was answered yet"))
            }),
            operations: counted.clone().map(|counted| counted.operations),
            retransmissions: counted.clone().map(Statistics::retransmissions),
            major_timeouts: counted.clone().map(|counted| counted.major_timeouts),
            outstanding: counted.and_then(outstanding),
            waiting,
            ping_seconds: judge::seconds(&ping),
            sentinel: Err(Unknown::not_applicable("no sentinel is declared")),
            shadow_bytes: Err(mounted()),
            shadow_files: Err(mounted()),
        }
        .into();
        if let Some((state, detail)) = decided {
            expected::decide(&mut mount, state, detail);
        }
        mount
    }
}

fn is_fuse(row: &Row) -> bool {
    row.kind.starts_with("fuse")
}

/// The only user who may ask a FUSE mount, root included (`fuse_allow_current_process` of the kernel).
fn private(row: &Row) -> Option<u32> {
    let options = &row.super_options;
    let alone = is_fuse(row) && !table::has(options, "allow_other");
    alone.then(|| table::value(options, "user_id")?.parse().ok()).flatten()
}

/// Requests on their way, by the counters of the transports.
fn outstanding(counted: Statistics) -> Reading<u64> {
    let transport =
        counted.transport.ok_or_else(|| Unknown::absent("/proc/self/mountstats tells no transport of it"))?;
    Ok(transport.sent.saturating_sub(transport.received))
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
    if !is_fuse(row) {
        return Err(Unknown::not_applicable("only FUSE counts waiting requests"));
    }
    let waiting = waiting.as_ref().map_err(Clone::clone)?;
    waiting.get(&row.device_number).copied().ok_or_else(|| Unknown::absent("the kernel lists no such connection"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str, ping: Reading<Ping>) -> Mount {
        let rows = table::parse(line);
        let list = table::superblocks(&rows, |family| family != Family::Virtual);
        let servers = servers::behind(list[0].rows[0]).into_iter();
        let tables = Tables {
            statistics: Ok(BTreeMap::new()),
            waiting: Err(Unknown::denied("no helper")),
            pings: servers.map(|server| (server, ping.clone())).collect(),
            user: Ok(7),
            now: 0.0,
        };
        Subject::of(&list[0], &tables).unwrap().mount(&list[0], memory::Movement::default())
    }

    fn one(line: &str) -> Mount {
        said(line, Ok(Ping::Answered(0.001)))
    }

    #[test]
    fn a_dead_server_settles_the_state_and_nothing_is_asked() {
        let line = "40 27 0:45 / /data/media ro - nfs4 nas.lan:/mnt/media rw,vers=4.2,hard,addr=10.0.0.2";
        let mount = said(line, Ok(Ping::Unreachable("no connection in 2 s".to_string())));
        assert_eq!(mount.state, Some(MountState::ServerDown));
        assert_eq!(mount.detail.as_deref(), Some("10.0.0.2 does not answer: no connection in 2 s"));
        assert_eq!(mount.unknown["pingSeconds"].state, ValueState::Timeout);
        assert!(mount.unknown["sizeBytes"].message.starts_with("it was not asked: 10.0.0.2"));
        let mount = said(line, Ok(Ping::Silent));
        assert_eq!(mount.state, Some(MountState::ServiceDown));
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
        assert_eq!(mount.unknown["sizeBytes"].message, "never touched");
    }

    #[test]
    fn waiting_fuse_requests_need_the_helper() {
        let mount = one("42 27 0:50 / /mnt/user rw - fuse.shfs shfs rw,user_id=0");
        assert_eq!(mount.unknown["waiting"].state, ValueState::Denied);
        assert_eq!(mount.unknown["hard"].state, ValueState::NotApplicable);
    }

    #[test]
    fn a_fuse_mount_of_another_user_is_denied_and_not_asked() {
        let of = |options: &str| one(&format!("42 27 0:50 / /mnt/user rw - fuse.sshfs nas: rw,{options}"));
        for (options, state) in [
            ("user_id=0", Some(MountState::Denied)),
            ("user_id=7", None),
            ("user_id=0,group_id=0,allow_other", None),
            ("user_id=x", None),
        ] {
            assert_eq!(of(options).state, state, "{options}");
        }
        let denied = of("user_id=1000,group_id=1000");
        let detail = "only user 1000 may ask it (mounted without allow_other)";
        assert_eq!(denied.detail.as_deref(), Some(detail));
        assert_eq!(denied.unknown["sizeBytes"], Unknown::denied(detail));
    }

    #[test]
    fn every_unknown_value_has_a_reason() {
        use coord_model::Facts;
        assert!(one("42 27 0:50 / /mnt/user rw - fuse.shfs shfs rw").unexplained().is_empty());
        assert!(one("42 27 0:50 / /auto rw - autofs systemd-1 rw").unexplained().is_empty());
    }
}
