//! How a node that is in stays in: renewal, the return of an expired identity, and what its Hello shows.

use coord_model::{MachineEvidence, Wall};
use rusqlite::{Connection, OptionalExtension};

use super::{
    Database, StoreError,
    error::store_failure,
    meta, names,
    nodes::{self, CertificateRecord, CredentialRecord, Node, PendingReason},
    revocations, tokens,
};

/// So many credentials of a node are good at once: replies get lost, and it is not known which one the agent has.
/// Those older than one that the agent has proved to hold are dropped at once.
const KEPT_CREDENTIALS: u32 = 16;

/// An expired identity that wants to return. Its request for a certificate has proved its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// The id of its key.
    pub key_id: String,
    /// The credential that it shows.
    pub credential: Vec<u8>,
    /// What the machine shows of itself.
    pub evidence: MachineEvidence,
    /// The agent's version.
    pub version: String,
    /// The certificate that it will get.
    pub certificate: CertificateRecord,
    /// The credential that it will get.
    pub next_credential: CredentialRecord,
}

/// Why an identity cannot return or be renewed.
#[derive(Debug, thiserror::Error)]
pub enum RejoinRefusal {
    /// The store does not know the key.
    #[error("this identity is not known here (hint: join with a new token from `coordctl token create`)")]
    Unknown,
    /// The key was revoked.
    #[error("this identity was revoked (hint: run `coord-agent leave`, then join with a new token)")]
    Revoked,
    /// The credential is not one that was given to this key.
    #[error(
        "the rejoin credential is not the one of this identity (hint: join with a new token from `coordctl token create`)"
    )]
    WrongCredential,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
store_failure!(RejoinRefusal);

/// What a Hello changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The row as it is now.
    pub node: Node,
    /// Whether this Hello made the node wait for approval.
    pub newly_pending: bool,
}

/// Stores the certificate and the credential that a node gets for the one it has.
///
/// # Errors
/// When the identity is not known or revoked, or the store cannot be written.
pub fn renew(
    database: &mut Database,
    key_id: &str,
    certificate: &CertificateRecord,
    credential: &CredentialRecord,
) -> Result<Node, RejoinRefusal> {
    database.write(|writing| {
        let node = known(&writing.sql, key_id)?;
        let node = Node { certificate: certificate.clone(), ..node };
        nodes::put(&writing.sql, &node)?;
        add_credential(&writing.sql, key_id, credential, &certificate.serial)?;
        Ok(node)
    })
}

/// Lets an expired identity return. It waits for approval when its credential ran out or its fingerprint changed.
///
/// # Errors
/// Why it cannot return; then nothing has changed.
pub fn rejoin(database: &mut Database, wish: &Return, now: Wall) -> Result<Seen, RejoinRefusal> {
    database.write(|writing| {
        let node = known(&writing.sql, &wish.key_id)?;
        let expires = prove_credential(&writing.sql, &wish.key_id, &wish.credential)?;
        let reason = reason_to_wait(&node.evidence, &wish.evidence, expires, now);
        let newly_pending = reason.is_some() && node.pending.is_none();
        let node = Node {
            pending: node.pending.or(reason),
            evidence: kept(&node.evidence, &wish.evidence),
            agent_version: wish.version.clone(),
            certificate: wish.certificate.clone(),
            ..node
        };
        nodes::put(&writing.sql, &node)?;
        add_credential(&writing.sql, &wish.key_id, &wish.next_credential, &wish.certificate.serial)?;
        Ok(Seen { node, newly_pending })
    })
}

/// Notes what a Hello shows, and writes only when something changed. `serial` is that of the certificate in use: the
/// agent has got the reply that carried it, so older credentials are dropped. Another fingerprint makes the node wait.
///
/// # Errors
/// When the identity is not known or revoked, or the store cannot be written.
pub fn seen(
    database: &mut Database,
    key_id: &str,
    serial: &str,
    version: &str,
    evidence: &MachineEvidence,
) -> Result<Seen, RejoinRefusal> {
    let node = known(database.sql(), key_id)?;
    let changed = fingerprint_changed(&node.evidence, evidence);
    let newly_pending = changed && node.pending.is_none();
    let pending = node.pending.or(changed.then_some(PendingReason::EvidenceChanged));
    let evidence = kept(&node.evidence, evidence);
    let next = Node { pending, evidence, agent_version: version.into(), ..node.clone() };
    let older = credentials_before(database.sql(), key_id, serial)?;
    if next != node || older {
        database.write(|writing| -> Result<(), StoreError> {
            drop_credentials_before(&writing.sql, key_id, serial)?;
            nodes::put(&writing.sql, &next)
        })?;
    }
    Ok(Seen { node: next, newly_pending })
}

/// Makes a row for a node that shows a valid certificate but has none: the store was restored from an older backup.
/// It waits for approval. A node that has a row keeps it.
///
/// # Errors
/// When the key is revoked, or the store cannot be written.
pub fn known_by_certificate(
    database: &mut Database,
    key_id: &str,
    certificate: &CertificateRecord,
    version: &str,
    evidence: &MachineEvidence,
    now: Wall,
) -> Result<Seen, RejoinRefusal> {
    database.write(|writing| {
        if revocations::has(&writing.sql, key_id)? {
            return Err(RejoinRefusal::Revoked);
        }
        if let Some(node) = nodes::find(&writing.sql, key_id)? {
            return Ok(Seen { node, newly_pending: false });
        }
        let node = Node {
            id: key_id.into(),
            name: free_name(&writing.sql, &evidence.host_name, key_id)?,
            evidence: evidence.clone(),
            enrolled: now,
            pending: Some(PendingReason::CertificateOnly),
            certificate: certificate.clone(),
            revoked_at: None,
            agent_version: version.into(),
            sometimes: false,
        };
        nodes::put(&writing.sql, &node)?;
        Ok(Seen { node, newly_pending: true })
    })
}

