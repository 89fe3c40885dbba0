//! The kernel's events: what happens on the machine says which sections are read at once.
//!
//! Six sources, each a file here, all of them descriptors that do not block in the one thread of the main process. What
//! cannot be watched says why, and is found at the regular readings.

use std::future::pending;

use coord_model::{
    AnySection, SectionKind,
    section::{EventSource, UnitState},
};

use self::{
    cgroup::Cgroup, dev::Dev, mountinfo::Mountinfo, pressure::Pressure, route::Route, source::Source, uevent::Uevent,
};

mod cgroup;
mod dev;
mod mountinfo;
mod pressure;
mod route;
mod source;
mod storm;
pub(crate) mod uevent;

pub(crate) use dev::{inotify, take};
pub(crate) use storm::Storm;

/// What sources must know of the machine before they can be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// The unit that runs k3s, once a reading has named it.
    unit: Option<String>,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// What is read because of it.
    pub(crate) kinds: Vec<SectionKind>,
    /// Whether the mount table changed.
    pub(crate) mounts: bool,
}

/// All sources.
pub(crate) struct Watches(Option<Sources>);

struct Sources {
    place: Place,
    cgroup: Source<Cgroup>,
    dev: Source<Dev>,
    mountinfo: Source<Mountinfo>,
    pressure: Source<Pressure>,
    route: Source<Route>,
    uevent: Source<Uevent>,
}

impl Watches {
    /// Opens them on this machine; a recorded host has no events.
    pub(crate) fn open(live: bool) -> Self {
        Self(live.then(|| {
            let place = Place::default();
            Sources {
                cgroup: Source::open(&place),
                dev: Source::open(&place),
                mountinfo: Source::open(&place),
                pressure: Source::open(&place),
                route: Source::open(&place),
                uevent: Source::open(&place),
                place,
            }
        }))
    }

    /// Resolves at the next event. Cancel safe.
    pub(crate) async fn next(&mut self) -> Event {
        let Some(sources) = &mut self.0 else { return pending().await };
        let (kinds, mounts) = tokio::select! {
            kinds = sources.mountinfo.next() => (kinds, true),
            kinds = sources.cgroup.next() => (kinds, false),
            kinds = sources.dev.next() => (kinds, false),
            kinds = sources.pressure.next() => (kinds, false),
            kinds = sources.route.next() => (kinds, false),
            kinds = sources.uevent.next() => (kinds, false),
        };
        Event { kinds, mounts }
    }

    /// Compares a reading with what the sources told, and learns where k3s runs.
    pub(crate) fn learn(&mut self, sections: &[AnySection]) {
        let Some(sources) = &mut self.0 else { return };
        sources.cgroup.learn(sections);
        sources.dev.learn(sections);
        sources.mountinfo.learn(sections);
        sources.route.learn(sections);
        sources.uevent.learn(sections);
        let Some(unit) = sections.iter().find_map(unit) else { return };
        if sources.place.unit != unit {
            sources.place.unit = unit;
            sources.cgroup = Source::open(&sources.place);
        }
    }

    /// Judges at a heartbeat what a reading found and no event has told since; true when a row of [`Self::rows`] is
    /// another one now.
    pub(crate) fn judge(&mut self) -> bool {
        let Some(sources) = &mut self.0 else { return false };
        let place = &sources.place;
        let judged = [
            sources.cgroup.judge(place),
            sources.dev.judge(place),
            sources.mountinfo.judge(place),
            sources.route.judge(place),
            sources.uevent.judge(place),
        ];
        judged.contains(&true)
    }

    /// Tries again what could not be opened.
    pub(crate) fn reopen(&mut self) {
        let Some(sources) = &mut self.0 else { return };
        let place = &sources.place;
        sources.cgroup.reopen(place);
        sources.dev.reopen(place);
        sources.mountinfo.reopen(place);
        sources.pressure.reopen(place);
        sources.route.reopen(place);
        sources.uevent.reopen(place);
    }

    /// How each is, ordered by name; `None` where nothing is watched.
    pub(crate) fn rows(&self) -> Option<Vec<EventSource>> {
        let sources = self.0.as_ref()?;
        Some(vec![
            sources.cgroup.row(),
            sources.dev.row(),
            sources.mountinfo.row(),
            sources.pressure.row(),
            sources.route.row(),
            sources.uevent.row(),
        ])
    }
}

/// The unit that a section names; `None` for other sections and where it could not be read.
fn unit(section: &AnySection) -> Option<Option<String>> {
    let AnySection::K3s(section) = section else { return None };
    section.facts.as_ref().map(|facts| facts.unit.clone())
}

/// Whether the sections show something that no event will tell the end of, so that it is looked at each minute: a mount
/// that waits for somebody else, or k3s on its way up. `before` is what holds for sections that are not there.
pub(crate) fn restless(sections: &[AnySection], before: Restless) -> Restless {
    let mut now = before;
    for section in sections {
        if let AnySection::Mounts(section) = section {
            let mounts = section.facts.as_ref().map(|facts| facts.mounts.iter().flatten().next().is_some());
            now.mounts = mounts.unwrap_or(true);
        }
        if let AnySection::K3s(section) = section {
            now.k3s = section.facts.as_ref().is_some_and(|facts| facts.unit_state == Some(UnitState::Activating));
        }
    }
    now
}

/// What must be looked at each minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Restless {
    /// There are network or user-space mounts, or they cannot be read.
    pub(crate) mounts: bool,
    /// k3s is on its way up.
    pub(crate) k3s: bool,
}

#[cfg(test)]
mod tests;
