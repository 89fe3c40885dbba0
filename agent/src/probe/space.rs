//! Which file systems are asked for their space, and what the answers mean for the sections of disks and mounts.
//!
//! Asking may wait for ever, so it happens apart from the probes: a superblock at a time, with a deadline each.

use std::collections::BTreeMap;

use coord_model::{
    ExpectedMount, Reading, Section, Unknown, Unknowns, ValueState,
    section::{Disk, Filesystem, Mount, MountState, Mounts},
};

use super::mounts::{
    self,
    table::{self, Family, Row},
};
use crate::host::{Host, Space};

/// No machine has more disks or more shares that matter; the rest keep saying that they were not asked.
const MOST_JOBS: usize = 512;
/// An answer that takes longer is slow.
const SLOW_SECONDS: f64 = 1.0;
/// What is said while a process hangs for good.
const LEAKED: &str = "a process that asked it cannot be ended";

/// One superblock to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// `MAJOR:MINOR`.
    pub(crate) device_number: String,
    /// The path to ask at.
    pub(crate) path: String,
    /// Whether it is a network or user-space file system.
    pub(crate) remote: bool,
    /// The declared sentinel below it, looked for when it answers.
    pub(crate) sentinel: Option<Reading<String>>,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SpaceAnswer {
    /// It answered, or the call failed.
    Answered {
        /// What statvfs said.
        space: Reading<Space>,
        /// Whether the sentinel is there, where one was looked for.
        sentinel: Option<Reading<bool>>,
    },
    /// Its deadline passed.
    Late {
        /// The sentence for it.
        message: String,
        /// Whether it was asked more than once, and 30 s or longer ago for the first time.
        lasting: bool,
    },
    /// The process that asked cannot be ended.
    Leaked,
}

/// Every superblock to ask: disks first, then what can wait for others, of each what is declared first. Automount points
/// are never among them.
pub(crate) fn jobs(rows: &[Row], expected: &[ExpectedMount]) -> Vec<Job> {
    let first = mounts::declared_places(expected);
    let pick = |family: Family| {
        let remote = family == Family::Remote;
        let mut superblocks = table::superblocks(rows, |other| other == family);
        superblocks.sort_by_key(|superblock| !superblock.is_at(&first));
        superblocks.into_iter().take(MOST_JOBS).filter_map(move |superblock| {
            let row = superblock.first()?;
            let sentinel = mounts::sentinel(expected, superblock.rows.iter().copied());
            Some(Job { device_number: row.device_number.clone(), path: row.path.clone(), remote, sentinel })
        })
    };
    pick(Family::Local).chain(pick(Family::Remote)).collect()
}

impl Job {
    /// Asks it; whatever this takes is on the deadline of whoever started this process.
    pub(crate) fn ask(&self, host: &Host) -> (Reading<Space>, Option<Reading<bool>>) {
        let space = host.space(&self.path);
        let wanted = self.sentinel.as_ref().filter(|_| space.is_ok());
        let sentinel = wanted.map(|path| match host.node(path.as_ref().map_err(Clone::clone)?) {
            Ok(_) => Ok(true),
            Err(unknown) if unknown.state == ValueState::Absent => Ok(false),
            Err(unknown) => Err(unknown),
        });
        (space, sentinel)
    }
}

/// Answers by device number.
pub(crate) type SpaceAnswers = BTreeMap<String, SpaceAnswer>;

/// Puts the answers into the section of disks.
pub(crate) fn merge_disk(section: &mut Section<Disk>, answers: &SpaceAnswers) {
    let filesystems = section.facts.as_mut().and_then(|facts| facts.filesystems.as_mut());
    for filesystem in filesystems.into_iter().flatten() {
        let answer = filesystem.device_number.as_ref().and_then(|number| answers.get(number));
        if let Some(answer) = answer {
            fill_filesystem(filesystem, &reading(answer));
        }
    }
}

/// Puts the answers into the section of mounts. What a row says already, it says without having been asked.
pub(crate) fn merge_mounts(section: &mut Section<Mounts>, answers: &SpaceAnswers, expected: &[ExpectedMount]) {
    let mounts = section.facts.as_mut().and_then(|facts| facts.mounts.as_mut());
    for mount in mounts.into_iter().flatten() {
        let answer = mount.device_number.as_ref().and_then(|number| answers.get(number));
        if let Some(answer) = answer.filter(|_| mount.state.is_none()) {
            fill_mount(mount, answer);
        }
        mounts::settle(mount, expected);
    }
}

fn reading(answer: &SpaceAnswer) -> Reading<Space> {
    match answer {
        SpaceAnswer::Answered { space, .. } => space.clone(),
        SpaceAnswer::Late { message, .. } => Err(Unknown::new(ValueState::Timeout, message)),
        SpaceAnswer::Leaked => Err(Unknown::new(ValueState::Timeout, LEAKED)),
    }
}

fn fill_filesystem(row: &mut Filesystem, space: &Reading<Space>) {
    let inodes = |pick: fn(&Space) -> u64| match space {
        Ok(space) if space.inodes > 0 => Ok(pick(space)),
        Ok(_) => Err(Unknown::not_applicable("inodes are made as needed")),
        Err(unknown) => Err(unknown.clone()),
    };
    let bytes = |pick: fn(&Space) -> u64| space.as_ref().map(pick).map_err(Clone::clone);
    put(&mut row.unknown, "sizeBytes", &mut row.size_bytes, bytes(|space| space.size_bytes));
    put(&mut row.unknown, "freeBytes", &mut row.free_bytes, bytes(|space| space.free_bytes));
    put(&mut row.unknown, "availableBytes", &mut row.available_bytes, bytes(|space| space.available_bytes));
    put(&mut row.unknown, "inodes", &mut row.inodes, inodes(|space| space.inodes));
    put(&mut row.unknown, "inodesFree", &mut row.inodes_free, inodes(|space| space.inodes_free));
    if space.as_ref().is_ok_and(|space| space.read_only) {
        row.read_only = Some(true);
    }
}

