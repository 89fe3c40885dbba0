//! Nodes: a row a key, with what the machine showed of itself and whether somebody must approve it.

use coord_model::{MachineEvidence, Wall};
use rusqlite::{Connection, Row};

use super::{
    Database, StoreError,
    database::Writing,
    error::store_failure,
    names::{self, InvalidName},
    revocations::{self, Revocation},
};

/// Why a node is connected but gets nothing until `coordctl node approve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingReason {
    /// It has a valid certificate, but the store (restored from an older backup) did not know it.
    CertificateOnly,
    /// Its machine-id or DMI UUID is not the one it enrolled with.
    EvidenceChanged,
    /// It came back after its rejoin credential had run out.
    CredentialExpired,
}

impl PendingReason {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateOnly => "certificate-only",
            Self::EvidenceChanged => "evidence-changed",
            Self::CredentialExpired => "credential-expired",
        }
    }

    /// The same in a sentence for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::CertificateOnly => "has a valid certificate, but the store does not know it",
            Self::EvidenceChanged => "shows another machine-id or DMI UUID than the machine that enrolled",
            Self::CredentialExpired => "was away for longer than its rejoin credential lives",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::CertificateOnly, Self::EvidenceChanged, Self::CredentialExpired]
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| StoreError::Unreadable { what: format!("reason {text:?} of a pending node") })
    }
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    /// Its serial number, in lower-case hexadecimal.
    pub serial: String,
    /// When it ends.
    pub expires: Wall,
}

/// A rejoin credential that was issued; only its hash is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRecord {
    /// [`super::tokens::hash`] of it.
    pub hash: [u8; 32],
    /// Until when it lets an expired identity return by itself.
    pub expires: Wall,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Hash of its public key.
    pub id: String,
    /// Its name, unique among nodes that are not revoked.
    pub name: String,
    /// What the machine last showed of itself.
    pub evidence: MachineEvidence,
    /// When it got in.
    pub enrolled: Wall,
    /// Why it waits for approval, if it does.
    pub pending: Option<PendingReason>,
    /// Its newest certificate.
    pub certificate: CertificateRecord,
    /// When its key was revoked.
    pub revoked_at: Option<Wall>,
    /// Version of its agent; empty before its first session.
    pub agent_version: String,
    /// Whether being away is normal for it (`availability: sometimes`).
    pub sometimes: bool,
}

/// Why a verb about a node was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NodeRefusal {
    /// Nobody has the name.
    #[error("there is no node {name:?} (hint: `coordctl get nodes` lists them)")]
    NoSuchNode {
        /// What was typed.
        name: String,
    },
    /// Somebody else has the name.
    #[error("the name {name:?} belongs to another node (hint: choose another, or revoke that one first)")]
    NameTaken {
        /// Which name.
        name: String,
    },
    /// The name breaks the rules.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
store_failure!(NodeRefusal);

/// Every node, revoked ones too, in the order of their names.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<Node>, StoreError> {
    select(database.sql(), "1 ORDER BY name, id", "")
}

/// The node with this id, even if revoked.
///
/// # Errors
/// When the store cannot be read.
pub fn by_id(database: &Database, id: &str) -> Result<Option<Node>, StoreError> {
    find(database.sql(), id)
}

/// The node with this name; one that is not revoked goes first.
///
/// # Errors
/// When there is none, or the store cannot be read.
pub fn by_name(database: &Database, name: &str) -> Result<Node, NodeRefusal> {
    named(database.sql(), name)
}

/// Ends the wait of the node `name`. One that does not wait stays as it is.
///
/// # Errors
/// When there is no such node, or the store cannot be written.
pub fn approve(database: &mut Database, name: &str) -> Result<Node, NodeRefusal> {
    database.write(|writing| {
        let node = named(&writing.sql, name)?;
        writing.sql.execute("UPDATE nodes SET pending = NULL WHERE id = ?1", [&node.id])?;
        Ok(Node { pending: None, ..node })
    })
}

/// Ends the wait of exactly those nodes that had a valid certificate and no row.
///
/// # Errors
/// When the store cannot be written.
pub fn approve_all_known(database: &mut Database) -> Result<Vec<Node>, StoreError> {
    database.write(|writing| {
        let reason = PendingReason::CertificateOnly.as_str();
        let found = select(&writing.sql, "pending = ?1 AND revoked_at IS NULL ORDER BY name", reason)?;
        writing.sql.execute("UPDATE nodes SET pending = NULL WHERE pending = ?1 AND revoked_at IS NULL", [reason])?;
        Ok(found.into_iter().map(|node| Node { pending: None, ..node }).collect())
    })
}

/// Gives the node `name` another name.
///
/// # Errors
/// When there is no such node, the new name is taken or breaks the rules, or the store cannot be written.
pub fn rename(database: &mut Database, name: &str, new_name: &str) -> Result<Node, NodeRefusal> {
    names::check(new_name)?;
    database.write(|writing| {
        let node = named(&writing.sql, name)?;
        if holder(&writing.sql, new_name)?.is_some_and(|other| other.id != node.id) {
            return Err(NodeRefusal::NameTaken { name: new_name.into() });
        }
        writing.sql.execute("UPDATE nodes SET name = ?2 WHERE id = ?1", (&node.id, new_name))?;
        Ok(Node { name: new_name.into(), ..node })
    })
}

