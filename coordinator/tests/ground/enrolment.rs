//! One transaction lets a machine in, or changes nothing.

use coord_model::MachineEvidence;
use coordinator::store::{
    enrolment::{Admitted, EnrolRefusal, Enrolment, enrol},
    nodes::{self, PendingReason},
    operators, rejoin,
    revocations::is_revoked,
    tokens::{TokenRefusal, TokenRole, by_id},
};

use crate::scene::{NOW, Scene, certificate, credential, evidence, scene};

#[test]
fn a_node_gets_in_and_its_lost_reply_comes_again() {
    let mut scene = scene();
    scene.token("t");
    let first = scene.enrol("t", "key", "pi").unwrap();
    assert!(!first.repeated && first.node.pending.is_none() && first.node.name == "pi");
    let again = scene.enrol("t", "key", "another-name").unwrap();
    assert!(again.repeated);
    assert_eq!(again.node.name, "pi", "a repeat is the same node");
    assert_eq!(nodes::all(&scene.database).unwrap().len(), 1);
}

/// The same key shows its spent token again, from a machine that shows this.
fn repeat(scene: &mut Scene, shown: MachineEvidence) -> Admitted {
    let enrolment = Enrolment {
        grant: scene.present("t", "key").unwrap(),
        name: "pi".into(),
        evidence: shown,
        version: "0.1.0".into(),
        certificate: certificate(2),
        credential: credential("again"),
    };
    enrol(&mut scene.database, &enrolment, NOW).unwrap()
}

#[test]
fn a_repeat_of_a_spent_token_is_no_approval() {
    let mut scene = scene();
    scene.token("t");
    scene.enrol("t", "key", "pi").unwrap();
    rejoin::seen(&mut scene.database, "key", "01", "0.1.0", &evidence("other")).unwrap();
    let again = repeat(&mut scene, evidence("other"));
    assert_eq!((again.repeated, again.node.pending), (true, Some(PendingReason::EvidenceChanged)), "it still waits");
    nodes::approve(&mut scene.database, "pi").unwrap();
    assert!(repeat(&mut scene, evidence("other")).node.pending.is_none(), "a person let it in");
}

#[test]
fn a_repeat_of_a_spent_token_from_another_machine_waits() {
    let mut scene = scene();
    scene.token("t");
    scene.enrol("t", "key", "pi").unwrap();
    let unread = repeat(&mut scene, MachineEvidence::default());
    assert_eq!((unread.node.pending, unread.node.evidence), (None, evidence("pi")), "what was known stays");
    let moved = repeat(&mut scene, evidence("other"));
    assert_eq!(moved.node.pending, Some(PendingReason::EvidenceChanged));
    assert_eq!(nodes::by_name(&scene.database, "pi").unwrap().pending, Some(PendingReason::EvidenceChanged));
    scene.token("fresh");
    let approved = scene.enrol("fresh", "key", "pi").unwrap().node;
    assert!(approved.pending.is_none(), "a new token is somebody's approval");
}

#[test]
fn a_repeat_keeps_a_rename() {
    let mut scene = scene();
    scene.token_with("t", |token| token.name = Some("pi".into()));
    scene.enrol("t", "key", "").unwrap();
    nodes::rename(&mut scene.database, "pi", "kitchen").unwrap();
    assert_eq!(scene.enrol("t", "key", "").unwrap().node.name, "kitchen");
}

#[test]
fn a_taken_name_is_refused_before_the_token_is_consumed() {
    let mut scene = scene();
    scene.node("old", "pi");
    scene.token("t");
    assert!(matches!(scene.enrol("t", "new", "pi").unwrap_err(), EnrolRefusal::NameTaken { .. }));
    assert!(by_id(&scene.database, "t").unwrap().unwrap().bound_key.is_none());
    assert_eq!(scene.enrol("t", "new", "pi2").unwrap().node.name, "pi2");
}

#[test]
fn a_bad_name_a_revoked_key_and_a_wrong_role_are_refused_before_the_token_is_consumed() {
    let mut scene = scene();
    scene.token("t");
    assert!(matches!(scene.enrol("t", "key", "No Name").unwrap_err(), EnrolRefusal::InvalidName(_)));
    scene.node("gone", "gone");
    nodes::revoke(&mut scene.database, "gone", NOW).unwrap();
    assert!(matches!(scene.enrol("t", "gone", "gone").unwrap_err(), EnrolRefusal::KeyRevoked));
    scene.token_with("person", |token| token.role = TokenRole::Operator);
    let error = scene.enrol("person", "key", "pi").unwrap_err();
    assert!(matches!(error, EnrolRefusal::WrongRole { .. }));
    assert!(error.to_string().contains("for an operator, not for a node (hint: `coordctl token create`)"), "{error}");
    for id in ["t", "person"] {
        assert!(by_id(&scene.database, id).unwrap().unwrap().bound_key.is_none(), "{id}");
    }
}

#[test]
fn a_replacing_token_takes_the_name_and_revokes_the_old_key() {
    let mut scene = scene();
    scene.node("old", "pi");
    scene.token_with("t", |token| {
        token.name = Some("pi".into());
        token.replace = true;
    });
    let admitted = scene.enrol("t", "new", "ignored").unwrap();
    assert_eq!((admitted.node.name.as_str(), admitted.replaced.unwrap().id.as_str()), ("pi", "old"));
    assert!(is_revoked(&scene.database, "old").unwrap());
    assert_eq!(nodes::by_name(&scene.database, "pi").unwrap().id, "new");
    let file = std::fs::read_to_string(scene.folder.path().join("revocations")).unwrap();
    assert_eq!(file, "old 01 1800000000000\n");
    assert!(scene.enrol("t", "new", "").unwrap().replaced.is_none(), "a repeat replaces nobody");
}

#[test]
fn the_decision_is_made_again_when_the_token_is_used() {
    let mut scene = scene();
    scene.token("t");
    let late = scene.present("t", "late").unwrap();
    scene.enrol("t", "first", "pi").unwrap();
    let enrolment = Enrolment {
        grant: late,
        name: "other".into(),
        evidence: evidence("other"),
        version: String::new(),
        certificate: certificate(2),
        credential: credential("x"),
    };
    let error = enrol(&mut scene.database, &enrolment, NOW).unwrap_err();
    assert!(matches!(error, EnrolRefusal::Token(TokenRefusal::UsedByAnotherKey { .. })), "{error}");
}

#[test]
fn an_operator_gets_in_renews_and_is_revoked() {
    let mut scene = scene();
    scene.token_with("t", |token| token.role = TokenRole::Operator);
    let grant = scene.present("t", "key").unwrap();
    let admitted = operators::enrol(&mut scene.database, &grant, "ada", "0.1.0", &certificate(1), NOW).unwrap();
    assert_eq!(admitted.operator.name, "ada");
    let renewed = operators::renew(&mut scene.database, "key", &certificate(2)).unwrap();
    assert_eq!(renewed.certificate, certificate(2));
    operators::revoke(&mut scene.database, "ada", NOW).unwrap();
    assert!(operators::renew(&mut scene.database, "key", &certificate(3)).is_err());
    assert!(is_revoked(&scene.database, "key").unwrap());
}
