//! Reads sections in disposable children, so that whatever hangs or crashes costs itself only (law 12).
//!
//! Everything that is due shares one child; a step that passes its deadline is blamed, its child is killed and the
//! rest gets a new one. What was blamed is a suspect: asked alone, with growing pauses, its last state repeated
//! in between.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{self, Seek, Write},
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use coord_model::{AnySection, Failure, SectionKind, Unknown, ValueState};
use nix::sys::memfd::{MFdFlags, memfd_create};
use tokio::process::{Child, Command};

use self::{
    child::{Spaces, Wanted},
    line::{Domain, Line},
    process::End,
    suspect::Suspect,
};
use crate::probe::{
    Briefing, Memory, Setting, complete,
    space::{SpaceAnswer, SpaceAnswers, merge_disk, merge_mounts},
};

mod cap;
pub(crate) mod child;
mod line;
mod output;
mod process;
mod suspect;

pub(crate) use cap::capped;
pub(crate) use process::Limits;

/// The order in which sections are read: what cannot wait first, what may wait for devices and sockets last.
const ORDER: [SectionKind; 11] = [
    SectionKind::Agent,
    SectionKind::Platform,
    SectionKind::Network,
    SectionKind::Mounts,
    SectionKind::Disk,
    SectionKind::Usb,
    SectionKind::Gpu,
    SectionKind::System,
    SectionKind::Unraid,
    SectionKind::Docker,
    SectionKind::K3s,
];

/// The most suspects that are asked in one round, since each may take its whole deadline.
const MOST_SUSPECTS: usize = 2;

/// Reads sections of this machine or of a recorded host.
pub(crate) struct Prober {
    program: OsString,
    root: Option<PathBuf>,
    limits: Limits,
    /// What this process knows about itself, for the section `agent`.
    pub(crate) setting: Setting,
    started: Instant,
    suspects: BTreeMap<Domain, Suspect>,
    /// What every child is told.
    pub(crate) briefing: Briefing,
}

/// What one round found.
#[derive(Default)]
struct Found {
    sections: BTreeMap<SectionKind, AnySection>,
    spaces: SpaceAnswers,
    memory: Option<Memory>,
}

impl Found {
    fn keep(&mut self, line: Line) {
        match line {
            Line::Done(section) => {
                self.sections.insert(section.kind(), *section);
            }
            Line::Space { device, answer } => {
                self.spaces.insert(device, SpaceAnswer::Answered(answer.reading()));
            }
            Line::Memory(memory) => self.memory = Some(*memory),
            Line::Start(_) | Line::End => {}
        }
    }

    fn fail(&mut self, kind: SectionKind, reason: ValueState, message: &str) {
        let failure = Failure { reason, message: message.to_string() };
        let failed = AnySection::failed(kind, "coord-agent probe".to_string(), failure);
        self.sections.extend(failed.map(|section| (kind, section)));
    }

    /// Fails those of `kinds` that have not come.
    fn fail_missing(&mut self, kinds: &[SectionKind], message: &str) {
        for kind in kinds {
            if !self.sections.contains_key(kind) {
                self.fail(*kind, ValueState::Error, message);
            }
        }
    }

    /// Keeps that `domain` gave no answer.
    fn blame(&mut self, domain: &Domain, reason: ValueState, message: &str) {
        match domain {
            Domain::Section(kind) => self.fail(*kind, reason, message),
            Domain::Space { device, .. } => {
                let answer = SpaceAnswer::Answered(Err(Unknown::new(reason, message)));
                self.spaces.insert(device.clone(), answer);
            }
        }
    }
}

impl Prober {
    /// A prober of the host recorded in `root`, or of this machine.
    pub(crate) fn new(root: Option<PathBuf>, setting: Setting) -> Self {
        // This very program, even after an upgrade has replaced its file.
        Self::with_program("/proc/self/exe".into(), root, setting, Limits::default())
    }

    fn with_program(program: OsString, root: Option<PathBuf>, setting: Setting, limits: Limits) -> Self {
        Self {
            program,
            root,
            limits,
            setting,
            started: Instant::now(),
            suspects: BTreeMap::new(),
            briefing: Briefing::default(),
        }
    }