/// Revokes the key of the node `name`; its row stays, to be seen. Again is no change.
///
/// # Errors
/// When there is no such node, or the store cannot be written.
pub fn revoke(database: &mut Database, name: &str, now: Wall) -> Result<Node, NodeRefusal> {
    database.write(|writing| {
        let node = named(&writing.sql, name)?;
        Ok(revoke_row(writing, node, now)?)
    })
}

/// Drops the identity of the node `name`: its key is revoked and its row goes.
///
/// # Errors
/// When there is no such node, or the store cannot be written.
pub fn forget(database: &mut Database, name: &str, now: Wall) -> Result<Node, NodeRefusal> {
    database.write(|writing| {
        let node = named(&writing.sql, name)?;
        let node = revoke_row(writing, node, now)?;
        writing.sql.execute("DELETE FROM nodes WHERE id = ?1", [&node.id])?;
        writing.sql.execute("DELETE FROM generations WHERE node = ?1", [&node.id])?;
        Ok(node)
    })
}

/// Says whether being away is normal for a node.
///
/// # Errors
/// When there is no such node, or the store cannot be written.
pub fn set_sometimes(database: &mut Database, name: &str, sometimes: bool) -> Result<Node, NodeRefusal> {
    database.write(|writing| {
        let node = named(&writing.sql, name)?;
        let word = if sometimes { "sometimes" } else { "always" };
        writing.sql.execute("UPDATE nodes SET availability = ?2 WHERE id = ?1", (&node.id, word))?;
        Ok(Node { sometimes, ..node })
    })
}

/// Revokes a node inside a transaction, unless it is revoked already.
pub(super) fn revoke_row(writing: &mut Writing<'_>, node: Node, now: Wall) -> Result<Node, StoreError> {
    if node.revoked_at.is_some() {
        return Ok(node);
    }
    let serial = node.certificate.serial.clone();
    revocations::add(writing, Revocation { key_id: node.id.clone(), serial, time: now })?;
    Ok(Node { revoked_at: Some(now), ..node })
}

/// The unrevoked node that has the name.
pub(super) fn holder(sql: &Connection, name: &str) -> Result<Option<Node>, StoreError> {
    Ok(select(sql, "name = ?1 AND revoked_at IS NULL", name)?.pop())
}

fn named(sql: &Connection, name: &str) -> Result<Node, NodeRefusal> {
    // Newest revocation last, no revocation at the very end, and the last one is taken.
    let found = select(sql, "name = ?1 ORDER BY revoked_at IS NULL, revoked_at, id", name)?.pop();
    found.ok_or_else(|| NodeRefusal::NoSuchNode { name: coord_model::clean(name) })
}

pub(super) fn find(sql: &Connection, id: &str) -> Result<Option<Node>, StoreError> {
    Ok(select(sql, "id = ?1", id)?.pop())
}

/// Writes a whole row, over an older one of the same key.
pub(super) fn put(sql: &Connection, node: &Node) -> Result<(), StoreError> {
    sql.execute(
        "INSERT INTO nodes (id, name, evidence, enrolled, pending, certificate_serial, certificate_expires,
                            revoked_at, agent_version, availability)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (id) DO UPDATE SET name = ?2, evidence = ?3, pending = ?5, certificate_serial = ?6,
                            certificate_expires = ?7, revoked_at = ?8, agent_version = ?9, availability = ?10",
        (
            &node.id,
            &node.name,
            evidence_text(&node.evidence)?,
            node.enrolled.0,
            node.pending.map(PendingReason::as_str),
            &node.certificate.serial,
            node.certificate.expires.0,
            node.revoked_at.map(|time| time.0),
            &node.agent_version,
            if node.sometimes { "sometimes" } else { "always" },
        ),
    )?;
    Ok(())
}

fn evidence_text(evidence: &MachineEvidence) -> Result<String, StoreError> {
    serde_json::to_string(evidence).map_err(|error| StoreError::Unreadable { what: format!("evidence ({error})") })
}

fn select(sql: &Connection, condition: &str, argument: &str) -> Result<Vec<Node>, StoreError> {
    let columns = "id, name, evidence, enrolled, pending, certificate_serial, certificate_expires, revoked_at, \
                   agent_version, availability";
    // `?1 = ?1` lets conditions without an argument take one.
    let mut statement = sql.prepare(&format!("SELECT {columns} FROM nodes WHERE ?1 = ?1 AND {condition}"))?;
    let rows = statement.query_map([argument], |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

fn read(row: &Row<'_>) -> Result<Node, StoreError> {
    let evidence: String = row.get(2)?;
    let unreadable = |error| StoreError::Unreadable { what: format!("evidence of a node ({error})") };
    let pending: Option<String> = row.get(4)?;
    let availability: String = row.get(9)?;
    Ok(Node {
        id: row.get(0)?,
        name: row.get(1)?,
        evidence: serde_json::from_str(&evidence).map_err(unreadable)?,
        enrolled: Wall(row.get(3)?),
        pending: pending.as_deref().map(PendingReason::parse).transpose()?,
        certificate: CertificateRecord { serial: row.get(5)?, expires: Wall(row.get(6)?) },
        revoked_at: row.get::<_, Option<i64>>(7)?.map(Wall),
        agent_version: row.get(8)?,
        sometimes: availability == "sometimes",
    })
}
