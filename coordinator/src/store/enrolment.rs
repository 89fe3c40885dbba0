//! Enrolment of a node: one transaction that refuses everything it must before it consumes the token.

use coord_model::{MachineEvidence, Wall};

use super::{
    Database, StoreError,
    error::store_failure,
    names::{self, InvalidName},
    nodes::{self, CertificateRecord, CredentialRecord, Node, PendingReason},
    rejoin, revocations,
    tokens::{self, TokenGrant, TokenRefusal, TokenRole},
};

/// A node that wants in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// What its token allows; says the key, too.
    pub grant: TokenGrant,
    /// The name that it would like; the token's own goes first.
    pub name: String,
    /// What the machine shows of itself.
    pub evidence: MachineEvidence,
    /// The agent's version.
    pub version: String,
    /// The certificate that it will get.
    pub certificate: CertificateRecord,
    /// The rejoin credential that it will get.
    pub credential: CredentialRecord,
}

/// A node that is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Its row.
    pub node: Node,
    /// The node that lost its name and identity to it, if the token replaces.
    pub replaced: Option<Node>,
    /// Whether it was in already and only its reply was lost.
    pub repeated: bool,
}

/// Why somebody is not let in. Nothing was consumed.
#[derive(Debug, thiserror::Error)]
pub enum EnrolRefusal {
    /// The token is not good.
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    /// A node's token was shown by an operator, or the other way round.
    #[error("token {id} is for {} (hint: `coordctl token create{}`)", for_whom(*.role), flag(*.role))]
    WrongRole {
        /// The token.
        id: String,
        /// What it gives.
        role: TokenRole,
    },
    /// Somebody else has the name.
    #[error(
        "the name {name:?} belongs to another identity (hint: choose another with --name, or make a token with `coordctl token create --node {name} --replace`)"
    )]
    NameTaken {
        /// Which name.
        name: String,
    },
    /// The name breaks the rules.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// This key was revoked.
    #[error("this key was revoked (hint: run `coord-agent leave`, then join with a new token)")]
    KeyRevoked,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
store_failure!(EnrolRefusal);

const fn for_whom(role: TokenRole) -> &'static str {
    match role {
        TokenRole::Node => "a node, not for an operator",
        TokenRole::Operator => "an operator, not for a node",
    }
}

/// What makes the right token instead.
const fn flag(role: TokenRole) -> &'static str {
    match role {
        TokenRole::Node => " --operator",
        TokenRole::Operator => "",
    }
}

/// Lets a node in. The answer may be sent as soon as this returns: everything is on disk.
///
/// # Errors
/// Why it is not let in; then nothing has changed.
pub fn enrol(database: &mut Database, enrolment: &Enrolment, now: Wall) -> Result<Admitted, EnrolRefusal> {
    database.write(|writing| {
        let grant = tokens::decide_again(&writing.sql, &enrolment.grant, now)?;
        expect_role(&grant, TokenRole::Node)?;
        if revocations::has(&writing.sql, &grant.key_id)? {
            return Err(EnrolRefusal::KeyRevoked);
        }
        let before = nodes::find(&writing.sql, &grant.key_id)?;
        let name = chosen_name(&grant, before.as_ref(), &enrolment.name)?;
        let holder = nodes::holder(&writing.sql, &name)?.filter(|holder| holder.id != grant.key_id);
        if holder.is_some() && !grant.replace {
            return Err(EnrolRefusal::NameTaken { name });
        }
        let replaced = holder.map(|holder| nodes::revoke_row(writing, holder, now)).transpose()?;
        tokens::consume(&writing.sql, &grant, &name, now)?;
        let repeated = before.is_some();
        let node = admitted(&Enrolment { grant, ..enrolment.clone() }, name, before, now);
        nodes::put(&writing.sql, &node)?;
        rejoin::add_credential(&writing.sql, &node.id, &enrolment.credential, &node.certificate.serial)?;
        Ok(Admitted { node, replaced, repeated })
    })
}

pub(super) fn expect_role(grant: &TokenGrant, wanted: TokenRole) -> Result<(), EnrolRefusal> {
    if grant.role == wanted {
        return Ok(());
    }
    Err(EnrolRefusal::WrongRole { id: grant.id.clone(), role: grant.role })
}

/// The token's name, else the one that the same key has already, else the one asked for.
fn chosen_name(grant: &TokenGrant, before: Option<&Node>, asked: &str) -> Result<String, InvalidName> {
    let name = match (&grant.name, before) {
        // A repeat must not undo a `coordctl node rename` in between.
        (_, Some(node)) if grant.repeated => &node.name,
        (Some(name), _) => name,
        (None, Some(node)) => &node.name,
        (None, None) => asked,
    };
    names::check(name)?;
    Ok(name.to_owned())
}

/// A repeat shows no less than before: one failed read must not open the door to another machine.
fn evidence(enrolment: &Enrolment, before: Option<&Node>) -> MachineEvidence {
    match before.filter(|_| enrolment.grant.repeated) {
        Some(before) => rejoin::kept(&before.evidence, &enrolment.evidence),
        None => enrolment.evidence.clone(),
    }
}

fn still_pending(enrolment: &Enrolment, before: Option<&Node>) -> Option<PendingReason> {
    let before = before.filter(|_| enrolment.grant.repeated)?;
    let changed = rejoin::fingerprint_changed(&before.evidence, &enrolment.evidence);
    before.pending.or(changed.then_some(PendingReason::EvidenceChanged))
}

/// The row; a token is somebody's approval, so the node does not wait for one. A repeat is no second approval: what
/// waits goes on waiting, and another machine with the same key begins to.
fn admitted(enrolment: &Enrolment, name: String, before: Option<Node>, now: Wall) -> Node {
    Node {
        id: enrolment.grant.key_id.clone(),
        name,
        evidence: evidence(enrolment, before.as_ref()),
        enrolled: before.as_ref().map_or(now, |node| node.enrolled),
        pending: still_pending(enrolment, before.as_ref()),
        certificate: enrolment.certificate.clone(),
        revoked_at: None,
        agent_version: enrolment.version.clone(),
        sometimes: before.is_some_and(|node| node.sometimes),
    }
}
