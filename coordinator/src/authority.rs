//! The authority of the fleet: one key that signs every certificate, kept as two files beside the database.
//!
//! A certificate says one thing, the role of its holder, as one SAN URI. Of a request only the public key is used.

use std::path::{Path, PathBuf};

use coord_model::Wall;
use coord_proto::identity::{Role, key_hash, key_id};
use rcgen::{CertificateSigningRequestParams, Issuer, KeyPair, PublicKeyData};

mod certificate;
pub(crate) mod files;

pub use files::{CERTIFICATE_FILE, KEY_FILE};

use certificate::Template;

/// How far back a certificate begins, for receivers whose clock is behind.
const BACKDATED: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// The authority cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} is damaged: {message} (hint: restore a backup with `coordinator restore FILE`)", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A request for a certificate makes no sense or was not signed by its own key.
    #[error("the request for a certificate cannot be used")]
    Request(#[source] rcgen::Error),
    /// The authority's own time is over or has not begun.
    #[error("the authority's certificate is not valid now (hint: check the clock; it ends in its tenth year)")]
    OutOfTime,
    /// Signing failed.
    #[error("the certificate could not be signed")]
    Signing(#[source] rcgen::Error),
    /// The system gave no random number.
    #[error("the system gave no random number")]
    Random,
}

/// A certificate that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Its serial number in lower-case hexadecimal.
    pub serial: String,
    /// When it ends.
    pub not_after: Wall,
    /// The id of the key in it.
    pub key_id: String,
}

/// What the coordinator shows to its callers; kept in memory only, made at each start.
#[derive(Clone)]
pub struct ServingIdentity {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// The key, PKCS #8, DER.
    pub key: zeroize::Zeroizing<Vec<u8>>,
    /// When the certificate ends: with the authority.
    pub not_after: Wall,
}

/// A request for a certificate whose signature was checked.
#[derive(Debug)]
pub struct Request {
    parameters: CertificateSigningRequestParams,
}

impl Request {
    /// Reads a PKCS #10 request and checks that its own key signed it.
    ///
    /// # Errors
    /// When it makes no sense or somebody else signed it.
    pub fn parse(der: &[u8]) -> Result<Self, AuthorityError> {
        let parsed = CertificateSigningRequestParams::from_der(&der.to_vec().into());
        Ok(Self { parameters: parsed.map_err(AuthorityError::Request)? })
    }

    /// The id of the key that it asks for.
    #[must_use]
    pub fn key_id(&self) -> String {
        key_id(&self.parameters.public_key.subject_public_key_info())
    }
}

/// The key that signs every certificate of the fleet.
pub struct Authority {
    certificate: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    not_before: Wall,
    not_after: Wall,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes a new authority that lives ten years, on disk in `folder` when this returns.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn create(folder: &Path, now: Wall) -> Result<Self, AuthorityError> {
        let (certificate, key) = certificate::self_signed(now)?;
        files::write(folder, &certificate, &key)?;
        Self::open(folder)
    }

    /// Reads the authority from `folder`.
    ///
    /// # Errors
    /// When a file is missing or damaged, or key and certificate do not belong together.
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let (certificate, key) = files::read(folder)?;
        Self::from_pem(&certificate, &key, folder)
    }

    /// The authority of two PEM texts; `folder` is for messages.
    pub(crate) fn from_pem(certificate: &str, key: &str, folder: &Path) -> Result<Self, AuthorityError> {
        let damaged = |file: &str, message: String| AuthorityError::Damaged { path: folder.join(file), message };
        let key = KeyPair::from_pem(key).map_err(|error| damaged(KEY_FILE, error.to_string()))?;
        let read = certificate::read(certificate).map_err(|message| damaged(CERTIFICATE_FILE, message))?;
        if read.public_key_info != key.subject_public_key_info() {
            return Err(damaged(CERTIFICATE_FILE, format!("it does not belong to the key in {KEY_FILE}")));
        }
        let der = read.der.clone().into();
        let issuer =
            Issuer::from_ca_cert_der(&der, key).map_err(|error| damaged(CERTIFICATE_FILE, error.to_string()))?;
        let (not_before, not_after) = (read.not_before, read.not_after);
        Ok(Self { certificate: read.der, issuer, not_before, not_after })
    }

    /// The authority's certificate, DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// SHA-256 of the authority's public key info: what a token pins.
    #[must_use]
    pub fn pin(&self) -> [u8; 32] {
        key_hash(&self.issuer.key().subject_public_key_info())
    }

    /// When the authority ends.
    #[must_use]
    pub fn not_after(&self) -> Wall {
        self.not_after
    }

    /// Signs a certificate for the key of `request`. Nothing else of the request is used. It begins 5 min ago, so that
    /// a receiver whose clock is behind takes it.
    ///
    /// # Errors
    /// When the authority's own time is over, or signing fails.
    pub fn issue(
        &self,
        request: &Request,
        role: &Role,
        lifetime: std::time::Duration,
        now: Wall,
    ) -> Result<Issued, AuthorityError> {
        if now < self.not_before || now >= self.not_after {
            return Err(AuthorityError::OutOfTime);
        }
        let backdated = Wall(now.0.saturating_sub(Wall(0).plus(BACKDATED).0)).max(self.not_before);
        let not_after = whole_seconds(now.plus(lifetime)).min(self.not_after);
        let template = Template { role, not_before: backdated, not_after };
        self.sign(&request.parameters.public_key, &template)
    }

    /// A key and certificate for the coordinator itself, good as long as the authority: a coordinator whose clock is
    /// wrong must be able to serve the nodes that it knows.
    ///
    /// # Errors
    /// When no key can be made, or signing fails.
    pub fn serving(&self, instance: &str) -> Result<ServingIdentity, AuthorityError> {
        let key = KeyPair::generate().map_err(AuthorityError::Signing)?;
        let role = Role::Coordinator(instance.to_owned());
        let template = Template { role: &role, not_before: self.not_before, not_after: self.not_after };
        let issued = self.sign(&key, &template)?;
        let key = key.serialize_der().into();
        Ok(ServingIdentity { certificate: issued.der, key, not_after: issued.not_after })
    }

    fn sign(&self, key: &impl PublicKeyData, template: &Template<'_>) -> Result<Issued, AuthorityError> {
        let serial = certificate::random_serial()?;
        let parameters = template.parameters(&serial);
        let signed = parameters.signed_by(key, &self.issuer).map_err(AuthorityError::Signing)?;
        let key_id = key_id(&key.subject_public_key_info());
        let serial = coord_proto::token::hexadecimal(&serial);
        Ok(Issued { der: signed.der().to_vec(), serial, not_after: template.not_after, key_id })
    }
}

/// Certificates have no milliseconds.
fn whole_seconds(time: Wall) -> Wall {
    Wall(time.0.div_euclid(1000).saturating_mul(1000))
}
