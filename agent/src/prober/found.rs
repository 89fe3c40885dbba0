//! What the children of one round told.

use std::collections::BTreeMap;

use coord_model::{AnySection, Failure, SectionKind, Unknown, ValueState};

use super::{
    child,
    line::{Domain, Line},
};
use crate::probe::space::{SpaceAnswer, SpaceAnswers};

/// What one round found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) sections: BTreeMap<SectionKind, AnySection>,
    pub(super) spaces: SpaceAnswers,
    /// What later readings should know.
    pub(super) memory: Option<String>,
    /// Whether a child had no time left for the rest of the superblocks.
    pub(super) stopped: bool,
}

impl Found {
    /// One line of a child.
    pub(super) fn keep(&mut self, line: Line) {
        match line {
            Line::Done(section) => {
                self.sections.insert(section.kind(), *section);
            }
            Line::Space { device, answer, sentinel } => {
                let sentinel = sentinel.map(|answer| answer.reading());
                self.spaces.insert(device, SpaceAnswer::Answered { space: answer.reading(), sentinel });
            }
            Line::Memory(memory) => self.memory = Some(memory),
            Line::Stopped => self.stopped = true,
            Line::Start(_) | Line::End => {}
        }
    }

    /// A section that could not be read.
    pub(super) fn fail(&mut self, kind: SectionKind, reason: ValueState, message: &str) {
        let failure = Failure { reason, message: message.to_string() };
        let failed = AnySection::failed(kind, "coord-agent probe".to_string(), failure);
        self.sections.extend(failed.map(|section| (kind, section)));
    }

    /// Fails those of `kinds` that have not come.
    pub(super) fn fail_missing(&mut self, kinds: &[SectionKind], message: &str) {
        for kind in kinds {
            if !self.sections.contains_key(kind) {
                self.fail(*kind, ValueState::Error, message);
            }
        }
    }

    /// Keeps that a child crashed in `domain`, or could not be started for it.
    pub(super) fn blame(&mut self, domain: &Domain, message: &str) {
        match domain {
            Domain::Section(kind) => self.fail(*kind, ValueState::Error, message),
            Domain::Space { device, .. } => {
                let space = Err(Unknown::error(message));
                self.spaces.insert(device.clone(), SpaceAnswer::Answered { space, sentinel: None });
            }
        }
    }

    /// Device numbers that need not be asked, or not now.
    pub(super) fn settled(&self) -> Vec<String> {
        let mounts = self.sections.get(&SectionKind::Mounts);
        self.spaces.keys().cloned().chain(mounts.map(child::decided).unwrap_or_default()).collect()
    }

    /// Device numbers of all rows.
    pub(super) fn devices(&self) -> Vec<&String> {
        let mut devices = Vec::new();
        if let Some(AnySection::Disk(disk)) = self.sections.get(&SectionKind::Disk) {
            let rows = disk.facts.iter().flat_map(|facts| facts.filesystems.iter().flatten());
            devices.extend(rows.filter_map(|row| row.device_number.as_ref()));
        }
        if let Some(AnySection::Mounts(mounts)) = self.sections.get(&SectionKind::Mounts) {
            let rows = mounts.facts.iter().flat_map(|facts| facts.mounts.iter().flatten());
            devices.extend(rows.filter_map(|row| row.device_number.as_ref()));
        }
        devices
    }

    /// Device number and path of every superblock whose row still waits for an answer: disks first.
    pub(super) fn unasked(&self) -> Vec<Domain> {
        let mut domains = Vec::new();
        let mut add = |device: Option<&String>, path: Option<&String>| {
            let known = device.zip(path).filter(|(device, _)| !self.spaces.contains_key(*device));
            domains.extend(known.map(|(device, path)| Domain::Space { device: device.clone(), path: path.clone() }));
        };
        if let Some(AnySection::Disk(disk)) = self.sections.get(&SectionKind::Disk) {
            for row in disk.facts.iter().flat_map(|facts| facts.filesystems.iter().flatten()) {
                add(row.device_number.as_ref(), row.path.as_ref());
            }
        }
        if let Some(AnySection::Mounts(mounts)) = self.sections.get(&SectionKind::Mounts) {
            let rows = mounts.facts.iter().flat_map(|facts| facts.mounts.iter().flatten());
            for row in rows.filter(|row| row.state.is_none()) {
                add(row.device_number.as_ref(), row.paths.as_ref().and_then(|paths| paths.first()));
            }
        }
        domains
    }
}
