//! Sections: facts are bytes of their own inside a message, so that a bad one costs itself only.

use bytes::Bytes;
use coord_model::{AnySection, Failure, Refusal, Section, SectionKind};
use prost::Message;

use super::{
    BadField,
    fields::{Field, field},
};
use crate::wire;

/// The largest section that is taken, in bytes of its encoded facts. Agents cut rows to stay below it.
pub const MAXIMUM_SECTION: usize = 32 * 1024;

impl Field<wire::Failure> for Failure {
    fn onto_wire(self) -> wire::Failure {
        wire::Failure { reason: self.reason.onto_wire(), message: self.message }
    }

    fn from_wire(wire: wire::Failure) -> Result<Self, BadField> {
        Ok(Self { reason: field("reason", wire.reason)?, message: field("message", wire.message)? })
    }
}

/// One section as its message.
fn onto_wire<T: Field<W>, W: Message>(kind: SectionKind, section: Section<T>) -> wire::Section {
    let content = match (section.facts, section.failure) {
        (Some(facts), _) => Some(wire::section::Content::Facts(facts.onto_wire().encode_to_vec().into())),
        (None, Some(failure)) => Some(wire::section::Content::Failure(failure.onto_wire())),
        (None, None) => None,
    };
    wire::Section {
        kind: kind.onto_wire(),
        source: section.source,
        age_seconds: section.age_seconds,
        truncated: section.truncated,
        content,
    }
}

/// One section from its message, checked.
fn from_wire<T: Field<W>, W: Message + Default>(wire: wire::Section) -> Result<Section<T>, BadField> {
    let (facts, failure) = match wire.content {
        Some(wire::section::Content::Facts(bytes)) => (Some(facts_from_wire(bytes)?), None),
        Some(wire::section::Content::Failure(failure)) => (None, Some(field("failure", failure)?)),
        None => return Err(BadField::here("has neither facts nor a failure")),
    };
    let age_seconds: f64 = field("ageSeconds", wire.age_seconds)?;
    if age_seconds < 0.0 {
        return Err(BadField::here("is negative").inside("ageSeconds"));
    }
    Ok(Section { source: field("source", wire.source)?, age_seconds, truncated: wire.truncated, facts, failure })
}

fn facts_from_wire<T: Field<W>, W: Message + Default>(bytes: Bytes) -> Result<T, BadField> {
    if bytes.len() > MAXIMUM_SECTION {
        return Err(BadField::here(format!("has {} bytes, {MAXIMUM_SECTION} are allowed", bytes.len())).inside("facts"));
    }
    let facts = W::decode(bytes).map_err(|error| BadField::here(error.to_string()).inside("facts"))?;
    T::from_wire(facts)
}

/// Ties the kinds to their messages in one place.
macro_rules! kinds {
    ($($variant:ident => $message:ident),+ $(,)?) => {
        /// One section onto the wire.
        pub(super) fn section_onto_wire(section: AnySection) -> wire::Section {
            match section {
                $(AnySection::$variant(section) => onto_wire::<_, wire::$message>(SectionKind::$variant, section),)+
            }
        }

        /// One section from the wire; `None` when only a newer version knows its kind.
        pub(super) fn section_from_wire(wire: wire::Section) -> Option<Result<AnySection, Refusal>> {
            let kind = SectionKind::from_number(wire.kind as u32);
            let section = match kind {
                $(SectionKind::$variant => from_wire::<_, wire::$message>(wire).map(AnySection::$variant),)+
                SectionKind::Unrecognised(_) => return None,
            };
            Some(section.map_err(|bad| Refusal { section: kind, field: bad.field, message: bad.message }))
        }
    };
}

kinds!(
    Agent => Agent, Platform => Platform, System => System, Gpu => Gpu, Disk => Disk, Mounts => Mounts, K3s => K3s,
    Docker => Docker, Network => Network, Usb => Usb, Unraid => Unraid,
);

/// One section as bytes: compact, comparable, kept by the coordinator.
#[must_use]
pub fn encode_section(section: AnySection) -> Vec<u8> {
    section_onto_wire(section).encode_to_vec()
}

/// A section from [`encode_section`]'s bytes.
///
/// # Errors
/// Names the field that cannot be used.
pub fn decode_section(bytes: &[u8]) -> Result<AnySection, BadField> {
    let wire = wire::Section::decode(bytes).map_err(|error| BadField::here(error.to_string()))?;
    match section_from_wire(wire) {
        Some(Ok(section)) => Ok(section),
        Some(Err(refusal)) => Err(BadField { field: refusal.field, message: refusal.message }),
        None => Err(BadField::here("is of a kind that only a newer version knows")),
    }
}
