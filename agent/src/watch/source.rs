//! What all event sources have in common: they are opened, they close, and one that stays silent is found out.

use std::{future::pending, io};

use coord_model::{
    AnySection, SectionKind, Unknown,
    section::{EventSource, EventSourceReading},
};

use super::Place;
use crate::fingerprint::Fingerprint;

/// So many readings with the structure of a source may follow an event: the one that it started, and one that had begun
/// before it.
const ANNOUNCED: u8 = 2;

/// One of the kernel's event sources.
pub(super) trait Watched: Sized {
    /// Its name in the section `agent`.
    const NAME: &'static str;

    /// Opens it; the reason for people where that is not possible.
    fn open(place: &Place) -> Result<Self, String>;

    /// Resolves at the next event that counts, with what is to be read. Cancel safe.
    async fn changed(&mut self) -> io::Result<Vec<SectionKind>>;

    /// What this source would tell a change of, as a reading found it; `None` where the reading does not show it.
    fn structure(sections: &[AnySection]) -> Option<Fingerprint>;
}

/// A source, open or not.
pub(super) struct Source<W> {
    watched: Result<W, String>,
    /// Readings whose changes an event has announced.
    announced: u8,
    structure: Option<Fingerprint>,
    /// A reading found a change that no event has told yet.
    doubted: bool,
    /// No event told it.
    missed: bool,
}

impl<W: Watched> Source<W> {
    /// Opens it, or keeps why not.
    pub(super) fn open(place: &Place) -> Self {
        Self::made(W::open(place))
    }

    /// One that is open.
    #[cfg(test)]
    pub(super) fn with(watched: W) -> Self {
        Self::made(Ok(watched))
    }

    fn made(watched: Result<W, String>) -> Self {
        Self { watched, announced: 0, structure: None, doubted: false, missed: false }
    }

    /// Resolves at the next event, also at the last one of a source that closes. Cancel safe.
    pub(super) async fn next(&mut self) -> Vec<SectionKind> {
        let Ok(watched) = &mut self.watched else { return pending().await };
        match watched.changed().await {
            Ok(kinds) => {
                self.announced = ANNOUNCED;
                (self.doubted, self.missed) = (false, false);
                kinds
            }
            Err(error) => {
                tracing::warn!(%error, source = W::NAME, "an event source closed; it is opened again later");
                self.watched = Err(format!("it closed: {error}"));
                vec![SectionKind::Agent]
            }
        }
    }

    /// Compares a reading with what was told.
    pub(super) fn learn(&mut self, sections: &[AnySection]) {
        let Some(structure) = W::structure(sections) else { return };
        let changed = self.structure.replace(structure).is_some_and(|old| old != structure);
        if changed && self.announced == 0 && self.watched.is_ok() {
            self.doubted = true;
        }
        self.announced = self.announced.saturating_sub(1);
    }

    /// An event that belongs to a doubted change has had a heartbeat's time; true when it was missed.
    pub(super) fn judge(&mut self, place: &Place) -> bool {
        if !std::mem::take(&mut self.doubted) {
            return false;
        }
        tracing::warn!(source = W::NAME, "an event source missed a change; it is opened again");
        self.watched = W::open(place);
        self.missed = true;
        true
    }

    /// Tries again if it is not open.
    pub(super) fn reopen(&mut self, place: &Place) {
        if self.watched.is_err() {
            self.watched = W::open(place);
        }
    }

    /// How it is.
    pub(super) fn row(&self) -> EventSource {
        let detail = match (&self.watched, self.missed) {
            (Err(reason), _) => Ok(reason.clone()),
            (Ok(_), true) => Ok("it was silent at a change that a regular reading found".to_string()),
            (Ok(_), false) => Err(Unknown::not_applicable("it is watched")),
        };
        EventSourceReading { name: Ok(W::NAME.to_string()), watching: Ok(detail.is_err()), detail }.into()
    }
}
