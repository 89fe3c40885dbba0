//! What is known of one node: its row, its session, its sections as they came, and what was made of them.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use coord_model::{
    AnySection, Boot, GpuSummary, Health, Hello, MountSummary, Problem, Refusal, Report, SectionKind,
    diagnose::diagnose,
    section::{GpuReason, Guest, MountState, Mounts, PlatformKind},
};
use coord_planner::Sharing;
use coord_proto::border::{decode_section, encode_section};

use super::{Flight, SessionHandle, sharing::sharing};
use crate::store::{generations::LARGEST_PLAUSIBLE, nodes::Node as Row};

/// How many process numbers of the past are kept to find clones; older ones are forgotten.
const PAST_NUMBERS: usize = 64;

/// One section as it came, kept encoded: a tenth of the memory of its values.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    bytes: Arc<[u8]>,
    read: Boot,
}

impl Kept {
    /// As a section with its age. What was encoded here can be decoded here.
    fn section(&self, now: Boot) -> Option<AnySection> {
        let mut section = decode_section(&self.bytes).ok()?;
        *section.age_seconds_mut() = crate::views::seconds(now.since(self.read));
        Some(section)
    }
}

/// What a node reported, for those who ask it again only when it changed.
#[derive(Debug)]
pub(crate) struct Reported {
    /// Hash of its public key.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Its last sign of life.
    pub(crate) heard: Option<Boot>,
    /// Grows with each message of sections.
    pub(crate) version: u64,
    sections: Vec<Kept>,
}

impl Reported {
    /// The whole report with the ages of its sections.
    pub(crate) fn report(&self, now: Boot) -> Report {
        assembled(&self.sections, now)
    }
}

fn assembled(all: &[Kept], now: Boot) -> Report {
    let mut report = Report::default();
    all.iter().filter_map(|kept| kept.section(now)).for_each(|section| report.put(section));
    report
}

/// Sections as they are kept.
pub(super) fn kept(sections: Vec<AnySection>, now: Boot) -> Vec<(SectionKind, Kept)> {
    let one = |mut section: AnySection| {
        let kind = section.kind();
        let age = std::mem::take(section.age_seconds_mut()).clamp(0.0, 1e9);
        let read = Boot(now.0.saturating_sub(Duration::from_secs_f64(age)));
        (kind, Kept { bytes: encode_section(section).into(), read })
    };
    sections.into_iter().map(one).collect()
}

/// What all sections of a node show together.
pub(super) fn meaning(all: &[Kept], now: Boot) -> (Vec<Problem>, Summary) {
    let report = assembled(all, now);
    (diagnose(&report), summary(&report))
}

/// The few values that every line of status shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// `proxmox vm`.
    pub(crate) platform: Option<String>,
    /// What the machine is.
    pub(crate) kind: Option<PlatformKind>,
    /// `server`, `agent`, `none`.
    pub(crate) role: Option<String>,
    /// Its DMI UUID.
    pub(crate) uuid: Option<String>,
    /// The guests that it runs.
    pub(crate) guests: Vec<Guest>,
    /// Its GPUs.
    pub(crate) gpus: Option<Vec<GpuSummary>>,
    /// Its network mounts.
    pub(crate) mounts: Option<MountSummary>,
    /// Whether an update waits for a restart of the machine.
    pub(crate) reboot_needed: Option<bool>,
    /// What it mounts and exports.
    pub(crate) sharing: Sharing,
}

/// Everything about one node.
#[derive(Debug)]
pub(crate) struct Known {
    /// Its row in the store.
    pub(crate) row: Row,
    /// Its open session.
    pub(crate) session: Option<SessionHandle>,
    /// Where the last session came from.
    pub(crate) last_address: Option<SocketAddr>,
    /// The process number of the last session.
    pub(crate) last_process: Option<u64>,
    /// Its last sign of life.
    pub(crate) last_heard: Option<Boot>,
    /// The protocol that its agent speaks.
    pub(crate) protocol: Option<u32>,
    /// The newest generation that its agent says it has seen.
    pub(crate) newest_generation: u64,
    /// A generation that no coordinator can have given.
    pub(crate) implausible: Option<u64>,
    /// Two addresses that use one identity at the same time.
    pub(crate) cloned: Option<[String; 2]>,
    /// Process numbers that were replaced.
    pub(crate) past_numbers: VecDeque<u64>,
    /// Commands under way, by key.
    pub(crate) flights: BTreeMap<String, Flight>,
    /// What its report shows to be wrong.
    pub(crate) problems: Vec<Problem>,
    /// For the lines of status.
    pub(crate) summary: Summary,
    /// Sections that were refused last, by kind.
    pub(crate) refused: BTreeMap<SectionKind, Refusal>,
    /// Sections that only a newer version knows.
    pub(crate) unknown_sections: u32,
    /// Its health at the last judgement, and since when.
    pub(crate) health: Health,
    /// Since when it has that health.
    pub(crate) health_since: Boot,
    version: u64,
    sections: BTreeMap<SectionKind, Kept>,
}

impl Known {
    /// A node of the store that has not been heard yet.
    pub(crate) fn new(row: Row, now: Boot) -> Self {
        Self {
            row,
            session: None,
            last_address: None,
            last_process: None,
            last_heard: None,
            protocol: None,
            newest_generation: 0,
            implausible: None,
            cloned: None,
            past_numbers: VecDeque::new(),
            flights: BTreeMap::new(),
            problems: Vec::new(),
            summary: Summary::default(),
            refused: BTreeMap::new(),
            unknown_sections: 0,
            health: Health::Unknown,
            health_since: now,
            version: 0,
            sections: BTreeMap::new(),
        }
    }

