//! A refusal that people read: one sentence, its cause, and what to type next, carried by a gRPC status.

use tonic::{Code, Status, metadata::MetadataValue};

const CAUSE: &str = "coord-cause-bin";
const HINT: &str = "coord-hint-bin";

/// How the refusal of a revoked identity begins; an agent that reads it stops asking every few seconds.
pub const REVOKED: &str = "this identity was revoked";

/// What a person is told when a call is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// One sentence, lower case, no period.
    pub what: String,
    /// Why; may be empty.
    pub cause: String,
    /// What to type next; may be empty.
    pub hint: String,
}

impl Refused {
    /// A refusal with nothing but its sentence.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// The same with a cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    /// The same with something to type.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// As a gRPC status.
    #[must_use]
    pub fn into_status(self, code: Code) -> Status {
        let mut status = Status::new(code, self.what);
        let metadata = status.metadata_mut();
        if !self.cause.is_empty() {
            metadata.insert_bin(CAUSE, MetadataValue::from_bytes(self.cause.as_bytes()));
        }
        if !self.hint.is_empty() {
            metadata.insert_bin(HINT, MetadataValue::from_bytes(self.hint.as_bytes()));
        }
        status
    }

    /// From a gRPC status, made safe to print.
    #[must_use]
    pub fn from_status(status: &Status) -> Self {
        let text = |name: &str| {
            let value = status.metadata().get_bin(name).and_then(|value| value.to_bytes().ok());
            value.map_or_else(String::new, |bytes| coord_model::clean(&String::from_utf8_lossy(&bytes)))
        };
        Self { what: coord_model::clean(status.message()), cause: text(CAUSE), hint: text(HINT) }
    }
}
