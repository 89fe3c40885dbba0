//! Which sections still have to be told: each is compared with what was told last.

use std::collections::BTreeMap;

use coord_model::{AnySection, SectionKind};
use coord_proto::border::encode_section;

use crate::fingerprint::Fingerprint;

/// Fingerprints of the sections that the coordinator of this session has.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    told: BTreeMap<SectionKind, Told>,
}

/// One section as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    settled: Fingerprint,
    whole: Fingerprint,
}

/// Which differences are worth a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// Facts that do not move by themselves.
    Settled,
    /// Counters too: the slow pace, or when somebody asked.
    Everything,
}

fn told(section: &AnySection) -> Told {
    let mut ageless = section.clone();
    *ageless.age_seconds_mut() = 0.0;
    Told {
        settled: Fingerprint::of(&encode_section(section.settled())),
        whole: Fingerprint::of(&encode_section(ageless)),
    }
}

impl Outbox {
    /// Of the sections that were read, those that are worth telling; they count as told from now on.
    pub(crate) fn news(&mut self, sections: Vec<AnySection>, worth: Worth) -> Vec<AnySection> {
        sections.into_iter().filter(|section| self.differs(section, worth)).collect()
    }

    fn differs(&mut self, section: &AnySection, worth: Worth) -> bool {
        let new = told(section);
        let old = self.told.get(&section.kind());
        let differs = match worth {
            Worth::Settled => old.is_none_or(|old| old.settled != new.settled),
            Worth::Everything => old.is_none_or(|old| old.whole != new.whole),
        };
        if differs {
            self.told.insert(section.kind(), new);
        }
        differs
    }
}

#[cfg(test)]
mod tests {
    use coord_model::{Section, section::System};

    use super::*;

    fn system(load: f64, processors: u32) -> Vec<AnySection> {
        let facts = System { load_1: Some(load), processors: Some(processors), ..System::default() };
        vec![AnySection::System(Section::read("/proc/loadavg", facts))]
    }

    #[test]
    fn a_counter_alone_waits_for_the_slow_pace() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.news(system(0.1, 4), Worth::Settled).len(), 1);
        assert_eq!(outbox.news(system(0.2, 4), Worth::Settled).len(), 0);
        assert_eq!(outbox.news(system(0.2, 8), Worth::Settled).len(), 1);
        assert_eq!(outbox.news(system(0.3, 8), Worth::Everything).len(), 1);
        assert_eq!(outbox.news(system(0.3, 8), Worth::Everything).len(), 0);
    }
}
