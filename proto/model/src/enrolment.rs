//! What is said outside a session: getting, renewing and changing identities.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use crate::{MachineEvidence, Measure, SectionKind, Wall};

/// Asks for an identity with a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrol {
    /// The token's public half.
    pub token_id: Vec<u8>,
    /// The token's secret half.
    pub secret: Vec<u8>,
    /// A PKCS #10 request, DER; its own signature proves that the caller has the key.
    pub request: Vec<u8>,
    /// The name that the machine would like; the token's own name goes first.
    pub name: String,
    /// What the machine shows of itself.
    pub evidence: MachineEvidence,
    /// The caller's version.
    pub version: String,
}

/// A fresh identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolled {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// The authority's certificate, DER.
    pub authority: Vec<u8>,
    /// The name that was given.
    pub name: String,
    /// The node's id, or the operator's name.
    pub id: String,
    /// Lets an expired identity return; empty for operators.
    pub credential: Vec<u8>,
    /// Where coordinators listen, best first.
    pub coordinators: Vec<String>,
    /// How long the certificate lives from now on the receiver's boot clock.
    pub lifetime: Duration,
    /// When it ends by the coordinator's clock, for people.
    pub expires: Wall,
}

/// Asks for a new certificate for the key of the calling certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renew {
    /// A PKCS #10 request, DER, by the same key.
    pub request: Vec<u8>,
}

/// Asks for a new certificate with an expired one's key and the rejoin credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejoin {
    /// A PKCS #10 request, DER, by the same key.
    pub request: Vec<u8>,
    /// The newest credential.
    pub credential: Vec<u8>,
    /// What the machine shows of itself.
    pub evidence: MachineEvidence,
    /// The caller's version.
    pub version: String,
}

/// Makes a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateToken {
    /// The node or operator that it is for; empty lets the machine choose.
    pub name: String,
    /// How long it is good; zero for the default of 15 min.
    pub lifetime: Duration,
    /// For an operator instead of a node.
    pub operator: bool,
    /// The new machine takes the name; the old key is revoked when it does.
    pub replace: bool,
}

/// A token, shown once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreatedToken {
    /// The whole token.
    pub token: String,
    /// Its public half, for `token revoke`.
    pub id: String,
    /// How long it is good.
    pub lifetime: Duration,
    /// Until when, by the coordinator's clock.
    pub expires: Wall,
}

/// Revokes a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevokeToken {
    /// Its public half, or the start of it.
    pub id: String,
}

/// Approves pending nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approve {
    /// The node; empty with `all_known`.
    pub name: String,
    /// Exactly those that have a valid certificate but no row, after a restore.
    pub all_known: bool,
}

/// Names one node for a verb that needs nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameNode {
    /// Which one.
    pub name: String,
}

/// Gives a node another name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenameNode {
    /// The old name.
    pub name: String,
    /// The new one.
    pub new_name: String,
}

/// Asks a node to read sections again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefreshNode {
    /// Which node.
    pub name: String,
    /// Which sections; all when empty.
    pub sections: Vec<SectionKind>,
    /// What is measured for it.
    pub measures: Vec<Measure>,
    /// How long to wait for it; zero for 10 s.
    pub deadline: Duration,
}

/// A verb was carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// One sentence for people.
    pub message: String,
}

/// Asks for something that needs no words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nothing;
