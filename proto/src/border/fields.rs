//! How single fields cross the border: text is checked, words keep unknown numbers, rows name their place.

use std::collections::BTreeMap;

use coord_model::{MAXIMUM_TEXT, Unknown, Unknowns};

use super::BadField;
use crate::wire;

/// A value of the model that is a `W` on the wire.
pub(crate) trait Field<W>: Sized {
    /// Onto the wire.
    fn onto_wire(self) -> W;
    /// From the wire, checked.
    fn from_wire(wire: W) -> Result<Self, BadField>;
}

/// Values that are the same on both sides.
macro_rules! same {
    ($($kind:ty),+) => {$(
        impl Field<$kind> for $kind {
            fn onto_wire(self) -> $kind {
                self
            }
            fn from_wire(wire: $kind) -> Result<Self, BadField> {
                Ok(wire)
            }
        }
    )+};
}

same!(u32, u64, bool);

impl Field<f64> for f64 {
    fn onto_wire(self) -> f64 {
        self
    }

    fn from_wire(wire: f64) -> Result<Self, BadField> {
        if wire.is_finite() { Ok(wire) } else { Err(BadField::here("is not a finite number")) }
    }
}

impl Field<String> for String {
    fn onto_wire(self) -> String {
        self
    }

    fn from_wire(wire: String) -> Result<Self, BadField> {
        if wire.len() > MAXIMUM_TEXT {
            return Err(BadField::here(format!("has {} bytes, {MAXIMUM_TEXT} are allowed", wire.len())));
        }
        match wire.chars().find(|character| character.is_control()) {
            Some(character) => Err(BadField::here(format!("has the control character U+{:04X}", u32::from(character)))),
            None => Ok(wire),
        }
    }
}

impl<T: Field<W>, W> Field<Option<W>> for Option<T> {
    fn onto_wire(self) -> Option<W> {
        self.map(T::onto_wire)
    }

    fn from_wire(wire: Option<W>) -> Result<Self, BadField> {
        wire.map(T::from_wire).transpose()
    }
}

impl<T: Field<W>, W> Field<Vec<W>> for Vec<T> {
    fn onto_wire(self) -> Vec<W> {
        self.into_iter().map(T::onto_wire).collect()
    }

    fn from_wire(wire: Vec<W>) -> Result<Self, BadField> {
        let rows = wire.into_iter().enumerate();
        rows.map(|(place, row)| T::from_wire(row).map_err(|bad| bad.inside(&format!("[{place}]")))).collect()
    }
}

/// One field of a message, with its name in the error.
pub(crate) fn field<T: Field<W>, W>(name: &str, wire: W) -> Result<T, BadField> {
    T::from_wire(wire).map_err(|bad| bad.inside(name))
}

/// The reasons of an object.
pub(crate) fn unknowns_onto_wire(unknown: Unknowns) -> BTreeMap<String, wire::Unknown> {
    unknown.into_iter().map(|(name, reason)| (name, reason.onto_wire())).collect()
}

/// The reasons of an object, checked.
pub(crate) fn unknowns_from_wire(wire: BTreeMap<String, wire::Unknown>) -> Result<Unknowns, BadField> {
    wire.into_iter()
        .map(|(name, reason)| {
            let name: String = field("unknown", name)?;
            let reason = Unknown::from_wire(reason).map_err(|bad| bad.inside(&name))?;
            Ok((name, reason))
        })
        .collect()
}

impl Field<wire::Unknown> for Unknown {
    fn onto_wire(self) -> wire::Unknown {
        wire::Unknown { state: self.state.onto_wire(), message: self.message }
    }

    fn from_wire(wire: wire::Unknown) -> Result<Self, BadField> {
        Ok(Self { state: field("state", wire.state)?, message: field("message", wire.message)? })
    }
}

/// A vocabulary whose numbers are the same on both sides.
macro_rules! word {
    ($($word:ty),+ $(,)?) => {$(
        impl crate::border::fields::Field<i32> for $word {
            fn onto_wire(self) -> i32 {
                self.number() as i32
            }
            fn from_wire(wire: i32) -> Result<Self, crate::border::BadField> {
                Ok(Self::from_number(wire as u32))
            }
        }
    )+};
}

pub(crate) use word;

word!(coord_model::ValueState, coord_model::SectionKind, coord_model::OutcomeResult, coord_model::EndReason);
word!(coord_model::ViewKind, coord_model::Measure);
