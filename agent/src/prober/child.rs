//! The probing child: reads what it was asked for, cheap things first, and tells each result before the next step.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use coord_model::{AnySection, Section, SectionKind};

use super::{
    cap::capped,
    line::{Domain, Line},
};
use crate::{
    host::Host,
    probe::{
        self, Briefing,
        mounts::table,
        space::{Job, jobs},
    },
};

/// The name that says that a briefing waits on standard input.
const BRIEFED: &str = "briefed";

/// How long all superblocks together are asked in one child. Each has a deadline of its own with whoever started it; this
/// is for many that are slow, of which each would keep it.
const ALL_SPACES: Duration = Duration::from_secs(10);

/// Which superblocks are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spaces {
    /// All disks of this machine.
    pub(crate) local: bool,
    /// All network and user-space file systems.
    pub(crate) remote: bool,
    /// This one, by device number.
    pub(crate) one: Option<String>,
    /// None of these, by device number.
    pub(crate) except: Vec<String>,
}

impl Spaces {
    /// Whether there is anything to ask.
    pub(crate) fn any(&self) -> bool {
        self.local || self.remote || self.one.is_some()
    }

    /// Asks nothing more where `domain` is a superblock; tells whether it is.
    pub(super) fn stop_at(&mut self, domain: &Domain) -> bool {
        match domain {
            Domain::Section(_) => false,
            Domain::Space { .. } => {
                *self = Self::default();
                true
            }
        }
    }

    fn includes(&self, job: &Job) -> bool {
        let family = if job.remote { self.remote } else { self.local };
        let chosen = family || self.one.as_ref() == Some(&job.device_number);
        chosen && !self.except.contains(&job.device_number)
    }
}

/// What a child is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Sections, read in this order.
    pub(crate) sections: Vec<SectionKind>,
    /// Superblocks, asked after all sections.
    pub(crate) spaces: Spaces,
    /// Whether a briefing waits on standard input.
    pub(crate) briefed: bool,
}

/// The names of `wanted` as arguments of `coord-agent probe`.
pub(super) fn names(wanted: &Wanted) -> Vec<String> {
    let mut names: Vec<String> = wanted.sections.iter().map(ToString::to_string).collect();
    if wanted.spaces.local {
        names.push("space=local".to_string());
    }
    if wanted.spaces.remote {
        names.push("space=remote".to_string());
    }
    names.extend(wanted.spaces.one.iter().map(|device| format!("space={device}")));
    names.extend(wanted.briefed.then(|| BRIEFED.to_string()));
    names.extend(wanted.spaces.except.iter().map(|device| format!("except={device}")));
    names
}

/// The reverse of [`names`]; the name that means nothing as the error.
pub(crate) fn wanted(names: &[String]) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    for name in names {
        match name.split_once('=') {
            Some(("space", "local")) => wanted.spaces.local = true,
            Some(("space", "remote")) => wanted.spaces.remote = true,
            Some(("space", device)) => wanted.spaces.one = Some(device.to_string()),
            Some(("except", device)) => wanted.spaces.except.push(device.to_string()),
            Some(_) => return Err(name.clone()),
            None if name == BRIEFED => wanted.briefed = true,
            None => wanted.sections.push(known(name).ok_or_else(|| name.clone())?),
        }
    }
    Ok(wanted)
}

fn known(name: &str) -> Option<SectionKind> {
    SectionKind::parse(name).filter(|kind| SectionKind::ALL.contains(kind))
}

/// Reads everything that is wanted and tells it on `out`.
pub(crate) fn run(host: &Host, wanted: &Wanted, mut briefing: Briefing, out: &mut impl Write) -> io::Result<()> {
    // Mounts whose state is known without touching them are not touched.
    let mut settled = wanted.spaces.except.clone();
    for kind in &wanted.sections {
        tell(out, &Line::Start(Domain::Section(*kind)))?;
        let before = briefing.memory.clone();
        let Some(section) = probe::probe(host, *kind, &mut briefing) else { continue };
        settled.extend(decided(&section));
        tell(out, &Line::Done(Box::new(capped(section))))?;
        if briefing.memory != before {
            tell(out, &Line::Memory(serde_json::to_string(&briefing.memory)?))?;
        }
    }
    if wanted.spaces.any() {
        let rows = table::read(host).unwrap_or_default();
        let spaces = Spaces { except: settled, ..wanted.spaces.clone() };
        let chosen = jobs(&rows, &briefing.expect.mounts).into_iter().filter(|job| spaces.includes(job));
        ask(host, chosen, ALL_SPACES, out)?;
    }
    tell(out, &Line::End)
}

