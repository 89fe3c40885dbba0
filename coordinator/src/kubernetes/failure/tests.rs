//! Every answer of an API server has its consequence and its words.

use super::*;

const PATCH: Right = Right { group: "", resource: "nodes", verb: "patch" };

fn answered(code: u16, message: &str) -> Failure {
    Failure::answered(&Status::failure(message, "x").with_code(code), "https://api:6443", PATCH)
}

#[test]
fn every_status_has_its_consequence() {
    let kinds = [
        (401, Kind::Away),
        (403, Kind::Denied),
        (404, Kind::Missing),
        (409, Kind::Moved),
        (410, Kind::Moved),
        (422, Kind::Refused),
        (429, Kind::Busy(None)),
        (500, Kind::Away),
        (503, Kind::Away),
    ];
    for (code, kind) in kinds {
        assert_eq!(answered(code, "said").kind, kind, "{code}");
    }
}

#[test]
fn a_missing_right_is_named_with_its_rule() {
    let failure = answered(403, "nodes \"a\" is forbidden: User \"x\" cannot patch resource \"nodes\"");
    assert_eq!(failure.why, "RBAC does not let the coordinator patch nodes");
    let rule = r#"{apiGroups: [""], resources: ["nodes"], verbs: ["patch"]}"#;
    assert_eq!(failure.hint, Some(format!("add the rule {rule} to the coordinator's role")));
}

#[test]
fn admission_is_not_taken_for_a_missing_right() {
    let said = "nodes \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no";
    for code in [403, 422] {
        let failure = answered(code, said);
        assert_eq!((failure.kind, failure.why.as_str()), (Kind::Refused, said));
        assert!(failure.hint.is_some_and(|hint| hint.contains("coordctl render kubernetes")));
    }
}

#[test]
fn a_page_of_a_proxy_becomes_one_short_line() {
    let failure = answered(502, &format!("{}\nmore", "x".repeat(5000)));
    assert!(failure.why.len() < 400 && !failure.why.contains('\n'));
}

#[test]
fn a_refused_connection_and_an_expired_certificate_are_told_apart_however_deep_they_lie() {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let error = kube::Error::Service(Box::new(io::Error::other(refused)));
    let failure = Failure::of(&error, "https://api:6443", PATCH);
    assert_eq!(
        (failure.kind, failure.why.as_str()),
        (Kind::Away, "the API server at https://api:6443 refuses the connection")
    );
    let expired = rustls::Error::InvalidCertificate(CertificateError::Expired);
    let error = kube::Error::Service(Box::new(io::Error::new(io::ErrorKind::InvalidData, expired)));
    let failure = Failure::of(&error, "https://api:6443", PATCH);
    assert!(failure.why.ends_with("has an expired certificate") && failure.hint.is_some());
}

#[test]
fn only_a_write_whose_answer_was_lost_may_have_been_carried_out() {
    let list = Right { verb: "list", ..PATCH };
    for (code, sent) in [(401, false), (403, false), (409, false), (422, false), (429, false), (500, true), (504, true)]
    {
        assert_eq!(answered(code, "said").sent, sent, "{code}");
    }
    let reset = || kube::Error::Service(Box::new(io::Error::from(io::ErrorKind::ConnectionReset)));
    assert!(Failure::of(&reset(), "x", PATCH).sent && Failure::late("x", Duration::ZERO, PATCH).sent);
    assert!(!Failure::of(&reset(), "x", list).sent && !Failure::late("x", Duration::ZERO, list).sent);
}