/// The host's name, with the start of the key's id behind it when another node has that name.
fn free_name(sql: &Connection, host: &str, key_id: &str) -> Result<String, StoreError> {
    let start: String = key_id.chars().take(8).collect();
    let name = names::from_host(host);
    if name.is_empty() {
        return Ok(format!("node-{start}"));
    }
    if nodes::holder(sql, &name)?.is_none() {
        return Ok(name);
    }
    let short: String = name.chars().take(50).collect();
    Ok(format!("{}-{start}", short.trim_end_matches(['-', '.'])))
}

fn known(sql: &Connection, key_id: &str) -> Result<Node, RejoinRefusal> {
    if revocations::has(sql, key_id)? {
        return Err(RejoinRefusal::Revoked);
    }
    let node = nodes::find(sql, key_id)?.ok_or(RejoinRefusal::Unknown)?;
    if node.revoked_at.is_some() { Err(RejoinRefusal::Revoked) } else { Ok(node) }
}

fn reason_to_wait(
    before: &MachineEvidence,
    now_shown: &MachineEvidence,
    credential_expires: Wall,
    now: Wall,
) -> Option<PendingReason> {
    if fingerprint_changed(before, now_shown) {
        return Some(PendingReason::EvidenceChanged);
    }
    (credential_expires <= now).then_some(PendingReason::CredentialExpired)
}

/// Whether the machine is another one: compared only where both sides have a value, since the DMI UUID needs root and
/// reading the machine-id may fail.
pub(super) fn fingerprint_changed(before: &MachineEvidence, after: &MachineEvidence) -> bool {
    let differs = |before: &str, after: &str| !before.is_empty() && !after.is_empty() && before != after;
    differs(&before.machine_id, &after.machine_id) || differs(&before.dmi_uuid, &after.dmi_uuid)
}

/// What the machine shows now, and what it showed before where it shows nothing now: one failed read must not open the
/// door to another machine.
pub(super) fn kept(before: &MachineEvidence, now_shown: &MachineEvidence) -> MachineEvidence {
    let or =
        |now_shown: &String, before: &String| if now_shown.is_empty() { before.clone() } else { now_shown.clone() };
    MachineEvidence {
        machine_id: or(&now_shown.machine_id, &before.machine_id),
        dmi_uuid: or(&now_shown.dmi_uuid, &before.dmi_uuid),
        macs: if now_shown.macs.is_empty() { before.macs.clone() } else { now_shown.macs.clone() },
        host_name: or(&now_shown.host_name, &before.host_name),
    }
}

/// Adds a credential and drops all but the newest few of the node.
pub(super) fn add_credential(
    sql: &Connection,
    node: &str,
    credential: &CredentialRecord,
    serial: &str,
) -> Result<(), StoreError> {
    sql.execute(
        "INSERT INTO credentials (node, hash, serial, expires) VALUES (?1, ?2, ?3, ?4)",
        (node, credential.hash, serial, credential.expires.0),
    )?;
    sql.execute(
        "DELETE FROM credentials WHERE node = ?1 AND sequence NOT IN
             (SELECT sequence FROM credentials WHERE node = ?1 ORDER BY sequence DESC LIMIT ?2)",
        (node, KEPT_CREDENTIALS),
    )?;
    Ok(())
}

/// Finds the credential, drops older ones, and says until when it is good.
fn prove_credential(sql: &Connection, node: &str, credential: &[u8]) -> Result<Wall, RejoinRefusal> {
    let found: Option<(i64, i64)> = sql
        .query_row(
            "SELECT sequence, expires FROM credentials WHERE node = ?1 AND hash = ?2",
            (node, tokens::hash(credential)),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((sequence, expires)) = found else {
        return unknown_credential(sql);
    };
    sql.execute("DELETE FROM credentials WHERE node = ?1 AND sequence < ?2", (node, sequence))?;
    Ok(Wall(expires))
}

/// A credential that was never given here. After a restore it may be one that was given after the backup: the key is
/// proved, so the node may return and waits for approval as if its credential had run out.
fn unknown_credential(sql: &Connection) -> Result<Wall, RejoinRefusal> {
    match meta::number::<u64>(sql, "epoch")? {
        Some(epoch) if epoch > 1 => Ok(Wall(i64::MIN)),
        Some(_) | None => Err(RejoinRefusal::WrongCredential),
    }
}

const BEFORE: &str = "node = ?1 AND sequence <
    (SELECT sequence FROM credentials WHERE node = ?1 AND serial = ?2 ORDER BY sequence DESC LIMIT 1)";

fn credentials_before(sql: &Connection, node: &str, serial: &str) -> Result<bool, StoreError> {
    let question = format!("SELECT EXISTS (SELECT 1 FROM credentials WHERE {BEFORE})");
    Ok(sql.query_row(&question, (node, serial), |row| row.get(0))?)
}

fn drop_credentials_before(sql: &Connection, node: &str, serial: &str) -> Result<(), StoreError> {
    sql.execute(&format!("DELETE FROM credentials WHERE {BEFORE}"), (node, serial))?;
    Ok(())
}