/// Asks one superblock after the other, and begins none after `patience`.
fn ask(host: &Host, jobs: impl Iterator<Item = Job>, patience: Duration, out: &mut impl Write) -> io::Result<()> {
    let began = Instant::now();
    for job in jobs {
        if began.elapsed() >= patience {
            return tell(out, &Line::Stopped);
        }
        let domain = Domain::Space { device: job.device_number.clone(), path: job.path.clone() };
        tell(out, &Line::Start(domain))?;
        let (space, sentinel) = job.ask(host);
        let sentinel = sentinel.map(Into::into);
        tell(out, &Line::Space { device: job.device_number, answer: space.into(), sentinel })?;
    }
    Ok(())
}

/// Device numbers of the mounts whose state the section tells already.
pub(super) fn decided(section: &AnySection) -> Vec<String> {
    let AnySection::Mounts(Section { facts: Some(facts), .. }) = section else { return Vec::new() };
    let rows = facts.mounts.iter().flatten().filter(|row| row.state.is_some());
    rows.filter_map(|row| row.device_number.clone()).collect()
}

fn tell(out: &mut impl Write, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    out.write_all(&text)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_back() {
        let all = Wanted {
            sections: vec![SectionKind::Gpu, SectionKind::Mounts],
            spaces: Spaces {
                local: true,
                remote: true,
                one: Some("0:45".to_string()),
                except: vec!["8:1".to_string(), "0:46".to_string()],
            },
            briefed: true,
        };
        assert_eq!(wanted(&names(&all)), Ok(all));
        assert_eq!(wanted(&["gpus".to_string()]), Err("gpus".to_string()));
        assert_eq!(wanted(&["unrecognised-7".to_string()]), Err("unrecognised-7".to_string()));
        assert_eq!(wanted(&["a=b".to_string()]), Err("a=b".to_string()));
    }

    #[test]
    fn a_space_is_chosen_by_family_or_number_and_never_when_excepted() {
        let job = Job { device_number: "0:45".to_string(), path: "/a".to_string(), remote: true, sentinel: None };
        assert!(Spaces { remote: true, ..Spaces::default() }.includes(&job));
        assert!(!Spaces { local: true, ..Spaces::default() }.includes(&job));
        assert!(Spaces { one: Some("0:45".to_string()), ..Spaces::default() }.includes(&job));
        assert!(!Spaces { remote: true, except: vec!["0:45".to_string()], ..Spaces::default() }.includes(&job));
    }

    #[test]
    fn slow_superblocks_together_have_an_end() {
        let job = Job { device_number: "0:45".to_string(), path: "/".to_string(), remote: true, sentinel: None };
        let said = |patience: Duration| {
            let mut out = Vec::new();
            ask(&Host::here(), [job.clone()].into_iter(), patience, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(said(Duration::ZERO), "\"stopped\"\n");
        let asked = said(ALL_SPACES);
        assert!(asked.lines().count() == 2 && !asked.contains("stopped"), "{asked}");
    }

    #[test]
    fn every_step_is_announced() {
        let mut out = Vec::new();
        let wanted = Wanted { sections: vec![SectionKind::Agent], ..Wanted::default() };
        run(&Host::here(), &wanted, Briefing::default(), &mut out).unwrap();
        let lines: Vec<Line> =
            out.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        assert_eq!(lines[0], Line::Start(Domain::Section(SectionKind::Agent)));
        assert!(matches!(&lines[1], Line::Done(section) if section.kind() == SectionKind::Agent));
        assert_eq!(lines[2..], [Line::End]);
    }
}
