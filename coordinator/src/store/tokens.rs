//! Tokens: made by people, shown once by one machine, bound to the first key that shows them.

use coord_model::{TokenState, Wall};
use ring::digest;
use rusqlite::{Connection, Row};

use super::{Database, StoreError, error::store_failure};

/// This many wrong secrets lock a token's id.
pub const WRONG_SECRETS: u32 = 5;

/// How long a token that is over stays in the list.
const KEPT: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

/// What a token gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRole {
    /// The identity of a node.
    Node,
    /// The identity of an operator.
    Operator,
}

impl TokenRole {
    /// `node` or `operator`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Operator => "operator",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        match text {
            "node" => Ok(Self::Node),
            "operator" => Ok(Self::Operator),
            other => Err(StoreError::Unreadable { what: format!("token role {other:?}") }),
        }
    }
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Its public half as text.
    pub id: String,
    /// [`hash`] of its secret half.
    pub secret_hash: [u8; 32],
    /// What it gives.
    pub role: TokenRole,
    /// For whom; the machine may choose when there is none.
    pub name: Option<String>,
    /// Its user takes the name from whoever has it.
    pub replace: bool,
    /// Now.
    pub created: Wall,
    /// Until when it is good.
    pub expires: Wall,
    /// Who made it, for people.
    pub created_by: String,
}

/// A token as it is stored; its secret is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its public half as text.
    pub id: String,
    /// What it gives.
    pub role: TokenRole,
    /// For whom; the machine may choose when there is none.
    pub name: Option<String>,
    /// Its user takes the name from whoever has it.
    pub replace: bool,
    /// When it was made.
    pub created: Wall,
    /// Until when it is good.
    pub expires: Wall,
    /// Who made it, for people.
    pub created_by: String,
    /// The key that got in with it.
    pub bound_key: Option<String>,
    /// When that was.
    pub used_at: Option<Wall>,
    /// The name that its user got.
    pub used_by: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<Wall>,
    /// How many wrong secrets were shown with its id.
    pub wrong_attempts: u32,
    secret_hash: Vec<u8>,
}

impl Token {
    /// What became of it.
    #[must_use]
    pub fn state(&self, now: Wall) -> TokenState {
        match self {
            Self { revoked_at: Some(_), .. } => TokenState::Revoked,
            Self { bound_key: Some(_), .. } => TokenState::Used,
            Self { wrong_attempts, .. } if *wrong_attempts >= WRONG_SECRETS => TokenState::Locked,
            Self { expires, .. } if *expires <= now => TokenState::Expired,
            Self { .. } => TokenState::Unused,
        }
    }
}

/// A token that may be used by the key that showed it. Nothing is consumed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenGrant {
    /// The token's public half.
    pub id: String,
    /// The key that may use it.
    pub key_id: String,
    /// What it gives.
    pub role: TokenRole,
    /// For whom; the machine may choose when there is none.
    pub name: Option<String>,
    /// Its user takes the name from whoever has it.
    pub replace: bool,
    /// Who made it, for people.
    pub created_by: String,
    /// The same key used it before: its reply was lost.
    pub repeated: bool,
}

