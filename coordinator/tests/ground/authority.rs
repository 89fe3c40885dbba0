//! What stands in certificates, and what a request cannot smuggle into one.

use std::{os::unix::fs::MetadataExt, time::Duration};

use coord_model::Wall;
use coord_proto::identity::{Identity, Role, key_hash, key_id};
use coordinator::{
    authority::{Authority, AuthorityError, Request},
    clock::EARLIEST,
};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, PublicKeyData, SanType};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::scene::{DAY, NOW};

fn authority() -> (tempfile::TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), NOW).unwrap();
    (folder, authority)
}

fn request() -> Request {
    Request::parse(&Identity::generate().unwrap().request().unwrap()).unwrap()
}

fn uris(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    let uri = |name: &GeneralName<'_>| match name {
        GeneralName::URI(uri) => (*uri).to_owned(),
        other => panic!("only a URI belongs there, not {other}"),
    };
    names.value.general_names.iter().map(uri).collect()
}

#[test]
fn a_node_and_an_operator_are_clients_only() {
    let (_folder, authority) = authority();
    for role in [Role::Node("ab12".into()), Role::Operator("ada".into())] {
        let issued = authority.issue(&request(), &role, DAY, NOW).unwrap();
        let (_, certificate) = X509Certificate::from_der(&issued.der).unwrap();
        let usage = certificate.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth && !certificate.is_ca());
        assert_eq!(uris(&certificate), [role.uri()]);
        assert_eq!(certificate.raw_serial_as_string().replace(':', ""), issued.serial);
        assert_eq!(issued.serial.len(), 32);
        assert_eq!(certificate.validity().not_before.timestamp(), NOW.0 / 1000 - 300);
        assert_eq!(certificate.validity().not_after.timestamp(), issued.not_after.0 / 1000);
        assert_eq!(issued.not_after, NOW.plus(DAY));
        assert_eq!(issued.key_id, key_id(certificate.public_key().raw));
    }
}

#[test]
fn the_coordinator_is_a_server_only_as_long_as_its_authority() {
    let (_folder, authority) = authority();
    let serving = authority.serving("instance").unwrap();
    let (_, certificate) = X509Certificate::from_der(&serving.certificate).unwrap();
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && !usage.client_auth);
    assert_eq!(uris(&certificate), ["coord://coordinator/instance"]);
    assert_eq!(serving.not_after, authority.not_after());
    assert_ne!(authority.serving("instance").unwrap().certificate, serving.certificate);
}

#[test]
fn the_authority_signs_and_its_pin_is_its_public_key() {
    let (folder, authority) = authority();
    let issued = authority.issue(&request(), &Role::Node("a".into()), DAY, NOW).unwrap();
    let (_, own) = X509Certificate::from_der(authority.certificate_der()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&issued.der).unwrap();
    certificate.verify_signature(Some(own.public_key())).unwrap();
    assert_eq!(authority.pin(), key_hash(own.public_key().raw));
    let years = (own.validity().not_after.timestamp() - NOW.0 / 1000) / (365 * 86_400);
    assert_eq!(years, 10);
    assert_eq!(Authority::open(folder.path()).unwrap().pin(), authority.pin());
    let mode = std::fs::metadata(folder.path().join("authority.key")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_request_gives_its_key_and_nothing_else() {
    let (_folder, authority) = authority();
    let key = KeyPair::generate().unwrap();
    let mut greedy = CertificateParams::default();
    greedy.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    greedy.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    greedy.subject_alt_names = vec![SanType::URI("coord://operator/root".try_into().unwrap())];
    let request = Request::parse(greedy.serialize_request(&key).unwrap().der()).unwrap();
    assert_eq!(request.key_id(), key_id(&key.subject_public_key_info()));
    let issued = authority.issue(&request, &Role::Node("a".into()), DAY, NOW).unwrap();
    let (_, certificate) = X509Certificate::from_der(&issued.der).unwrap();
    assert!(!certificate.is_ca() && !certificate.extended_key_usage().unwrap().unwrap().value.server_auth);
    assert_eq!(uris(&certificate), ["coord://node/a"]);
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    let mut forged = Identity::generate().unwrap().request().unwrap();
    *forged.last_mut().unwrap() ^= 1;
    for wrong in [forged.as_slice(), b"", b"not a request", &[0x30; 4096]] {
        assert!(matches!(Request::parse(wrong).unwrap_err(), AuthorityError::Request(_)));
    }
}

#[test]
fn no_certificate_outlives_or_precedes_its_authority() {
    let (_folder, authority) = authority();
    let node = Role::Node("a".into());
    let issued = authority.issue(&request(), &node, DAY * 365 * 20, NOW).unwrap();
    assert_eq!(issued.not_after, authority.not_after());
    for outside in [Wall(0), Wall(EARLIEST.0 - 1), authority.not_after()] {
        let error = authority.issue(&request(), &node, DAY, outside).unwrap_err();
        assert!(matches!(error, AuthorityError::OutOfTime));
    }
    let first = authority.issue(&request(), &node, DAY, EARLIEST).unwrap();
    let (_, certificate) = X509Certificate::from_der(&first.der).unwrap();
    assert_eq!(certificate.validity().not_before.timestamp(), EARLIEST.0 / 1000);
}

#[test]
fn an_authority_made_at_1970_is_good_today() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(folder.path(), Wall(0)).unwrap();
    authority.issue(&request(), &Role::Node("a".into()), Duration::from_secs(30), NOW).unwrap();
}

#[test]
fn damaged_files_are_named() {
    let (folder, _authority) = authority();
    for file in ["authority.key", "authority.crt"] {
        let path = folder.path().join(file);
        let good = std::fs::read(&path).unwrap();
        for bad in [b"".as_slice(), b"\xff\xfe", &good[..good.len() / 2]] {
            std::fs::write(&path, bad).unwrap();
            let error = Authority::open(folder.path()).unwrap_err();
            assert!(matches!(&error, AuthorityError::Damaged { path: named, .. } if *named == path), "{error}");
        }
        std::fs::write(&path, good).unwrap();
    }
}
