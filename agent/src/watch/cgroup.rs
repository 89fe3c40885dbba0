//! k3s that starts, stops or dies, without D-Bus: the unit's `cgroup.events` (POLLPRI when its processes are gone or
//! there again), and systemd's link `invocation:UNIT`, which comes and goes with each start.
//!
//! k3s's containers outlive it in the same cgroup, so that the link is what tells a stop of k3s alone.

use std::{
    ffi::OsStr,
    fs::File,
    future::pending,
    io::{self, Read, Seek},
    os::fd::OwnedFd,
};

use coord_model::{AnySection, SectionKind, section::UnitState};
use nix::sys::inotify::{AddWatchFlags, Inotify};
use tokio::io::{Interest, unix::AsyncFd};

use super::{Place, dev, source::Watched};
use crate::fingerprint::Fingerprint;

/// system.slice on cgroup v2 and on a hybrid hierarchy; v1 alone has no such file.
const SLICES: [&str; 2] = ["/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/unified/system.slice"];
/// Where systemd keeps `invocation:UNIT`.
const UNITS: &str = "/run/systemd/units";
/// The most that is taken of `cgroup.events`, which has two short lines.
const LARGEST: u64 = 4096;

/// What is open for one unit.
pub(super) struct Cgroup {
    unit: String,
    events: Option<AsyncFd<File>>,
    units: Option<(Inotify, AsyncFd<OwnedFd>)>,
}

impl Watched for Cgroup {
    const NAME: &'static str = "cgroup";

    fn open(place: &Place) -> Result<Self, String> {
        let Some(unit) = place.unit.clone() else { return Err("no unit of k3s is known here".to_string()) };
        let (events, units) = (events(&unit), units());
        if events.is_none() && units.is_none() {
            return Err(format!("{unit} has no cgroup.events, and {UNITS} cannot be watched"));
        }
        Ok(Self { unit, events, units })
    }

    async fn changed(&mut self) -> io::Result<Vec<SectionKind>> {
        loop {
            let started = tokio::select! {
                () = populated(&mut self.events) => true,
                named = invoked(&mut self.units, &self.unit) => named?,
            };
            if started {
                if self.events.is_none() {
                    self.events = events(&self.unit);
                }
                return Ok(vec![SectionKind::K3s]);
            }
        }
    }

    fn structure(sections: &[AnySection]) -> Option<Fingerprint> {
        let k3s = sections.iter().find_map(|section| {
            let AnySection::K3s(section) = section else { return None };
            section.facts.as_ref()
        })?;
        // From `activating` to `active` is no event: systemd has the same invocation, and the cgroup its processes.
        let runs = match k3s.unit_state? {
            UnitState::Active | UnitState::Activating | UnitState::Deactivating => b"runs",
            UnitState::Inactive | UnitState::Failed | UnitState::Unrecognised(_) => b"gone",
        };
        Some(Fingerprint::of(runs))
    }
}

fn events(unit: &str) -> Option<AsyncFd<File>> {
    let mut file = SLICES.iter().find_map(|slice| File::open(format!("{slice}/{unit}/cgroup.events")).ok())?;
    consume(&mut file).ok()?;
    #[allow(deprecated, reason = "the sound form needs an unsafe block; this file is owned here and closed here")]
    AsyncFd::with_interest(file, Interest::PRIORITY).ok()
}

fn units() -> Option<(Inotify, AsyncFd<OwnedFd>)> {
    let (inotify, ready) = dev::inotify().ok()?;
    let flags = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVE;
    inotify.add_watch(UNITS, flags | AddWatchFlags::IN_ONLYDIR).ok()?;
    Some((inotify, ready))
}

/// Reading the file is what makes the next change an event.
fn consume(file: &mut File) -> io::Result<()> {
    file.rewind()?;
    io::copy(&mut file.take(LARGEST), &mut io::sink()).map(drop)
}

/// Resolves when the unit's processes are gone or there again; a cgroup that is removed is closed. Cancel safe.
async fn populated(events: &mut Option<AsyncFd<File>>) {
    let Some(file) = events else { return pending().await };
    let alive = match file.ready_mut(Interest::PRIORITY).await {
        Ok(mut ready) => {
            ready.clear_ready();
            consume(file.get_mut()).is_ok()
        }
        Err(_) => false,
    };
    if !alive {
        *events = None;
    }
}

/// Whether the next events in systemd's folder are about `unit`. Cancel safe.
async fn invoked(units: &mut Option<(Inotify, AsyncFd<OwnedFd>)>, unit: &str) -> io::Result<bool> {
    let Some((inotify, ready)) = units else { return pending().await };
    let events = dev::take(ready, inotify).await?;
    let overflow = events.iter().any(|event| event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW));
    Ok(overflow || events.iter().any(|event| event.name.as_ref().is_some_and(|name| is_invocation(name, unit))))
}

fn is_invocation(name: &OsStr, unit: &str) -> bool {
    name.to_str().and_then(|name| name.strip_prefix("invocation:")) == Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_invocation_of_the_unit_counts() {
        assert!(is_invocation(OsStr::new("invocation:k3s.service"), "k3s.service"));
        for name in ["invocation:cron.service", "log-level-max:k3s.service", "k3s.service", ""] {
            assert!(!is_invocation(OsStr::new(name), "k3s.service"), "{name}");
        }
    }

    #[test]
    fn without_a_unit_nothing_is_watched() {
        assert_eq!(Cgroup::open(&Place::default()).err().as_deref(), Some("no unit of k3s is known here"));
    }
}