/// Why a token is not good.
#[derive(Debug, thiserror::Error)]
pub enum TokenRefusal {
    /// No token has this id.
    #[error("no token has the id {id:?} (hint: paste the whole token, or make another with `coordctl token create`)")]
    Unknown {
        /// What was shown.
        id: String,
    },
    /// The secret does not belong to the id.
    #[error("the secret does not belong to token {id} (hint: paste the whole token; {left} more attempts)")]
    WrongSecret {
        /// The token.
        id: String,
        /// How many more wrong secrets the id takes.
        left: u32,
    },
    /// Too many wrong secrets were shown.
    #[error(
        "token {id} is locked after {WRONG_SECRETS} wrong secrets (hint: make another with `coordctl token create`)"
    )]
    Locked {
        /// The token.
        id: String,
    },
    /// Its time is over.
    #[error("token {id} expired (hint: make another with `coordctl token create`)")]
    Expired {
        /// The token.
        id: String,
        /// When.
        when: Wall,
    },
    /// It was revoked by hand or by a restore.
    #[error("token {id} was revoked (hint: make another with `coordctl token create`)")]
    Revoked {
        /// The token.
        id: String,
        /// When.
        when: Wall,
    },
    /// Another machine got in with it.
    #[error("token {id} was already used by {name} (hint: each machine needs its own, `coordctl token create`)")]
    UsedByAnotherKey {
        /// The token.
        id: String,
        /// Who got in with it.
        name: String,
        /// When.
        when: Wall,
    },
    /// The start of an id names more than one token.
    #[error("{start:?} is the start of more than one token's id (hint: `coordctl get tokens` shows them whole)")]
    Ambiguous {
        /// What was typed.
        start: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
store_failure!(TokenRefusal);

/// What is stored of a secret.
#[must_use]
pub fn hash(secret: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, secret).as_ref());
    bytes
}

/// Stores a token. Tokens that have been over for a month are dropped on the way.
///
/// # Errors
/// When the store cannot be written.
pub fn create(database: &mut Database, token: &NewToken) -> Result<(), StoreError> {
    database.write(|writing| {
        let long_ago = Wall(token.created.0.saturating_sub(Wall(0).plus(KEPT).0));
        writing.sql.execute("DELETE FROM tokens WHERE expires < ?1", [long_ago.0])?;
        let name = token.name.as_deref();
        writing.sql.execute(
            "INSERT INTO tokens (id, secret_hash, role, name, replaces, created, expires, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                &token.id,
                token.secret_hash,
                token.role.as_str(),
                name,
                token.replace,
                token.created.0,
                token.expires.0,
                &token.created_by,
            ),
        )?;
        Ok(())
    })
}

/// Every token, newest first.
///
/// # Errors
/// When the store cannot be read.
pub fn list(database: &Database) -> Result<Vec<Token>, StoreError> {
    select(database.sql(), "1 ORDER BY created DESC, id", "")
}

/// Revokes the token whose id starts with `start`.
///
/// # Errors
/// When none or more than one does, or the store cannot be written.
pub fn revoke(database: &mut Database, start: &str, now: Wall) -> Result<Token, TokenRefusal> {
    database.write(|writing| {
        let mut found = select(&writing.sql, "substr(id, 1, length(?1)) = ?1", start)?;
        let unknown = || TokenRefusal::Unknown { id: coord_model::clean(start) };
        let mut token = found.pop().filter(|_| !start.is_empty()).ok_or_else(unknown)?;
        if !found.is_empty() {
            return Err(TokenRefusal::Ambiguous { start: start.into() });
        }
        token.revoked_at = token.revoked_at.or(Some(now));
        writing
            .sql
            .execute("UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL", (&token.id, now.0))?;
        Ok(token)
    })
}

/// Decides whether the holder of `key_id` may use the token. Nothing is consumed; a wrong secret is counted.
///
/// # Errors
/// Why it may not, or when the store fails.
pub fn present(
    database: &mut Database,
    id: &str,
    secret: &[u8],
    key_id: &str,
    now: Wall,
) -> Result<TokenGrant, TokenRefusal> {
    let unknown = || TokenRefusal::Unknown { id: coord_model::clean(id).chars().take(40).collect() };
    let token = find(database.sql(), id)?.ok_or_else(unknown)?;
    if token.wrong_attempts >= WRONG_SECRETS {
        return Err(TokenRefusal::Locked { id: token.id });
    }
    // Two digests are compared: how long that takes says nothing about the secret.
    if token.secret_hash != hash(secret) {
        return Err(count_wrong(database, token)?);
    }
    decide(token, key_id, now)
}

/// The same decision for a token whose secret was found right, inside the transaction that uses it.
pub(super) fn decide_again(sql: &Connection, grant: &TokenGrant, now: Wall) -> Result<TokenGrant, TokenRefusal> {
    let token = find(sql, &grant.id)?.ok_or_else(|| TokenRefusal::Unknown { id: grant.id.clone() })?;
    decide(token, &grant.key_id, now)
}

