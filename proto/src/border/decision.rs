//! What operators decide. Every text is kept in the store or shown on screens, so every one is short.

use bytes::Bytes;
use coord_model::{
    AcceptProblem, AdoptLabels, AdoptOneTaint, ApplyClusterFile, ApplyPlan, PauseSubject, ResumeSubject, Wall,
    WithdrawProblem,
};

use super::{
    BadField, OnWire,
    conversation::plain,
    enrolment::messages,
    fields::{Field, field},
};
use crate::wire;

/// The largest cluster file that is taken, in bytes.
pub const LARGEST_CLUSTER_FILE: usize = 1 << 20;

/// The longest subject, in bytes: a node's name and a label's key fit several times.
const LONGEST_SUBJECT: usize = 1024;

/// The longest reason of a person, in bytes.
const LONGEST_REASON: usize = 1024;

/// The most changes that one call approves.
const MOST_CHANGES: usize = 10_000;

plain!(ResumeSubject => wire::ResumeRequest { subject });
plain!(AdoptLabels => wire::AdoptLabelRequest { node, key, all });
plain!(AdoptOneTaint => wire::AdoptTaintRequest { node, key });

/// A text of at most so many bytes.
fn short(name: &str, wire: String, most: usize) -> Result<String, BadField> {
    match wire.len() {
        length if length > most => Err(BadField::here(format!("has {length} bytes, {most} are allowed")).inside(name)),
        _ => field(name, wire),
    }
}

impl Field<wire::ApplyRequest> for ApplyPlan {
    fn onto_wire(self) -> wire::ApplyRequest {
        wire::ApplyRequest { plan: self.plan, changes: self.changes }
    }

    fn from_wire(wire: wire::ApplyRequest) -> Result<Self, BadField> {
        let rows = wire.changes.len();
        if rows > MOST_CHANGES {
            return Err(BadField::here(format!("has {rows} rows, {MOST_CHANGES} are allowed")).inside("changes"));
        }
        Ok(Self { plan: short("plan", wire.plan, LONGEST_SUBJECT)?, changes: field("changes", wire.changes)? })
    }
}

impl Field<wire::PauseRequest> for PauseSubject {
    fn onto_wire(self) -> wire::PauseRequest {
        wire::PauseRequest { subject: self.subject, reason: self.reason }
    }

    fn from_wire(wire: wire::PauseRequest) -> Result<Self, BadField> {
        Ok(Self {
            subject: short("subject", wire.subject, LONGEST_SUBJECT)?,
            reason: short("reason", wire.reason, LONGEST_REASON)?,
        })
    }
}

impl Field<wire::AcceptRequest> for AcceptProblem {
    fn onto_wire(self) -> wire::AcceptRequest {
        wire::AcceptRequest {
            code: self.code,
            subject: self.subject,
            until_milliseconds: self.until.0,
            reason: self.reason,
        }
    }

    fn from_wire(wire: wire::AcceptRequest) -> Result<Self, BadField> {
        Ok(Self {
            code: field("code", wire.code)?,
            subject: short("subject", wire.subject, LONGEST_SUBJECT)?,
            until: Wall(wire.until_milliseconds),
            reason: short("reason", wire.reason, LONGEST_REASON)?,
        })
    }
}

impl Field<wire::WithdrawRequest> for WithdrawProblem {
    fn onto_wire(self) -> wire::WithdrawRequest {
        wire::WithdrawRequest { code: self.code, subject: self.subject }
    }

    fn from_wire(wire: wire::WithdrawRequest) -> Result<Self, BadField> {
        Ok(Self { code: field("code", wire.code)?, subject: short("subject", wire.subject, LONGEST_SUBJECT)? })
    }
}

/// The one text with line breaks: it is a file, and its own check says what is wrong with it.
impl Field<wire::ApplyClusterRequest> for ApplyClusterFile {
    fn onto_wire(self) -> wire::ApplyClusterRequest {
        wire::ApplyClusterRequest { text: Bytes::from(self.text) }
    }

    fn from_wire(wire: wire::ApplyClusterRequest) -> Result<Self, BadField> {
        let wrong = |message: String| Err(BadField::here(message).inside("text"));
        if wire.text.len() > LARGEST_CLUSTER_FILE {
            return wrong(format!("has {} bytes, {LARGEST_CLUSTER_FILE} are allowed", wire.text.len()));
        }
        match String::from_utf8(wire.text.into()) {
            Ok(text) => Ok(Self { text }),
            Err(error) => wrong(format!("is not UTF-8 at byte {}", error.utf8_error().valid_up_to())),
        }
    }
}

messages!(
    ApplyPlan => wire::ApplyRequest, PauseSubject => wire::PauseRequest, ResumeSubject => wire::ResumeRequest,
    AcceptProblem => wire::AcceptRequest, WithdrawProblem => wire::WithdrawRequest,
    AdoptLabels => wire::AdoptLabelRequest, AdoptOneTaint => wire::AdoptTaintRequest,
    ApplyClusterFile => wire::ApplyClusterRequest,
);

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: OnWire>(message: T::Message) -> String {
        T::from_message(message).err().map(|bad| bad.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_too_long_or_no_text_is_refused_by_name() {
        let long = "x".repeat(1025);
        let pause = wire::PauseRequest { subject: long.clone(), reason: String::new() };
        assert_eq!(refused::<PauseSubject>(pause), "subject: has 1025 bytes, 1024 are allowed");
        let accept = wire::AcceptRequest { reason: "a\u{1b}b".into(), ..Default::default() };
        assert_eq!(refused::<AcceptProblem>(accept), "reason: has the control character U+001B");
        let apply = wire::ApplyRequest { plan: "7f3c".into(), changes: vec!["a".into(); 10_001] };
        assert_eq!(refused::<ApplyPlan>(apply), "changes: has 10001 rows, 10000 are allowed");
        let apply = wire::ApplyRequest { plan: "7f3c".into(), changes: vec!["a".into(), "\n".into()] };
        assert_eq!(refused::<ApplyPlan>(apply), "changes[1]: has the control character U+000A");
        let file = |text: Vec<u8>| refused::<ApplyClusterFile>(wire::ApplyClusterRequest { text: text.into() });
        assert_eq!(file(b"a: \xff".to_vec()), "text: is not UTF-8 at byte 3");
        assert_eq!(file(vec![b'#'; (1 << 20) + 1]), "text: has 1048577 bytes, 1048576 are allowed");
    }

    #[test]
    fn what_may_be_said_comes_through_as_it_is() {
        let accept = AcceptProblem {
            code: "node-silent".into(),
            subject: "k3s-w3".into(),
            until: Wall(-5),
            reason: "it is old".into(),
        };
        assert_eq!(AcceptProblem::from_message(accept.clone().into_message()), Ok(accept));
        let file = ApplyClusterFile { text: "kind: Cluster\n\tü".into() };
        assert_eq!(ApplyClusterFile::from_message(file.clone().into_message()), Ok(file));
        let adopt = AdoptLabels { node: "k3s-w3".into(), key: String::new(), all: true };
        assert_eq!(AdoptLabels::from_message(adopt.clone().into_message()), Ok(adopt));
    }
}