fn fill_mount(row: &mut Mount, answer: &SpaceAnswer) {
    let told = reading(answer);
    let zeros = is_fuse(row) && told.as_ref().is_ok_and(|space| space.size_bytes == 0 && space.inodes == 0);
    let space = if zeros { Err(Unknown::absent("it tells no size")) } else { told };
    let (state, detail) = if zeros { unproved(row, answer) } else { judge(row, answer) };
    let bytes = |pick: fn(&Space) -> u64| space.as_ref().map(pick).map_err(Clone::clone);
    put(&mut row.unknown, "sizeBytes", &mut row.size_bytes, bytes(|space| space.size_bytes));
    put(&mut row.unknown, "availableBytes", &mut row.available_bytes, bytes(|space| space.available_bytes));
    put(&mut row.unknown, "state", &mut row.state, state);
    put(&mut row.unknown, "detail", &mut row.detail, detail);
    if let SpaceAnswer::Answered { sentinel: Some(sentinel), .. } = answer {
        put(&mut row.unknown, "sentinel", &mut row.sentinel, sentinel.clone());
    }
}

/// The state of a mount by what statvfs said.
fn judge(row: &Mount, answer: &SpaceAnswer) -> (Reading<MountState>, Reading<String>) {
    match answer {
        SpaceAnswer::Leaked => (Ok(MountState::Leaked), Ok(LEAKED.to_string())),
        SpaceAnswer::Late { message, lasting } => late(row, message, *lasting),
        SpaceAnswer::Answered { space: Ok(space), .. } if space.seconds > SLOW_SECONDS => {
            (Ok(MountState::Slow), Ok("it took longer than a second to answer".to_string()))
        }
        SpaceAnswer::Answered { space: Ok(_), .. } => (Ok(MountState::Ok), Err(Unknown::not_applicable("it answers"))),
        SpaceAnswer::Answered { space: Err(unknown), .. } => refused(row, unknown),
    }
}

/// The state of a FUSE mount that tells nothing but zeros. To those who may not ask its process, the kernel says the
/// same without asking it.
fn unproved(row: &Mount, answer: &SpaceAnswer) -> (Reading<MountState>, Reading<String>) {
    if row.options.as_ref().is_some_and(|options| table::has(options, "allow_other")) {
        return judge(row, answer);
    }
    let reason = Unknown::absent("it says nothing but zeros, which may be the kernel's word and not its own");
    (Err(reason.clone()), Err(reason))
}

fn is_fuse(row: &Mount) -> bool {
    row.kind.as_ref().is_some_and(|kind| kind.starts_with("fuse"))
}

/// A mount that did not answer. While its server answers a ping, a disk may be spinning up there.
fn late(row: &Mount, message: &str, lasting: bool) -> (Reading<MountState>, Reading<String>) {
    match (row.ping_seconds.is_some(), lasting) {
        (true, false) => (Ok(MountState::Slow), Ok(mounts::SPINS_UP.to_string())),
        (true, true) => (Ok(MountState::Stuck), Ok(format!("{message}, although its server answers a ping"))),
        (false, _) => (Ok(MountState::Stuck), Ok(message.to_string())),
    }
}

/// A mount whose call failed.
fn refused(row: &Mount, unknown: &Unknown) -> (Reading<MountState>, Reading<String>) {
    let state = match unknown.state {
        ValueState::Timeout => return late(row, &unknown.message, false),
        ValueState::Denied => Ok(MountState::Denied),
        ValueState::Error => by_errno(errno(&unknown.message), is_fuse(row)).ok_or_else(|| unknown.clone()),
        ValueState::Absent
        | ValueState::Asleep
        | ValueState::NotApplicable
        | ValueState::NotImplemented
        | ValueState::Unrecognised(_) => Err(unknown.clone()),
    };
    let detail = match state {
        Ok(MountState::Stale) => Ok("the server no longer knows its file handle (ESTALE)".to_string()),
        Ok(MountState::ServiceDown) => Ok("the process that served it has ended (ENOTCONN)".to_string()),
        Ok(_) => Ok(unknown.message.clone()),
        Err(_) => Err(unknown.clone()),
    };
    (state, detail)
}

/// What an errno of statvfs says of the server, or of the process behind a FUSE mount.
fn by_errno(errno: &str, fuse: bool) -> Option<MountState> {
    match (errno, fuse) {
        ("ESTALE", _) => Some(MountState::Stale),
        ("ENOTCONN" | "ECONNABORTED", true) => Some(MountState::ServiceDown),
        (
            "ENOTCONN" | "ECONNREFUSED" | "ECONNABORTED" | "EHOSTDOWN" | "EHOSTUNREACH" | "ETIMEDOUT" | "ENETUNREACH",
            _,
        ) => Some(MountState::ServerDown),
        _ => None,
    }
}

/// The errno that a message of the host seam ends with, in brackets.
fn errno(message: &str) -> &str {
    message.rsplit_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or("")
}

/// Puts a reading into a field and its reason beside it.
pub(crate) fn put<T>(unknown: &mut Unknowns, name: &str, field: &mut Option<T>, reading: Reading<T>) {
    match reading {
        Ok(value) => {
            *field = Some(value);
            unknown.remove(name);
        }
        Err(reason) => {
            *field = None;
            unknown.insert(name.to_string(), reason);
        }
    }
}

#[cfg(test)]
mod tests;
