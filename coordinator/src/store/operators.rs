//! Operators: people's keys, let in by a token like nodes, renewed while in use.

use coord_model::Wall;
use rusqlite::{Connection, Row};

use super::{
    Database, StoreError,
    database::Writing,
    enrolment::{self, EnrolRefusal},
    names,
    nodes::{CertificateRecord, NodeRefusal},
    rejoin::RejoinRefusal,
    revocations::{self, Revocation},
    tokens::{self, TokenGrant, TokenRole},
};

/// One operator's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Hash of the public key.
    pub key_id: String,
    /// The name, unique among operators that are not revoked.
    pub name: String,
    /// When the key got in.
    pub enrolled: Wall,
    /// Its newest certificate.
    pub certificate: CertificateRecord,
    /// When it was revoked.
    pub revoked_at: Option<Wall>,
    /// Version of the coordctl that enrolled.
    pub version: String,
}

/// An operator who is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmittedOperator {
    /// The row.
    pub operator: Operator,
    /// The key that lost the name, if the token replaces.
    pub replaced: Option<Operator>,
}

/// Lets an operator in. The token's name goes before `name`.
///
/// # Errors
/// Why not; then nothing has changed.
pub fn enrol(
    database: &mut Database,
    grant: &TokenGrant,
    name: &str,
    version: &str,
    certificate: &CertificateRecord,
    now: Wall,
) -> Result<AdmittedOperator, EnrolRefusal> {
    database.write(|writing| {
        let grant = tokens::decide_again(&writing.sql, grant, now)?;
        enrolment::expect_role(&grant, TokenRole::Operator)?;
        if revocations::has(&writing.sql, &grant.key_id)? {
            return Err(EnrolRefusal::KeyRevoked);
        }
        let name = grant.name.clone().unwrap_or_else(|| name.to_owned());
        names::check(&name)?;
        let holder = holder(&writing.sql, &name)?.filter(|holder| holder.key_id != grant.key_id);
        if holder.is_some() && !grant.replace {
            return Err(EnrolRefusal::NameTaken { name });
        }
        let replaced = holder.map(|holder| revoke_row(writing, holder, now)).transpose()?;
        tokens::consume(&writing.sql, &grant, &name, now)?;
        let key_id = grant.key_id;
        let enrolled = find(&writing.sql, &key_id)?.map_or(now, |before| before.enrolled);
        let certificate = certificate.clone();
        let operator = Operator { key_id, name, enrolled, certificate, revoked_at: None, version: version.into() };
        put(&writing.sql, &operator)?;
        Ok(AdmittedOperator { operator, replaced })
    })
}

/// Stores the certificate that an operator gets for the one in use.
///
/// # Errors
/// When the key is not known or revoked, or the store cannot be written.
pub fn renew(
    database: &mut Database,
    key_id: &str,
    certificate: &CertificateRecord,
) -> Result<Operator, RejoinRefusal> {
    database.write(|writing| {
        if revocations::has(&writing.sql, key_id)? {
            return Err(RejoinRefusal::Revoked);
        }
        let operator = find(&writing.sql, key_id)?.ok_or(RejoinRefusal::Unknown)?;
        let operator = Operator { certificate: certificate.clone(), ..operator };
        put(&writing.sql, &operator)?;
        Ok(operator)
    })
}

/// Every operator, revoked ones too, in the order of their names.
///
/// # Errors
/// When the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<Operator>, StoreError> {
    select(database.sql(), "1 ORDER BY name, key_id", "")
}

/// The operator with this key, even if revoked.
///
/// # Errors
/// When the store cannot be read.
pub fn by_key(database: &Database, key_id: &str) -> Result<Option<Operator>, StoreError> {
    find(database.sql(), key_id)
}

/// Revokes the key of the operator `name`.
///
/// # Errors
/// When there is no such operator, or the store cannot be written.
pub fn revoke(database: &mut Database, name: &str, now: Wall) -> Result<Operator, NodeRefusal> {
    database.write(|writing| {
        let found = holder(&writing.sql, name)?;
        let operator = found.ok_or_else(|| NodeRefusal::NoSuchNode { name: coord_model::clean(name) })?;
        Ok(revoke_row(writing, operator, now)?)
    })
}

fn revoke_row(writing: &mut Writing<'_>, operator: Operator, now: Wall) -> Result<Operator, StoreError> {
    let serial = operator.certificate.serial.clone();
    revocations::add(writing, Revocation { key_id: operator.key_id.clone(), serial, time: now })?;
    Ok(Operator { revoked_at: Some(now), ..operator })
}

fn holder(sql: &Connection, name: &str) -> Result<Option<Operator>, StoreError> {
    Ok(select(sql, "name = ?1 AND revoked_at IS NULL", name)?.pop())
}

fn find(sql: &Connection, key_id: &str) -> Result<Option<Operator>, StoreError> {
    Ok(select(sql, "key_id = ?1", key_id)?.pop())
}

fn put(sql: &Connection, operator: &Operator) -> Result<(), StoreError> {
    sql.execute(
        "INSERT INTO operators (key_id, name, enrolled, certificate_serial, certificate_expires, revoked_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (key_id) DO UPDATE SET name = ?2, certificate_serial = ?4, certificate_expires = ?5,
                     revoked_at = ?6, version = ?7",
        (
            &operator.key_id,
            &operator.name,
            operator.enrolled.0,
            &operator.certificate.serial,
            operator.certificate.expires.0,
            operator.revoked_at.map(|time| time.0),
            &operator.version,
        ),
    )?;
    Ok(())
}

fn select(sql: &Connection, condition: &str, argument: &str) -> Result<Vec<Operator>, StoreError> {
    let columns = "key_id, name, enrolled, certificate_serial, certificate_expires, revoked_at, version";
    // `?1 = ?1` lets conditions without an argument take one.
    let question = format!("SELECT {columns} FROM operators WHERE ?1 = ?1 AND {condition}");
    let mut statement = sql.prepare(&question)?;
    let rows = statement.query_map([argument], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Operator> {
    Ok(Operator {
        key_id: row.get(0)?,
        name: row.get(1)?,
        enrolled: Wall(row.get(2)?),
        certificate: CertificateRecord { serial: row.get(3)?, expires: Wall(row.get(4)?) },
        revoked_at: row.get::<_, Option<i64>>(5)?.map(Wall),
        version: row.get(6)?,
    })
}