    /// Reads `kinds`, each below its cap, in the order of [`SectionKind::ALL`]. Never fails: what could not be read is
    /// a failed section.
    pub(crate) async fn read(&mut self, kinds: &[SectionKind]) -> Vec<AnySection> {
        let mut found = Found::default();
        self.suspects.values_mut().for_each(Suspect::reap);
        let spaces = Spaces {
            local: kinds.contains(&SectionKind::Disk),
            remote: kinds.contains(&SectionKind::Mounts),
            ..Spaces::default()
        };
        let due = self.repeat_suspects(kinds, &spaces, &mut found);
        self.read_shared(kinds, &spaces, &due, &mut found).await;
        for domain in due.into_iter().take(MOST_SUSPECTS) {
            self.read_alone(&domain, &mut found).await;
        }
        self.forget_gone(&found);
        self.finish(kinds, found)
    }

    /// After the mount table changed: suspects among the superblocks may be asked at the next turn.
    pub(crate) fn mounts_changed(&mut self) {
        let now = Instant::now();
        for (domain, suspect) in &mut self.suspects {
            match domain {
                Domain::Space { .. } => suspect.ask_soon(now),
                Domain::Section(_) => {}
            }
        }
    }

    /// Repeats the last state of every suspect that is wanted; returns those that may be asked now.
    fn repeat_suspects(&self, kinds: &[SectionKind], spaces: &Spaces, found: &mut Found) -> Vec<Domain> {
        let now = Instant::now();
        let mut due = Vec::new();
        for (domain, suspect) in &self.suspects {
            let wanted = match domain {
                Domain::Section(kind) => kinds.contains(kind),
                Domain::Space { .. } => spaces.any(),
            };
            if !wanted {
                continue;
            }
            found.blame(domain, ValueState::Timeout, &self.late(domain));
            match domain {
                Domain::Space { device, .. } if suspect.leaked() => {
                    found.spaces.insert(device.clone(), SpaceAnswer::Leaked);
                }
                Domain::Space { .. } | Domain::Section(_) => {}
            }
            if suspect.due(now) {
                due.push(domain.clone());
            }
        }
        due
    }

    /// Reads all that is not suspect, with a new child after each one that hung or crashed.
    async fn read_shared(&mut self, kinds: &[SectionKind], spaces: &Spaces, due: &[Domain], found: &mut Found) {
        let began = Instant::now();
        let suspect = |kind: &SectionKind| due.contains(&Domain::Section(*kind));
        let order: Vec<SectionKind> = ORDER.into_iter().filter(|kind| kinds.contains(kind) && !suspect(kind)).collect();
        loop {
            let sections: Vec<_> = order.iter().copied().filter(|kind| !found.sections.contains_key(kind)).collect();
            let except = found.spaces.keys().cloned().collect();
            let wanted = Wanted { sections, spaces: Spaces { except, ..spaces.clone() }, briefed: true };
            if wanted.sections.is_empty() && (!spaces.any() || began.elapsed() > self.limits.hanging) {
                return;
            }
            let end = self.ask(&wanted, found).await;
            let message = match end {
                End::Finished => "the probe left it out".to_string(),
                End::Late(Some(domain), leaked) => {
                    self.suspect(&domain, leaked, found);
                    continue;
                }
                End::Broken(Some(domain), message) => {
                    found.blame(&domain, ValueState::Error, &message);
                    continue;
                }
                End::Late(None, _) => "the probe did not begin in time".to_string(),
                End::Broken(None, message) | End::Refused(message) => message,
            };
            found.fail_missing(&wanted.sections, &message);
            return;
        }
    }

    /// Asks one suspect in a child of its own.
    async fn read_alone(&mut self, domain: &Domain, found: &mut Found) {
        let wanted = match domain {
            Domain::Section(kind) => Wanted { sections: vec![*kind], briefed: true, ..Wanted::default() },
            Domain::Space { device, .. } => {
                let spaces = Spaces { one: Some(device.clone()), ..Spaces::default() };
                Wanted { spaces, ..Wanted::default() }
            }
        };
        let end = self.ask(&wanted, found).await;
        match end {
            End::Finished => {
                self.suspects.remove(domain);
            }
            End::Late(_, leaked) => self.suspect(domain, leaked, found),
            End::Broken(_, message) => {
                self.suspects.remove(domain);
                found.blame(domain, ValueState::Error, &message);
            }
            End::Refused(message) => found.blame(domain, ValueState::Error, &message),
        }
    }

    /// `domain` passed its deadline.
    fn suspect(&mut self, domain: &Domain, leaked: Option<Child>, found: &mut Found) {
        found.blame(domain, ValueState::Timeout, &self.late(domain));
        match domain {
            Domain::Space { device, .. } if leaked.is_some() => {
                found.spaces.insert(device.clone(), SpaceAnswer::Leaked);
            }
            Domain::Space { .. } | Domain::Section(_) => {}
        }
        let now = Instant::now();
        match self.suspects.get_mut(domain) {
            Some(suspect) => suspect.hung_again(now, leaked),
            None => {
                self.suspects.insert(domain.clone(), Suspect::new(now, leaked));
            }
        }
    }

