//! What stands in a certificate: a role, a time, a serial number, and nothing to choose.

use coord_model::Wall;
use coord_proto::identity::Role;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber, date_time_ymd,
};
use ring::rand::{SecureRandom, SystemRandom};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use super::AuthorityError;
use crate::clock::EARLIEST;

/// How long an authority lives.
const YEARS: u64 = 10;

const SECONDS_A_YEAR: u64 = 365 * 24 * 3600;

/// A certificate to be signed.
pub(super) struct Template<'a> {
    pub(super) role: &'a Role,
    pub(super) not_before: Wall,
    pub(super) not_after: Wall,
}

impl Template<'_> {
    pub(super) fn parameters(&self, serial: &[u8]) -> CertificateParams {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = named(&self.role.uri());
        parameters.serial_number = Some(SerialNumber::from_slice(serial));
        set_window(&mut parameters, self.not_before, self.not_after);
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![purpose(self.role)];
        parameters.use_authority_key_identifier_extension = true;
        // A URI of ours is ASCII: names are checked and ids are hexadecimal.
        parameters.subject_alt_names = self.role.uri().try_into().map(SanType::URI).into_iter().collect();
        parameters
    }
}

const fn purpose(role: &Role) -> ExtendedKeyUsagePurpose {
    match role {
        Role::Node(_) | Role::Operator(_) => ExtendedKeyUsagePurpose::ClientAuth,
        Role::Coordinator(_) => ExtendedKeyUsagePurpose::ServerAuth,
    }
}

/// A new authority: certificate and key as PEM. It begins at [`EARLIEST`] and lives ten years from the later of that
/// and `now`, so that one made before the first synchronisation of a clock is good afterwards.
pub(super) fn self_signed(now: Wall) -> Result<(String, Zeroizing<String>), AuthorityError> {
    let key = KeyPair::generate().map_err(AuthorityError::Signing)?;
    let life = std::time::Duration::from_secs(YEARS * SECONDS_A_YEAR);
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = named("Coord authority");
    parameters.serial_number = Some(SerialNumber::from_slice(&random_serial()?));
    set_window(&mut parameters, EARLIEST, now.max(EARLIEST).plus(life));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = parameters.self_signed(&key).map_err(AuthorityError::Signing)?;
    Ok((certificate.pem(), key.serialize_pem().into()))
}

/// 16 random bytes, positive as ASN.1 reads them and with no zero in front.
pub(super) fn random_serial() -> Result<[u8; 16], AuthorityError> {
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| AuthorityError::Random)?;
    serial[0] = (serial[0] & 0x3f) | 0x40;
    Ok(serial)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Sets the window of a certificate; times outside 1970 to 9999 stop at those ends.
fn set_window(parameters: &mut CertificateParams, not_before: Wall, not_after: Wall) {
    const END_OF_9999: u64 = 253_402_300_799;
    let seconds = |time: Wall| u64::try_from(time.0.div_euclid(1000)).unwrap_or(0).min(END_OF_9999);
    let date = |time: Wall| date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds(time));
    parameters.not_before = date(not_before);
    parameters.not_after = date(not_after);
}

/// What the coordinator must know of its authority's certificate.
pub(super) struct Read {
    pub(super) der: Vec<u8>,
    pub(super) public_key_info: Vec<u8>,
    pub(super) not_before: Wall,
    pub(super) not_after: Wall,
}

/// Reads a PEM certificate.
pub(super) fn read(pem: &str) -> Result<Read, String> {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|error| error.to_string())?;
    let (_, certificate) = X509Certificate::from_der(&block.contents).map_err(|error| error.to_string())?;
    if !certificate.is_ca() {
        return Err("it is not an authority's certificate".into());
    }
    let wall = |seconds: i64| Wall(seconds.saturating_mul(1000));
    let validity = certificate.validity();
    Ok(Read {
        public_key_info: certificate.public_key().raw.to_vec(),
        not_before: wall(validity.not_before.timestamp()),
        not_after: wall(validity.not_after.timestamp()),
        der: block.contents.clone(),
    })
}
