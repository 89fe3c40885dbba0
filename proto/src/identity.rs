//! Who somebody is: a role in a certificate, and the file that holds a key with everything that belongs to it.

use std::{
    io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use coord_model::{Enrolled, Wall};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{private_file::write_private, token::hexadecimal};

/// What a certificate says its holder is: the one SAN URI of DESIGN section 7.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An agent; the id is the hash of its public key.
    Node(String),
    /// A person; the name is the operator's.
    Operator(String),
    /// The coordinator.
    Coordinator(String),
}

impl Role {
    /// As the SAN URI.
    #[must_use]
    pub fn uri(&self) -> String {
        match self {
            Self::Node(id) => format!("coord://node/{id}"),
            Self::Operator(name) => format!("coord://operator/{name}"),
            Self::Coordinator(id) => format!("coord://coordinator/{id}"),
        }
    }

    /// From the SAN URI.
    #[must_use]
    pub fn parse(uri: &str) -> Option<Self> {
        let (kind, name) = uri.strip_prefix("coord://")?.split_once('/')?;
        let name = (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())?;
        match kind {
            "node" => Some(Self::Node(name)),
            "operator" => Some(Self::Operator(name)),
            "coordinator" => Some(Self::Coordinator(name)),
            _ => None,
        }
    }
}

/// SHA-256 of a DER SubjectPublicKeyInfo: a node's id, and the pin of an authority.
#[must_use]
pub fn key_hash(public_key_info: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, public_key_info).as_ref());
    hash
}

/// A node's id: [`key_hash`] in hexadecimal.
#[must_use]
pub fn key_id(public_key_info: &[u8]) -> String {
    hexadecimal(&key_hash(public_key_info))
}

/// Why an identity file cannot be used or written.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file makes no sense.
    #[error("{path} is damaged: {message}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// No key can be made.
    #[error("cannot make a key")]
    Key(#[from] rcgen::Error),
}

