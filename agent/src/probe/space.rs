//! Which file systems are asked for their space, and what the answers mean for the sections of disks and mounts.
//!
//! Asking may wait for ever, so it happens apart from the probes: a superblock at a time, with a deadline each.

use std::collections::BTreeMap;

use coord_model::{
    Reading, Section, Unknown, Unknowns, ValueState,
    section::{Disk, Filesystem, Mount, MountState, Mounts},
};

use super::mounts::table::{self, Family, Row};
use crate::host::Space;

/// No machine has more superblocks that matter; the rest keep saying that they were not asked.
const MOST_JOBS: usize = 512;

/// One superblock to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// `MAJOR:MINOR`.
    pub(crate) device_number: String,
    /// The path to ask at.
    pub(crate) path: String,
    /// Whether it is a network or user-space file system.
    pub(crate) remote: bool,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SpaceAnswer {
    /// It answered, or the call failed, or its deadline passed.
    Answered(Reading<Space>),
    /// The process that asked cannot be ended.
    Leaked,
}

/// Every superblock to ask: disks first, then what can wait for others. Automount points are never among them.
pub(crate) fn jobs(rows: &[Row]) -> Vec<Job> {
    let pick = |family: Family| {
        let remote = family == Family::Remote;
        table::superblocks(rows, |other| other == family).into_iter().filter_map(move |superblock| {
            let row = superblock.first()?;
            Some(Job { device_number: row.device_number.clone(), path: row.path.clone(), remote })
        })
    };
    pick(Family::Local).chain(pick(Family::Remote)).take(MOST_JOBS).collect()
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

/// Puts the answers into the section of mounts.
pub(crate) fn merge_mounts(section: &mut Section<Mounts>, answers: &SpaceAnswers) {
    let mounts = section.facts.as_mut().and_then(|facts| facts.mounts.as_mut());
    for mount in mounts.into_iter().flatten() {
        let idle = mount.state == Some(MountState::IdleAutomount);
        let answer = mount.device_number.as_ref().and_then(|number| answers.get(number));
        if let Some(answer) = answer.filter(|_| !idle) {
            fill_mount(mount, answer);
        }
    }
}

fn reading(answer: &SpaceAnswer) -> Reading<Space> {
    match answer {
        SpaceAnswer::Answered(reading) => reading.clone(),
        SpaceAnswer::Leaked => Err(Unknown::new(ValueState::Timeout, "a process that asked it cannot be ended")),
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
    let space = reading(answer);
    let (state, detail) = judge(answer);
    let bytes = |pick: fn(&Space) -> u64| space.as_ref().map(pick).map_err(Clone::clone);
    put(&mut row.unknown, "sizeBytes", &mut row.size_bytes, bytes(|space| space.size_bytes));
    put(&mut row.unknown, "availableBytes", &mut row.available_bytes, bytes(|space| space.available_bytes));
    put(&mut row.unknown, "state", &mut row.state, state);
    put(&mut row.unknown, "detail", &mut row.detail, detail);
}

/// The state of a mount by what statvfs said.
fn judge(answer: &SpaceAnswer) -> (Reading<MountState>, Reading<String>) {
    let unknown = match answer {
        SpaceAnswer::Leaked => {
            return (Ok(MountState::Leaked), Ok("a process that asked it cannot be ended".to_string()));
        }
        SpaceAnswer::Answered(Ok(_)) => {
            return (Ok(MountState::Ok), Err(Unknown::not_applicable("it answers")));
        }
        SpaceAnswer::Answered(Err(unknown)) => unknown,
    };
    let state = match unknown.state {
        ValueState::Timeout => Ok(MountState::Stuck),
        ValueState::Denied => Ok(MountState::Denied),
        ValueState::Error => by_errno(errno(&unknown.message)).ok_or_else(|| unknown.clone()),
        ValueState::Absent
        | ValueState::Asleep
        | ValueState::NotApplicable
        | ValueState::NotImplemented
        | ValueState::Unrecognised(_) => Err(unknown.clone()),
    };
    let detail = if state.is_ok() { Ok(unknown.message.clone()) } else { Err(unknown.clone()) };
    (state, detail)
}

/// What an errno of statvfs says of the server.
fn by_errno(errno: &str) -> Option<MountState> {
    match errno {
        "ESTALE" => Some(MountState::Stale),
        "ENOTCONN" | "ECONNREFUSED" | "ECONNABORTED" | "EHOSTDOWN" | "EHOSTUNREACH" | "ETIMEDOUT" | "ENETUNREACH" => {
            Some(MountState::ServerDown)
        }
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
mod tests {
    use super::*;

    fn space() -> Space {
        Space { size_bytes: 100, free_bytes: 50, available_bytes: 40, inodes: 0, inodes_free: 0, read_only: false }
    }

    fn merged(answer: SpaceAnswer) -> Mount {
        let mount = Mount { device_number: Some("0:45".to_string()), ..Mount::default() };
        let mut section = Section::read("", Mounts { mounts: Some(vec![mount]), ..Mounts::default() });
        merge_mounts(&mut section, &SpaceAnswers::from([("0:45".to_string(), answer)]));
        section.facts.unwrap().mounts.unwrap().remove(0)
    }

    #[test]
    fn the_answer_decides_the_state() {
        assert_eq!(merged(SpaceAnswer::Answered(Ok(space()))).state, Some(MountState::Ok));
        assert_eq!(merged(SpaceAnswer::Leaked).state, Some(MountState::Leaked));
        for (unknown, state) in [
            (Unknown::new(ValueState::Timeout, "late"), MountState::Stuck),
            (Unknown::error("/data: stale file handle (ESTALE)"), MountState::Stale),
            (Unknown::denied("/data: permission denied (EACCES)"), MountState::Denied),
            (Unknown::error("/data: no (ENOTCONN)"), MountState::ServerDown),
            (Unknown::error("/data: no (EHOSTDOWN)"), MountState::ServerDown),
        ] {
            assert_eq!(merged(SpaceAnswer::Answered(Err(unknown))).state, Some(state));
        }
    }

    #[test]
    fn an_answer_without_a_meaning_leaves_the_state_unknown() {
        let mount = merged(SpaceAnswer::Answered(Err(Unknown::error("no recorded answer for statvfs /x"))));
        assert_eq!(mount.state, None);
        assert_eq!(mount.unknown["state"].state, ValueState::Error);
        assert_eq!(mount.unknown["availableBytes"].state, ValueState::Error);
    }

    #[test]
    fn inodes_made_as_needed_are_not_zero() {
        let row = Filesystem { device_number: Some("8:1".to_string()), ..Filesystem::default() };
        let facts = Disk { filesystems: Some(vec![row]), ..Disk::default() };
        let mut section = Section::read("", facts);
        let answers = SpaceAnswers::from([("8:1".to_string(), SpaceAnswer::Answered(Ok(space())))]);
        merge_disk(&mut section, &answers);
        let row = section.facts.unwrap().filesystems.unwrap().remove(0);
        assert_eq!((row.size_bytes, row.inodes), (Some(100), None));
        assert_eq!(row.unknown["inodes"].state, ValueState::NotApplicable);
    }

    #[test]
    fn disks_are_asked_before_servers_and_automounts_never() {
        let rows = table::parse(
            "40 27 0:45 / /a rw - nfs4 nas:/a rw\n27 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
             41 27 0:50 / /auto rw - autofs systemd-1 rw\n42 27 0:6 / /dev rw - devtmpfs udev rw",
        );
        let paths: Vec<_> = jobs(&rows).into_iter().map(|job| (job.path, job.remote)).collect();
        assert_eq!(paths, [("/".to_string(), false), ("/a".to_string(), true)]);
    }
}