/// Binds the token to its key; the first use is kept.
pub(super) fn consume(sql: &Connection, grant: &TokenGrant, name: &str, now: Wall) -> Result<(), StoreError> {
    sql.execute(
        "UPDATE tokens SET bound_key = ?2, used_at = ?3, used_by = ?4 WHERE id = ?1 AND bound_key IS NULL",
        (&grant.id, &grant.key_id, now.0, name),
    )?;
    Ok(())
}

fn decide(token: Token, key_id: &str, now: Wall) -> Result<TokenGrant, TokenRefusal> {
    if let Some(when) = token.revoked_at {
        return Err(TokenRefusal::Revoked { id: token.id, when });
    }
    let repeated = match &token.bound_key {
        // The reply was lost. The key proves who asks, so this outlives the token's time.
        Some(bound) if bound == key_id => true,
        Some(_) => {
            let when = token.used_at.unwrap_or_default();
            return Err(TokenRefusal::UsedByAnotherKey { id: token.id, name: token.used_by.unwrap_or_default(), when });
        }
        None if token.expires <= now => return Err(TokenRefusal::Expired { id: token.id, when: token.expires }),
        None => false,
    };
    let Token { id, role, name, replace, created_by, .. } = token;
    Ok(TokenGrant { id, key_id: key_id.into(), role, name, replace, created_by, repeated })
}

fn count_wrong(database: &mut Database, token: Token) -> Result<TokenRefusal, StoreError> {
    database.write(|writing| -> Result<(), StoreError> {
        writing.sql.execute("UPDATE tokens SET wrong_attempts = wrong_attempts + 1 WHERE id = ?1", [&token.id])?;
        Ok(())
    })?;
    let left = WRONG_SECRETS.saturating_sub(token.wrong_attempts + 1);
    Ok(TokenRefusal::WrongSecret { id: token.id, left })
}

fn find(sql: &Connection, id: &str) -> Result<Option<Token>, StoreError> {
    Ok(select(sql, "id = ?1", id)?.pop())
}

fn select(sql: &Connection, condition: &str, argument: &str) -> Result<Vec<Token>, StoreError> {
    let columns = "id, role, name, replaces, created, expires, created_by, bound_key, used_at, used_by, revoked_at, \
                   wrong_attempts, secret_hash";
    // `?1 = ?1` lets conditions without an argument take one.
    let mut statement = sql.prepare(&format!("SELECT {columns} FROM tokens WHERE ?1 = ?1 AND {condition}"))?;
    let rows = statement.query_map([argument], |row| Ok(read(row)))?;
    rows.map(|row| row?).collect()
}

fn read(row: &Row<'_>) -> Result<Token, StoreError> {
    let role: String = row.get(1)?;
    Ok(Token {
        id: row.get(0)?,
        role: TokenRole::parse(&role)?,
        name: row.get(2)?,
        replace: row.get(3)?,
        created: Wall(row.get(4)?),
        expires: Wall(row.get(5)?),
        created_by: row.get(6)?,
        bound_key: row.get(7)?,
        used_at: row.get::<_, Option<i64>>(8)?.map(Wall),
        used_by: row.get(9)?,
        revoked_at: row.get::<_, Option<i64>>(10)?.map(Wall),
        wrong_attempts: row.get(11)?,
        secret_hash: row.get(12)?,
    })
}

/// The token with exactly this id.
///
/// # Errors
/// When the store cannot be read.
pub fn by_id(database: &Database, id: &str) -> Result<Option<Token>, StoreError> {
    find(database.sql(), id)
}

/// Revokes every token that could still be used: what a restore does.
pub(crate) fn revoke_all(sql: &Connection, now: Wall) -> Result<(), StoreError> {
    sql.execute("UPDATE tokens SET revoked_at = ?1 WHERE revoked_at IS NULL", [now.0])?;
    Ok(())
}
