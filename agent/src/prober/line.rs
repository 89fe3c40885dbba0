//! What a probing child tells its parent: a line of JSON a step, so that a step that hangs has a name.

use coord_model::{AnySection, SectionKind};
use serde::{Deserialize, Serialize};

use crate::{
    host::{Answer, Space},
    probe::Memory,
};

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line {
    /// It begins with this.
    Start(Domain),
    /// A section is read.
    Done(Box<AnySection>),
    /// A superblock answered.
    Space {
        /// `MAJOR:MINOR`.
        device: String,
        /// What statvfs said.
        answer: Answer<Space>,
    },
    /// What later readings should know.
    Memory(Box<Memory>),
    /// Everything that was asked for is told.
    End,
}

/// What can hang on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Domain {
    /// All that one probe reads.
    Section(SectionKind),
    /// One superblock.
    Space {
        /// `MAJOR:MINOR`.
        device: String,
        /// Where it is asked.
        path: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_the_pipe() {
        let space = Domain::Space { device: "0:45".to_string(), path: "/data/media".to_string() };
        let start = serde_json::to_string(&Line::Start(space)).unwrap();
        assert_eq!(start, r#"{"start":{"space":{"device":"0:45","path":"/data/media"}}}"#);
        let gpu = serde_json::to_string(&Line::Start(Domain::Section(SectionKind::Gpu))).unwrap();
        assert_eq!(gpu, r#"{"start":{"section":"gpu"}}"#);
        assert_eq!(serde_json::from_str::<Line>(r#""end""#).unwrap(), Line::End);
    }
}
