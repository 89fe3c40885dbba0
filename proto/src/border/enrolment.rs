//! The messages outside a session.

use std::time::Duration;

use bytes::Bytes;
use coord_model::{
    Approve, CreateToken, CreatedToken, Document, Done, Enrol, Enrolled, NameNode, Nothing, Read, RefreshNode, Rejoin,
    RenameNode, Renew, RevokeToken, Wall,
};

use super::{
    BadField, OnWire,
    conversation::{milliseconds, plain},
    fields::{Field, field},
};
use crate::wire;

/// The longest certificate, request or secret that is taken, in bytes.
const MAXIMUM_BYTES: usize = 8 * 1024;

impl Field<Bytes> for Vec<u8> {
    fn onto_wire(self) -> Bytes {
        self.into()
    }

    fn from_wire(wire: Bytes) -> Result<Self, BadField> {
        match wire.len() {
            length if length > MAXIMUM_BYTES => {
                Err(BadField::here(format!("has {length} bytes, {MAXIMUM_BYTES} are allowed")))
            }
            _ => Ok(wire.into()),
        }
    }
}

plain!(Renew => wire::RenewRequest { request });
plain!(RevokeToken => wire::RevokeTokenRequest { id });
plain!(Approve => wire::ApproveRequest { name, all_known });
plain!(NameNode => wire::NodeRequest { name });
plain!(RenameNode => wire::RenameRequest { name, new_name });
plain!(Done => wire::Done { message });
plain!(Read => wire::ReadRequest { view, name, after });

impl Field<wire::EnrolRequest> for Enrol {
    fn onto_wire(self) -> wire::EnrolRequest {
        wire::EnrolRequest {
            token_id: self.token_id.onto_wire(),
            secret: self.secret.onto_wire(),
            request: self.request.onto_wire(),
            name: self.name,
            evidence: Some(self.evidence.onto_wire()),
            version: self.version,
        }
    }

    fn from_wire(wire: wire::EnrolRequest) -> Result<Self, BadField> {
        Ok(Self {
            token_id: field("tokenId", wire.token_id)?,
            secret: field("secret", wire.secret)?,
            request: field("request", wire.request)?,
            name: field("name", wire.name)?,
            evidence: field("evidence", wire.evidence.unwrap_or_default())?,
            version: field("version", wire.version)?,
        })
    }
}

impl Field<wire::RejoinRequest> for Rejoin {
    fn onto_wire(self) -> wire::RejoinRequest {
        wire::RejoinRequest {
            request: self.request.onto_wire(),
            credential: self.credential.onto_wire(),
            evidence: Some(self.evidence.onto_wire()),
            version: self.version,
        }
    }

    fn from_wire(wire: wire::RejoinRequest) -> Result<Self, BadField> {
        Ok(Self {
            request: field("request", wire.request)?,
            credential: field("credential", wire.credential)?,
            evidence: field("evidence", wire.evidence.unwrap_or_default())?,
            version: field("version", wire.version)?,
        })
    }
}

impl Field<wire::Enrolled> for Enrolled {
    fn onto_wire(self) -> wire::Enrolled {
        wire::Enrolled {
            certificate: self.certificate.onto_wire(),
            authority: self.authority.onto_wire(),
            name: self.name,
            id: self.id,
            credential: self.credential.onto_wire(),
            coordinators: self.coordinators,
            lifetime_milliseconds: milliseconds(self.lifetime),
            expires_milliseconds: self.expires.0,
        }
    }

    fn from_wire(wire: wire::Enrolled) -> Result<Self, BadField> {
        Ok(Self {
            certificate: field("certificate", wire.certificate)?,
            authority: field("authority", wire.authority)?,
            name: field("name", wire.name)?,
            id: field("id", wire.id)?,
            credential: field("credential", wire.credential)?,
            coordinators: field("coordinators", wire.coordinators)?,
            lifetime: Duration::from_millis(wire.lifetime_milliseconds),
            expires: Wall(wire.expires_milliseconds),
        })
    }
}

impl Field<wire::CreateTokenRequest> for CreateToken {
    fn onto_wire(self) -> wire::CreateTokenRequest {
        wire::CreateTokenRequest {
            name: self.name,
            lifetime_milliseconds: milliseconds(self.lifetime),
            operator: self.operator,
            replace: self.replace,
        }
    }

    fn from_wire(wire: wire::CreateTokenRequest) -> Result<Self, BadField> {
        Ok(Self {
            name: field("name", wire.name)?,
            lifetime: Duration::from_millis(wire.lifetime_milliseconds),
            operator: wire.operator,
            replace: wire.replace,
        })
    }
}

impl Field<wire::CreatedToken> for CreatedToken {
    fn onto_wire(self) -> wire::CreatedToken {
        wire::CreatedToken {
            token: self.token,
            id: self.id,
            lifetime_milliseconds: milliseconds(self.lifetime),
            expires_milliseconds: self.expires.0,
        }
    }

    fn from_wire(wire: wire::CreatedToken) -> Result<Self, BadField> {
        Ok(Self {
            token: field("token", wire.token)?,
            id: field("id", wire.id)?,
            lifetime: Duration::from_millis(wire.lifetime_milliseconds),
            expires: Wall(wire.expires_milliseconds),
        })
    }
}

impl Field<wire::RefreshRequest> for RefreshNode {
    fn onto_wire(self) -> wire::RefreshRequest {
        wire::RefreshRequest {
            name: self.name,
            sections: self.sections.onto_wire(),
            measures: self.measures.onto_wire(),
            deadline_milliseconds: milliseconds(self.deadline),
        }
    }

    fn from_wire(wire: wire::RefreshRequest) -> Result<Self, BadField> {
        Ok(Self {
            name: field("name", wire.name)?,
            sections: field("sections", wire.sections)?,
            measures: field("measures", wire.measures)?,
            deadline: Duration::from_millis(wire.deadline_milliseconds),
        })
    }
}

impl Field<wire::NothingRequest> for Nothing {
    fn onto_wire(self) -> wire::NothingRequest {
        wire::NothingRequest {}
    }

    fn from_wire(_: wire::NothingRequest) -> Result<Self, BadField> {
        Ok(Self)
    }
}

/// A document is not a fact: its size is bounded by the message's.
impl Field<wire::Document> for Document {
    fn onto_wire(self) -> wire::Document {
        wire::Document { json: self.json.into() }
    }

    fn from_wire(wire: wire::Document) -> Result<Self, BadField> {
        Ok(Self { json: wire.json.into() })
    }
}

/// Types that are a whole message by themselves.
macro_rules! messages {
    ($($model:path => $message:path),+ $(,)?) => {$(
        impl OnWire for $model {
            type Message = $message;

            fn into_message(self) -> $message {
                self.onto_wire()
            }

            fn from_message(message: $message) -> Result<Self, BadField> {
                Self::from_wire(message)
            }
        }
    )+};
}

pub(super) use messages;

messages!(
    Enrol => wire::EnrolRequest, Renew => wire::RenewRequest, Rejoin => wire::RejoinRequest, Enrolled => wire::Enrolled,
    Read => wire::ReadRequest, Document => wire::Document, CreateToken => wire::CreateTokenRequest,
    CreatedToken => wire::CreatedToken, RevokeToken => wire::RevokeTokenRequest, Approve => wire::ApproveRequest,
    RenameNode => wire::RenameRequest, NameNode => wire::NodeRequest, Nothing => wire::NothingRequest,
    RefreshNode => wire::RefreshRequest, Done => wire::Done,
);
