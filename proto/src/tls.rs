//! TLS by role: chains are checked under one pinned authority, names and addresses mean nothing.
//!
//! A client accepts only the coordinator's role with serverAuth; the server accepts nodes and operators with
//! clientAuth. Windows of validity are judged by the clock that the caller gives, or not at all (DESIGN section 7,
//! clocks): an agent whose kernel says unsynchronised must not lock itself out.

use std::{fmt, sync::Arc, time::Duration};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

use crate::identity::{Role, key_hash};

/// What a checked certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its role.
    pub role: Role,
    /// SHA-256 of its public key info, hexadecimal.
    pub key_id: String,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// When its window ends, seconds since 1970.
    pub not_after: i64,
}

/// How a certificate's window is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// By the wall clock.
    Judge,
    /// Not at all: the clock is not to be believed.
    Ignore,
}

/// Whom a client believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The authority whose certificate this is.
    Authority(CertificateDer<'static>),
    /// Whatever authority has this hash of its public key info: before enrolment, from the token.
    Pin([u8; 32]),
}

/// The one provider (law 13).
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Reads the role and the rest out of a certificate that was checked already.
///
/// # Errors
/// When it does not have exactly one SAN URI that is a role.
pub fn peer(certificate: &CertificateDer<'_>) -> Result<Peer, Error> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| general("the certificate cannot be read"))?;
    let names = parsed.subject_alternative_name().ok().flatten().map(|names| names.value.general_names.as_slice());
    let role = match names {
        Some([GeneralName::URI(uri)]) => Role::parse(uri),
        Some(_) | None => None,
    };
    Ok(Peer {
        role: role.ok_or_else(|| general("the certificate has no role"))?,
        key_id: crate::token::hexadecimal(&key_hash(parsed.public_key().raw)),
        serial: crate::token::hexadecimal(parsed.raw_serial()),
        not_after: parsed.validity().not_after.timestamp(),
    })
}

/// Hash of the public key info of a certificate, or `None` when it cannot be read.
#[must_use]
pub fn pin_of(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(key_hash(parsed.public_key().raw))
}

fn general(message: impl Into<String>) -> Error {
    Error::General(message.into())
}

/// A time at which every certificate of the chain is valid, so that only windows are left out of the check.
fn inside_windows(chain: &[&CertificateDer<'_>]) -> Option<UnixTime> {
    let starts = chain.iter().map(|certificate| {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        u64::try_from(parsed.validity().not_before.timestamp()).ok()
    });
    let latest = starts.collect::<Option<Vec<u64>>>()?.into_iter().max()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(latest)))
}

/// Checks that `leaf` was issued by `authority` for `usage`, at `now` unless windows are ignored.
fn check_chain(
    leaf: &CertificateDer<'_>,
    authority: &CertificateDer<'_>,
    usage: KeyUsage,
    window: Window,
    now: UnixTime,
) -> Result<(), Error> {
    let wrong = |error: webpki::Error| match error {
        webpki::Error::CertExpired { .. } => rustls::CertificateError::Expired.into(),
        webpki::Error::CertNotValidYet { .. } => rustls::CertificateError::NotValidYet.into(),
        // An authority of another fleet has the same name as ours and another key.
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
            rustls::CertificateError::UnknownIssuer.into()
        }
        webpki::Error::RequiredEkuNotFoundContext(_) => general("the certificate is for another role"),
        other => general(format!("the certificate is not good: {other}")),
    };
    let now = match window {
        Window::Judge => now,
        Window::Ignore => {
            inside_windows(&[leaf, authority]).ok_or_else(|| general("the certificate cannot be read"))?
        }
    };
    let anchor = anchor_from_trusted_cert(authority).map_err(wrong)?;
    let end_entity = EndEntityCert::try_from(leaf).map_err(wrong)?;
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    end_entity.verify_for_usage(algorithms.all, &[anchor], &[], now, usage, None, None).map_err(wrong)?;
    Ok(())
}

/// The client's side: is this the coordinator?
pub struct CoordinatorVerifier {
    trust: Trust,
    window: Window,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for CoordinatorVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CoordinatorVerifier").finish_non_exhaustive()
    }
}

impl CoordinatorVerifier {
    /// Believes `trust`, judging windows as told.
    #[must_use]
    pub fn new(trust: Trust, window: Window) -> Self {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        Self { trust, window, algorithms }
    }

    /// The authority to check under: the known one, or the one of the chain that has the pin. The leaf is then
    /// verified with it as the only root, so appending it to a foreign chain gains nothing.
    fn authority<'a>(&'a self, intermediates: &'a [CertificateDer<'a>]) -> Result<&'a CertificateDer<'a>, Error> {
        match &self.trust {
            Trust::Authority(authority) => Ok(authority),
            Trust::Pin(pin) => intermediates
                .iter()
                .find(|certificate| pin_of(certificate).as_ref() == Some(pin))
                .ok_or_else(|| general("the coordinator's authority is not the one that the token names")),
        }
    }
}

impl ServerCertVerifier for CoordinatorVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = self.authority(intermediates)?;
        check_chain(leaf, authority, KeyUsage::server_auth(), self.window, now)?;
        match peer(leaf)?.role {
            Role::Coordinator(_) => Ok(ServerCertVerified::assertion()),
            Role::Node(_) | Role::Operator(_) => Err(general("the other end is not a coordinator")),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The server's side: is this a node or an operator of ours? No certificate is allowed; what such a caller may do is
/// decided call by call.
pub struct CallerVerifier {
    authority: CertificateDer<'static>,
    window: Arc<dyn Fn() -> Window + Send + Sync>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for CallerVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CallerVerifier").finish_non_exhaustive()
    }
}

impl CallerVerifier {
    /// Believes one authority; asks `window` at each handshake whether clocks can be judged.
    #[must_use]
    pub fn new(authority: CertificateDer<'static>, window: Arc<dyn Fn() -> Window + Send + Sync>) -> Self {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        Self { authority, window, algorithms }
    }
}

impl ClientCertVerifier for CallerVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        check_chain(leaf, &self.authority, KeyUsage::client_auth(), (self.window)(), now)?;
        match peer(leaf)?.role {
            Role::Node(_) | Role::Operator(_) => Ok(ClientCertVerified::assertion()),
            Role::Coordinator(_) => Err(general("a coordinator's certificate cannot call")),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
