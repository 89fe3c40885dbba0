//! Reads sections in disposable children, so that whatever hangs or crashes costs itself only (law 12).
//!
//! Everything that is due shares one child; a step that passes its deadline is blamed, its child is killed and the
//! rest gets a new one; superblocks then one each, four at once. What was blamed is a suspect: asked alone, with growing
//! pauses or when something comes back from it by itself, its last state repeated in between.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use coord_model::{AnySection, SectionKind, ValueState};
use tokio::process::{Child, Command};

use self::{
    child::{Spaces, Wanted},
    found::Found,
    line::Domain,
    process::End,
    standing::Standing,
    suspect::Suspect,
};
use crate::probe::{
    Briefing, Setting, complete,
    mounts::MountsMemory,
    space::{SpaceAnswer, SpaceAnswers, merge_disk, merge_mounts},
};

mod alone;
mod cap;
pub(crate) mod child;
mod found;
mod line;
mod output;
mod process;
mod sheet;
mod standing;
mod suspect;

pub(crate) use cap::capped;
pub(crate) use process::Limits;
pub(crate) use suspect::Due;

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

/// How long a section may take that measures something.
const MEASURING: Duration = Duration::from_secs(30);
/// The most suspect sections that are read in one round, since each may take its whole deadline.
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
    standing: Standing,
    /// What every child is told.
    pub(crate) briefing: Briefing,
    /// What earlier children left behind for later ones; nothing here looks into it.
    memory: String,
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
            standing: Standing::default(),
            briefing: Briefing::default(),
            memory: String::new(),
        }
    }

    /// Reads `kinds`, each below its cap, in the order of [`SectionKind::ALL`]. Never fails: what could not be read is
    /// a failed section.
    pub(crate) async fn read(&mut self, kinds: &[SectionKind]) -> Vec<AnySection> {
        let found = self.gather(kinds).await;
        self.forget_gone(&found);
        self.finish(kinds, found)
    }

    /// What is suspect now, and when it may be asked again.
    pub(crate) fn due(&self) -> Due {
        Due::of(self.suspects.iter().map(|(domain, suspect)| {
            let kinds = match domain {
                Domain::Section(kind) => vec![*kind],
                Domain::Space { .. } => vec![SectionKind::Mounts, SectionKind::Disk],
            };
            (suspect.asked_again(), kinds)
        }))
    }

    /// After the mount table changed: suspects among the superblocks need not wait as long as they were made to.
    pub(crate) fn mounts_changed(&mut self) {
        for (domain, suspect) in &mut self.suspects {
            match domain {
                Domain::Space { .. } => suspect.ask_sooner(),
                Domain::Section(_) => {}
            }
        }
    }

    /// One round: what is healthy in one child, then what is suspect, alone.
    async fn gather(&mut self, kinds: &[SectionKind]) -> Found {
        let (mut found, now) = (Found::default(), Instant::now());
        self.suspects.values_mut().for_each(|suspect| suspect.reap(now));
        let spaces = Spaces {
            local: kinds.contains(&SectionKind::Disk),
            remote: kinds.contains(&SectionKind::Mounts),
            ..Spaces::default()
        };
        let due = self.repeat_suspects(kinds, &mut found);
        let interrupted = self.read_shared(kinds, &spaces, &due, &mut found).await;
        for kind in due.into_iter().take(MOST_SUSPECTS) {
            self.read_alone(kind, &mut found).await;
        }
        let mut waiting = if interrupted || found.stopped { found.unasked() } else { Vec::new() };
        waiting.extend(self.suspects_to_ask(kinds, &found));
        self.ask_each(waiting, &mut found).await;
        found
    }

    /// Repeats the last answer of every suspect; returns the wanted sections among them that may be read now.
    fn repeat_suspects(&self, kinds: &[SectionKind], found: &mut Found) -> Vec<SectionKind> {
        let now = Instant::now();
        let mut due = Vec::new();
        for (domain, suspect) in &self.suspects {
            match domain {
                Domain::Section(kind) if kinds.contains(kind) => {
                    found.fail(*kind, ValueState::Timeout, &self.late(domain));
                    due.extend(suspect.due(now).then_some(*kind));
                }
                Domain::Section(_) => {}
                Domain::Space { device, .. } => {
                    found.spaces.insert(device.clone(), self.last_answer(domain, suspect, now));
                }
            }
        }
        due
    }

    /// What is said of a superblock that is not asked.
    fn last_answer(&self, domain: &Domain, suspect: &Suspect, now: Instant) -> SpaceAnswer {
        if suspect.leaked() {
            return SpaceAnswer::Leaked;
        }
        SpaceAnswer::Late { message: self.late(domain), lasting: suspect.lasting(now) }
    }

    /// Suspects among the superblocks of this round that may be asked again: their pause is over, or something came back
    /// from them by itself. What is known to be dead without asking is not asked.
    fn suspects_to_ask(&self, kinds: &[SectionKind], found: &Found) -> Vec<Domain> {
        let now = Instant::now();
        let mounts = found.sections.get(&SectionKind::Mounts);
        let dead = mounts.map(child::decided).unwrap_or_default();
        let there = found.devices();
        let memory = kinds.contains(&SectionKind::Mounts).then(|| signs(&self.memory));
        let wanted = |device: &String, suspect: &Suspect| {
            let life = memory.as_ref().is_some_and(|memory| memory.shows_life(device));
            let may = suspect.due(now) || (life && !suspect.leaked());
            may && there.contains(&device) && !dead.contains(device)
        };
        let suspects = self.suspects.iter().filter(|(domain, suspect)| match domain {
            Domain::Space { device, .. } => wanted(device, suspect),
            Domain::Section(_) => false,
        });
        suspects.map(|(domain, _)| domain.clone()).collect()
    }

    /// Reads all that is not suspect, with a new child after each section that hung or crashed. Tells whether a
    /// superblock did: the others are then asked apart.
    async fn read_shared(
        &mut self,
        kinds: &[SectionKind],
        spaces: &Spaces,
        due: &[SectionKind],
        found: &mut Found,
    ) -> bool {
        let order: Vec<SectionKind> =
            ORDER.into_iter().filter(|kind| kinds.contains(kind) && !due.contains(kind)).collect();
        let mut spaces = spaces.clone();
        let mut interrupted = false;
        loop {
            let sections: Vec<_> = order.iter().copied().filter(|kind| !found.sections.contains_key(kind)).collect();
            spaces.except = found.settled();
            let wanted = Wanted { sections, spaces: spaces.clone(), briefed: true };
            if wanted.sections.is_empty() && !spaces.any() {
                return interrupted;
            }
            let end = self.ask(&wanted, found).await;
            let message = match end {
                End::Finished => "the probe left it out".to_string(),
                End::Late(Some(domain), leaked) => {
                    self.suspect(&domain, leaked, found);
                    interrupted |= spaces.stop_at(&domain);
                    continue;
                }
                End::Broken(Some(domain), message) => {
                    found.blame(&domain, &message);
                    interrupted |= spaces.stop_at(&domain);
                    continue;
                }
                End::Late(None, _) => "the probe did not begin in time".to_string(),
                End::Broken(None, message) | End::Refused(message) => message,
            };
            found.fail_missing(&wanted.sections, &message);
            return interrupted;
        }
    }

    /// Reads one suspect section in a child of its own.
    async fn read_alone(&mut self, kind: SectionKind, found: &mut Found) {
        let domain = Domain::Section(kind);
        match self.ask(&Wanted { sections: vec![kind], briefed: true, ..Wanted::default() }, found).await {
            End::Finished => drop(self.suspects.remove(&domain)),
            End::Late(_, leaked) => self.suspect(&domain, leaked, found),
            End::Broken(_, message) => {
                self.suspects.remove(&domain);
                found.blame(&domain, &message);
            }
            End::Refused(message) => found.blame(&domain, &message),
        }
    }

    /// `domain` passed its deadline.
    fn suspect(&mut self, domain: &Domain, leaked: Option<Child>, found: &mut Found) {
        let now = Instant::now();
        let suspect = match self.suspects.remove(domain) {
            Some(mut suspect) => {
                suspect.hung_again(now, leaked);
                suspect
            }
            None => Suspect::new(now, leaked),
        };
        match domain {
            Domain::Section(kind) => found.fail(*kind, ValueState::Timeout, &self.late(domain)),
            Domain::Space { device, .. } => {
                found.spaces.insert(device.clone(), self.last_answer(domain, &suspect, now));
            }
        }
        self.suspects.insert(domain.clone(), suspect);
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
    fn finish(&mut self, kinds: &[SectionKind], found: Found) -> Vec<AnySection> {
        let mut setting = self.setting.clone();
        setting.started_seconds = Some(self.started.elapsed().as_secs_f64());
        let (spaces, now) = (found.spaces, Instant::now());
        let wanted = found.sections.into_values().filter(|section| kinds.contains(&section.kind()));
        wanted
            .map(|mut section| {
                match &mut section {
                    AnySection::Disk(disk) => merge_disk(disk, &spaces),
                    AnySection::Mounts(mounts) => {
                        merge_mounts(mounts, &spaces, &self.briefing.expect.mounts);
                        self.standing.note(mounts, now);
                    }
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
        let mut command = match self.command(wanted) {
            Ok(command) => command,
            Err(error) => return End::Refused(format!("cannot start a probe: {error}")),
        };
        let end = process::run(&mut command, self.patience(), |line| found.keep(line)).await;
        if let Some(memory) = found.memory.take() {
            self.memory = memory;
        }
        end
    }

    fn command(&self, wanted: &Wanted) -> io::Result<Command> {
        let mut command = Command::new(&self.program);
        command.arg0("coord-agent").arg("probe").args(child::names(wanted));
        if let Some(root) = &self.root {
            command.arg("--root").arg(root);
        }
        let briefing = if wanted.briefed { sheet::sheet(&self.briefing, &self.memory)?.into() } else { Stdio::null() };
        command.stdin(briefing).stdout(Stdio::piped()).stderr(Stdio::null());
        command.env_clear().kill_on_drop(true);
        Ok(command)
    }

    /// How long each step may take: what measures may write for long.
    fn patience(&self) -> Limits {
        let section = if self.briefing.measures.is_empty() { self.limits.section } else { MEASURING };
        Limits { section, ..self.limits }
    }
}

/// The one part of the children's memory that matters here: which mounts moved since the reading before.
fn signs(memory: &str) -> MountsMemory {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Signs {
        mounts: MountsMemory,
    }
    serde_json::from_str::<Signs>(memory).unwrap_or_default().mounts
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
    Ok(runtime.block_on(prober.gather(&[SectionKind::Disk, SectionKind::Mounts])).spaces)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::prober as scripted;