/// The contents of an identity file. Made with its key alone; the rest comes with enrolment.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity {
    /// The private key: PKCS #8, DER, base64.
    key: Zeroizing<String>,
    /// The certificate, DER, base64; empty before enrolment.
    certificate: String,
    /// The authority's certificate, DER, base64; empty before enrolment.
    authority: String,
    /// Lets an expired identity return, base64; empty for operators.
    credential: Zeroizing<String>,
    /// Hash of the public key for a node, the name for an operator; empty before enrolment.
    pub id: String,
    /// The name that the coordinator gave.
    pub name: String,
    /// Where coordinators listen, best first.
    pub coordinators: Vec<String>,
    /// When the certificate ends by the coordinator's clock.
    pub expires: Wall,
    /// How long the certificate lived when it was given, in seconds.
    pub lifetime_seconds: u64,
    /// The newest command generation that was obeyed.
    pub newest_generation: u64,
    /// The newest epoch that was obeyed.
    pub newest_epoch: u64,
    /// Which coordinator gave that epoch.
    pub instance: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Identity").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Identity {
    /// A new key and nothing else.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate() -> Result<Self, IdentityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Self { key: STANDARD.encode(key.serialize_der()).into(), ..Self::default() })
    }

    /// Reads an identity file; `None` when there is none. A damaged one gives way to the previous one beside it.
    ///
    /// # Errors
    /// When it is there and cannot be read or makes no sense, and there is no previous one.
    pub fn load(path: &Path) -> Result<Option<Self>, IdentityError> {
        match Self::read(path) {
            Err(damaged @ IdentityError::Damaged { .. }) => match Self::read(&previous(path)) {
                Ok(Some(before)) => Ok(Some(before)),
                Ok(None) | Err(_) => Err(damaged),
            },
            other => other,
        }
    }

    fn read(path: &Path) -> Result<Option<Self>, IdentityError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(IdentityError::Read { path: path.to_owned(), source }),
        };
        let damaged = |message: String| IdentityError::Damaged { path: path.to_owned(), message };
        let identity: Self = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        identity.key_pair().map_err(|error| damaged(error.to_string()))?;
        Ok(Some(identity))
    }

    /// Writes the identity file, mode 0600, atomically; the previous one is kept beside it as `….previous`.
    ///
    /// # Errors
    /// When it cannot be written; the old file then still stands.
    pub fn save(&self, path: &Path) -> Result<(), IdentityError> {
        let write = |source: io::Error| IdentityError::Write { path: path.to_owned(), source };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| write(io::Error::other(error)))?;
        // A damaged file must not take the place of the good one that was read instead.
        let keep = previous(path);
        let keep = matches!(Self::read(path), Ok(Some(_))).then_some(keep.as_path());
        let written = write_private(path, &text, keep).map_err(write);
        text.zeroize();
        written
    }

    /// Whether it has a certificate.
    #[must_use]
    pub fn enrolled(&self) -> bool {
        !self.certificate.is_empty()
    }

    /// The same key with what enrolment or renewal gave. A renewal without a new credential keeps the old one.
    #[must_use]
    pub fn with(&self, enrolled: &Enrolled) -> Self {
        let mut identity = self.clone();
        identity.certificate = STANDARD.encode(&enrolled.certificate);
        identity.authority = STANDARD.encode(&enrolled.authority);
        if !enrolled.credential.is_empty() {
            identity.credential = STANDARD.encode(&enrolled.credential).into();
        }
        identity.id.clone_from(&enrolled.id);
        identity.name.clone_from(&enrolled.name);
        if !enrolled.coordinators.is_empty() {
            identity.coordinators.clone_from(&enrolled.coordinators);
        }
        identity.expires = enrolled.expires;
        identity.lifetime_seconds = enrolled.lifetime.as_secs();
        identity
    }

    /// The private key, PKCS #8 DER.
    #[must_use]
    pub fn key_der(&self) -> Vec<u8> {
        STANDARD.decode(self.key.as_bytes()).unwrap_or_default()
    }

    /// The certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> Vec<u8> {
        STANDARD.decode(&self.certificate).unwrap_or_default()
    }

    /// The authority's certificate, DER.
    #[must_use]
    pub fn authority_der(&self) -> Vec<u8> {
        STANDARD.decode(&self.authority).unwrap_or_default()
    }

    /// The rejoin credential.
    #[must_use]
    pub fn credential(&self) -> Vec<u8> {
        STANDARD.decode(self.credential.as_bytes()).unwrap_or_default()
    }

    fn key_pair(&self) -> Result<KeyPair, rcgen::Error> {
        KeyPair::try_from(self.key_der())
    }

    /// Hash of the public key in hexadecimal.
    ///
    /// # Errors
    /// When the key is damaged.
    pub fn key_id(&self) -> Result<String, IdentityError> {
        Ok(key_id(&self.key_pair()?.subject_public_key_info()))
    }

    /// A PKCS #10 request for this key, DER. It asks for nothing: name and role are the coordinator's to give.
    ///
    /// # Errors
    /// When the key is damaged.
    pub fn request(&self) -> Result<Vec<u8>, IdentityError> {
        let parameters = CertificateParams::default();
        Ok(parameters.serialize_request(&self.key_pair()?)?.der().to_vec())
    }
}

/// Where the identity before this one is kept.
fn previous(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".previous");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_read_what_they_write() {
        for role in [Role::Node("ab".into()), Role::Operator("ada".into()), Role::Coordinator("x".into())] {
            assert_eq!(Role::parse(&role.uri()), Some(role));
        }
        for wrong in ["", "coord://", "coord://node/", "coord://node/a/b", "https://node/a", "coord://root/a"] {
            assert_eq!(Role::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_identity_survives_its_file() {
        let folder = std::env::temp_dir().join(format!("coord-identity-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("identity.json");
        let first = Identity::generate().unwrap();
        first.save(&path).unwrap();
        let second = first.with(&Enrolled { certificate: vec![1], id: "n".into(), ..Enrolled::default() });
        second.save(&path).unwrap();
        let read = Identity::load(&path).unwrap().unwrap();
        let previous = Identity::load(&folder.join("identity.json.previous")).unwrap().unwrap();
        assert!(read.enrolled() && !previous.enrolled());
        assert_eq!(read.key_id().unwrap(), previous.key_id().unwrap());
        std::fs::write(&path, "{").unwrap();
        let saved = Identity::load(&path).unwrap().unwrap();
        assert_eq!(saved.key_id().unwrap(), read.key_id().unwrap(), "a damaged file gives way to the previous one");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_key_is_not_printed() {
        let identity = Identity::generate().unwrap();
        assert!(!format!("{identity:?}").contains(identity.key.as_str()));
    }
}