    /// What a Hello says.
    pub(super) fn hello(&mut self, hello: &Hello, now: Boot) {
        self.last_heard = Some(now);
        self.protocol = Some(hello.protocol);
        self.newest_generation = hello.newest_generation;
        self.implausible = (hello.newest_generation > LARGEST_PLAUSIBLE).then_some(hello.newest_generation);
    }

    /// A process number that comes back after another one replaced it: two machines use one identity.
    pub(super) fn note_clone(&mut self, number: u64, old: &SessionHandle, new: &SessionHandle) {
        if number != old.process_number && self.past_numbers.contains(&number) {
            self.cloned = Some([place(old.address), place(new.address)]);
        }
        self.bound_past();
    }

    /// The same when the other one's session is over already.
    pub(super) fn note_return(&mut self, number: u64, new: &SessionHandle) {
        let other_since = self.last_process.is_some_and(|last| last != number);
        if other_since && self.past_numbers.contains(&number) {
            self.cloned = Some([place(self.last_address), place(new.address)]);
        }
        self.bound_past();
    }

    /// A person vouches for it: what was held against its identity is forgotten.
    pub(crate) fn settle(&mut self) {
        self.cloned = None;
        self.past_numbers.clear();
        self.last_process = None;
    }

    fn bound_past(&mut self) {
        while self.past_numbers.len() > PAST_NUMBERS {
            self.past_numbers.pop_front();
        }
    }

    /// Keeps sections; gives back all that are there now.
    pub(super) fn told(&mut self, new: Vec<(SectionKind, Kept)>, refused: Vec<Refusal>, unknown: u32) -> Vec<Kept> {
        for (kind, kept) in new {
            self.sections.insert(kind, kept);
            self.refused.remove(&kind);
        }
        for refusal in refused {
            self.refused.insert(refusal.section, refusal);
        }
        self.unknown_sections = unknown;
        self.version += 1;
        self.sections.values().cloned().collect()
    }

    /// What it reported, still encoded.
    pub(super) fn reported(&self) -> Reported {
        Reported {
            id: self.row.id.clone(),
            name: self.row.name.clone(),
            heard: self.last_heard,
            version: self.version,
            sections: self.sections.values().cloned().collect(),
        }
    }

    /// All sections with their ages.
    pub(crate) fn report(&self, now: Boot) -> Report {
        let mut report = Report::default();
        super::kinds().filter_map(|kind| self.section(kind, now)).for_each(|section| report.put(section));
        report
    }

    /// One section with its age.
    pub(crate) fn section(&self, kind: SectionKind, now: Boot) -> Option<AnySection> {
        self.sections.get(&kind)?.section(now)
    }

    /// Where its session comes from, or came from last.
    pub(crate) fn address(&self) -> String {
        place(self.session.as_ref().map_or(self.last_address, |session| session.address))
    }
}

fn place(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), |address| address.ip().to_string())
}

fn summary(report: &Report) -> Summary {
    let platform = report.platform.as_ref().and_then(|section| section.facts.as_ref());
    let k3s = report.k3s.as_ref().and_then(|section| section.facts.as_ref());
    let gpu = report.gpu.as_ref().and_then(|section| section.facts.as_ref());
    let mounts = report.mounts.as_ref().and_then(|section| section.facts.as_ref());
    let system = report.system.as_ref().and_then(|section| section.facts.as_ref());
    Summary {
        platform: platform.and_then(|platform| platform.label.clone()),
        kind: platform.and_then(|platform| platform.kind),
        role: k3s.and_then(|k3s| k3s.role).map(|role| role.to_string()),
        uuid: platform.and_then(|platform| platform.dmi_uuid.clone()),
        guests: platform.and_then(|platform| platform.guests.clone()).unwrap_or_default(),
        gpus: gpu
            .and_then(|gpu| gpu.devices.as_ref())
            .map(|devices| devices.iter().filter(|device| renders(device)).map(gpu_summary).collect()),
        mounts: mounts.and_then(mount_summary),
        reboot_needed: system.and_then(|system| system.reboot_needed),
        sharing: sharing(report),
    }
}

/// A GPU that somebody could use for work; what only shows pictures is left out.
fn renders(device: &coord_model::section::GpuDevice) -> bool {
    device.access.as_ref().and_then(|access| access.reason) != Some(GpuReason::DisplayOnly)
}

fn gpu_summary(device: &coord_model::section::GpuDevice) -> GpuSummary {
    let access = device.access.as_ref();
    let by_root = access.and_then(|access| access.usable_by_root);
    let by_group = access.and_then(|access| access.usable_by_group);
    let usable = match (by_root, by_group) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), _) | (_, Some(true)) => Some(true),
        (None, None) => access.and_then(|access| access.reason).map(|_| false),
    };
    GpuSummary { driver: device.driver.clone().unwrap_or_else(|| "?".to_owned()), usable }
}

/// Network file systems only: a FUSE mount of the machine itself is not somebody else's server.
fn mount_summary(mounts: &Mounts) -> Option<MountSummary> {
    let network = mounts.mounts.as_ref()?.iter().filter(|mount| mount.server.is_some());
    let (mut answering, mut total) = (0, 0);
    for mount in network {
        total += 1;
        answering += u32::from(matches!(
            mount.state,
            Some(MountState::Ok | MountState::Slow | MountState::ReadOnly | MountState::IdleAutomount)
        ));
    }
    Some(MountSummary { answering, total })
}