    fn late(&self, domain: &Domain) -> String {
        match domain {
            Domain::Section(kind) => format!("reading {kind} did not end in {} s", self.limits.section.as_secs_f32()),
            Domain::Space { path, .. } => format!("{path} did not answer in {} s", self.limits.space.as_secs_f32()),
        }
    }

    /// Drops suspects whose mount is gone, where the mount table could be read.
    fn forget_gone(&mut self, found: &Found) {
        let (Some(AnySection::Disk(disk)), Some(AnySection::Mounts(mounts))) =
            (found.sections.get(&SectionKind::Disk), found.sections.get(&SectionKind::Mounts))
        else {
            return;
        };
        let (Some(disk_facts), Some(mount_facts)) = (&disk.facts, &mounts.facts) else { return };
        if disk.truncated > 0 || mounts.truncated > 0 {
            return;
        }
        let local = disk_facts.filesystems.iter().flatten().filter_map(|row| row.device_number.as_ref());
        let remote = mount_facts.mounts.iter().flatten().filter_map(|row| row.device_number.as_ref());
        let there: Vec<&String> = local.chain(remote).collect();
        self.suspects.retain(|domain, _| match domain {
            Domain::Space { device, .. } => there.contains(&device),
            Domain::Section(_) => true,
        });
    }

    /// Merges the answers into their sections.
    fn finish(&self, kinds: &[SectionKind], found: Found) -> Vec<AnySection> {
        let mut setting = self.setting.clone();
        setting.started_seconds = Some(self.started.elapsed().as_secs_f64());
        let spaces = found.spaces;
        let wanted = found.sections.into_values().filter(|section| kinds.contains(&section.kind()));
        wanted
            .map(|mut section| {
                match &mut section {
                    AnySection::Disk(disk) => merge_disk(disk, &spaces),
                    AnySection::Mounts(mounts) => merge_mounts(mounts, &spaces),
                    AnySection::Agent(agent) => complete(agent, &setting),
                    AnySection::Platform(_)
                    | AnySection::System(_)
                    | AnySection::Gpu(_)
                    | AnySection::K3s(_)
                    | AnySection::Docker(_)
                    | AnySection::Network(_)
                    | AnySection::Usb(_)
                    | AnySection::Unraid(_) => {}
                }
                capped(section)
            })
            .collect()
    }

    /// Runs one child for `wanted`, and remembers what it says that later ones should know.
    async fn ask(&mut self, wanted: &Wanted, found: &mut Found) -> End {
        let mut command = self.command(wanted);
        if wanted.briefed {
            match sheet(&self.briefing) {
                Ok(file) => command.stdin(file),
                Err(error) => return End::Refused(format!("cannot start a probe: {error}")),
            };
        }
        let end = process::run(&mut command, self.limits, |line| found.keep(line)).await;
        if let Some(memory) = found.memory.take() {
            self.briefing.memory = memory;
        }
        end
    }

    fn command(&self, wanted: &Wanted) -> Command {
        let mut command = Command::new(&self.program);
        command.arg0("coord-agent").arg("probe").args(child::names(wanted));
        if let Some(root) = &self.root {
            command.arg("--root").arg(root);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.env_clear().kill_on_drop(true);
        command
    }
}

/// The briefing in a file without a name: a pipe would have to be fed.
fn sheet(briefing: &Briefing) -> io::Result<fs::File> {
    let descriptor = memfd_create("briefing", MFdFlags::MFD_CLOEXEC)?;
    let mut file = fs::File::from(descriptor);
    file.write_all(&serde_json::to_vec(briefing)?)?;
    file.rewind()?;
    Ok(file)
}

/// Reads all sections once, for commands that are not the agent's long run.
pub(crate) fn read_all_blocking(
    root: Option<&Path>,
    setting: Setting,
    briefing: Briefing,
) -> io::Result<Vec<AnySection>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut prober = Prober::new(root.map(Path::to_path_buf), setting);
    prober.briefing = briefing;
    Ok(runtime.block_on(prober.read(SectionKind::ALL)))
}

/// Asks every superblock of this machine once.
pub(crate) fn spaces_blocking() -> io::Result<SpaceAnswers> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut prober = Prober::new(None, Setting::default());
    let spaces = Spaces { local: true, remote: true, ..Spaces::default() };
    let mut found = Found::default();
    runtime.block_on(prober.read_shared(&[], &spaces, &[], &mut found));
    Ok(found.spaces)
}

#[cfg(test)]
mod tests;
