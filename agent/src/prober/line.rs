//! What a probing child tells its parent: a line of JSON a step, so that a step that hangs has a name.
//!
//! A section stands in its line as the bytes that the coordinator gets, in base64: the parent knows that form anyway,
//! and needs no second one.

use coord_model::{AnySection, SectionKind};
use serde::{Deserialize, Serialize};

use crate::host::{Answer, Space};

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line {
    /// It begins with this.
    Start(Domain),
    /// A section is read.
    Done(#[serde(with = "encoded")] Box<AnySection>),
    /// A superblock answered.
    Space {
        /// `MAJOR:MINOR`.
        device: String,
        /// What statvfs said.
        answer: Answer<Space>,
        /// Whether the declared sentinel is there, where one was looked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sentinel: Option<Answer<bool>>,
    },
    /// What later readings should know, as the text that the next child understands.
    Memory(String),
    /// There was no time left for the rest of the superblocks.
    Stopped,
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

/// A section as its bytes of the wire.
mod encoded {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use coord_model::AnySection;
    use coord_proto::border::{decode_section, encode_section};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(section: &AnySection, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(encode_section(section.clone())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<AnySection>, D::Error> {
        let bytes = STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        decode_section(&bytes).map(Box::new).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use coord_model::{Section, section::Agent};

    use super::*;

    #[test]
    fn a_section_stands_in_its_line_as_on_the_wire() {
        let facts = Agent { version: Some("1".to_string()), event_sources: Some(Vec::new()), ..Agent::default() };
        let line = Line::Done(Box::new(AnySection::Agent(Section::read("test", facts))));
        let text = serde_json::to_string(&line).unwrap();
        assert!(!text.contains("version"), "{text}");
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
        for broken in [r#"{"done":"!"}"#, r#"{"done":"AAAA"}"#, r#"{"done":""}"#, r#"{"done":7}"#] {
            assert!(serde_json::from_str::<Line>(broken).is_err(), "{broken}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", bytes in proptest::collection::vec(0_u8.., 0..200)) {
            use base64::{Engine, engine::general_purpose::STANDARD};
            let _ = serde_json::from_str::<Line>(&text);
            let _ = serde_json::from_str::<Line>(&format!(r#"{{"done":"{}"}}"#, STANDARD.encode(bytes)));
        }
    }

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
