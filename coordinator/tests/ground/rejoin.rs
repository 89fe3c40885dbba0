//! Identities that return, and those that must wait or stay out.

use coord_model::MachineEvidence;
use coordinator::{
    backup::{backup, restore},
    data::Data,
    store::{
        Database, meta,
        nodes::{self, PendingReason},
        rejoin::{RejoinRefusal, Return, Seen, known_by_certificate, rejoin, renew, seen},
    },
};

use crate::scene::{DAY, NOW, Scene, certificate, credential, evidence, scene};

fn back(scene: &mut Scene, shown: &str, next: &str, evidence: MachineEvidence) -> Result<Seen, RejoinRefusal> {
    back_at(scene, shown, next, evidence, 0)
}

fn back_at(
    scene: &mut Scene,
    shown: &str,
    next: &str,
    evidence: MachineEvidence,
    days: u32,
) -> Result<Seen, RejoinRefusal> {
    let wish = Return {
        key_id: "key".into(),
        credential: shown.into(),
        evidence,
        version: "0.2.0".into(),
        certificate: certificate(9),
        next_credential: credential(next),
    };
    rejoin(&mut scene.database, &wish, NOW.plus(DAY * days))
}

const FIRST: &str = "credential of key";

#[test]
fn an_expired_identity_returns_by_itself_again_and_again_when_replies_are_lost() {
    let mut scene = scene();
    scene.node("key", "pi");
    for lost in ["second", "third", "fourth"] {
        let seen = back(&mut scene, FIRST, lost, evidence("pi")).unwrap();
        assert!(seen.node.pending.is_none() && !seen.newly_pending);
    }
    back(&mut scene, "third", "fifth", evidence("pi")).unwrap();
    let error = back(&mut scene, FIRST, "x", evidence("pi")).unwrap_err();
    assert!(matches!(error, RejoinRefusal::WrongCredential), "one that was followed by a proved one is over");
}

#[test]
fn another_machine_waits_and_a_missing_value_is_no_change() {
    let mut scene = scene();
    scene.node("key", "pi");
    let without = MachineEvidence { machine_id: String::new(), ..evidence("pi") };
    assert!(back(&mut scene, FIRST, "2", without).unwrap().node.pending.is_none());
    let with_uuid = |uuid: &str| MachineEvidence { dmi_uuid: uuid.into(), ..evidence("pi") };
    assert!(back(&mut scene, "2", "3", with_uuid("A")).unwrap().node.pending.is_none(), "known from now on");
    let changed = back(&mut scene, "3", "4", with_uuid("B")).unwrap();
    assert_eq!((changed.node.pending, changed.newly_pending), (Some(PendingReason::EvidenceChanged), true));
    let still = back(&mut scene, "4", "5", with_uuid("B")).unwrap();
    assert_eq!((still.node.pending, still.newly_pending), (Some(PendingReason::EvidenceChanged), false));
    nodes::approve(&mut scene.database, "pi").unwrap();
    assert!(back(&mut scene, "5", "6", with_uuid("B")).unwrap().node.pending.is_none());
}

#[test]
fn after_ninety_days_it_waits() {
    let mut scene = scene();
    scene.node("key", "pi");
    assert!(back_at(&mut scene, FIRST, "2", evidence("pi"), 89).unwrap().node.pending.is_none());
    let late = back_at(&mut scene, FIRST, "3", evidence("pi"), 90).unwrap();
    assert_eq!(late.node.pending, Some(PendingReason::CredentialExpired));
}

#[test]
fn a_wrong_credential_an_unknown_and_a_revoked_key_stay_out() {
    let mut scene = scene();
    assert!(matches!(back(&mut scene, FIRST, "2", evidence("pi")).unwrap_err(), RejoinRefusal::Unknown));
    scene.node("key", "pi");
    assert!(matches!(back(&mut scene, "", "2", evidence("pi")).unwrap_err(), RejoinRefusal::WrongCredential));
    nodes::revoke(&mut scene.database, "pi", NOW).unwrap();
    assert!(matches!(back(&mut scene, FIRST, "2", evidence("pi")).unwrap_err(), RejoinRefusal::Revoked));
    let renewed = renew(&mut scene.database, "key", &certificate(2), &credential("3"));
    assert!(matches!(renewed.unwrap_err(), RejoinRefusal::Revoked));
}

#[test]
fn a_hello_with_the_renewed_certificate_ends_older_credentials() {
    let mut scene = scene();
    scene.node("key", "pi");
    renew(&mut scene.database, "key", &certificate(2), &credential("second")).unwrap();
    seen(&mut scene.database, "key", "01", "0.1.0", &evidence("pi")).unwrap();
    seen(&mut scene.database, "key", "02", "0.1.0", &evidence("pi")).unwrap();
    assert!(matches!(back(&mut scene, FIRST, "x", evidence("pi")).unwrap_err(), RejoinRefusal::WrongCredential));
    back(&mut scene, "second", "third", evidence("pi")).unwrap();
}

#[test]
fn until_then_both_credentials_are_good() {
    let mut scene = scene();
    scene.node("key", "pi");
    renew(&mut scene.database, "key", &certificate(2), &credential("second")).unwrap();
    back(&mut scene, FIRST, "third", evidence("pi")).unwrap();
}

#[test]
fn a_hello_from_another_machine_waits() {
    let mut scene = scene();
    scene.node("key", "pi");
    let same = seen(&mut scene.database, "key", "01", "0.2.0", &evidence("pi")).unwrap();
    assert_eq!((same.node.agent_version.as_str(), same.newly_pending), ("0.2.0", false));
    let moved = seen(&mut scene.database, "key", "01", "0.2.0", &evidence("other")).unwrap();
    assert!(moved.newly_pending);
    assert_eq!(nodes::by_name(&scene.database, "pi").unwrap().pending, Some(PendingReason::EvidenceChanged));
    let back = seen(&mut scene.database, "key", "01", "0.2.0", &evidence("pi")).unwrap();
    assert!(back.node.pending.is_some(), "only a person ends the wait");
}

#[test]
fn a_certificate_without_a_row_waits_and_all_known_approves_exactly_those() {
    let mut scene = scene();
    scene.node("key", "pi");
    seen(&mut scene.database, "key", "01", "0.1.0", &evidence("changed")).unwrap();
    let mut show = |key: &str, host: &str| {
        known_by_certificate(&mut scene.database, key, &certificate(3), "0.1.0", &evidence(host), NOW).unwrap()
    };
    let lost = show("abcdef0123456789", "Lost");
    assert!(lost.newly_pending);
    assert_eq!((lost.node.name.as_str(), lost.node.pending), ("lost", Some(PendingReason::CertificateOnly)));
    assert!(!show("abcdef0123456789", "Lost").newly_pending, "it has a row now");
    assert_eq!(show("0123456789abcdef", "pi").node.name, "pi-01234567", "a taken name");
    assert_eq!(show("fedcba9876543210", "").node.name, "node-fedcba98");
    let approved = nodes::approve_all_known(&mut scene.database).unwrap();
    assert_eq!(approved.len(), 3);
    assert_eq!(nodes::by_name(&scene.database, "pi").unwrap().pending, Some(PendingReason::EvidenceChanged));
    nodes::revoke(&mut scene.database, "lost", NOW).unwrap();
    let again =
        known_by_certificate(&mut scene.database, "abcdef0123456789", &certificate(3), "", &evidence("lost"), NOW);
    assert!(matches!(again.unwrap_err(), RejoinRefusal::Revoked));
}

/// A store with the node `pi`, of a coordinator that was restored from a backup, or never was.
fn after_a_start(restored: bool) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    drop(Data::open(folder.path(), NOW).unwrap());
    let mut scene = Scene { database: Database::open(folder.path()).unwrap(), folder };
    scene.node("key", "pi");
    let Scene { folder, database } = scene;
    drop(database);
    if restored {
        let safe = tempfile::tempdir().unwrap();
        let file = safe.path().join("backup");
        backup(folder.path(), &file, None, NOW).unwrap();
        restore(folder.path(), &file, None, true, NOW).unwrap();
    }
    Scene { database: Database::open(folder.path()).unwrap(), folder }
}

#[test]
fn a_credential_that_was_given_after_the_backup_waits_for_a_person() {
    let mut scene = after_a_start(true);
    assert_eq!(meta::epoch(&scene.database).unwrap(), 2);
    let returned = back(&mut scene, "given after the backup", "2", evidence("pi")).unwrap();
    assert_eq!((returned.node.pending, returned.newly_pending), (Some(PendingReason::CredentialExpired), true));
    back(&mut scene, "2", "3", evidence("pi")).unwrap();
    assert!(matches!(back(&mut scene, FIRST, "4", evidence("pi")), Ok(seen) if seen.node.pending.is_some()));
    nodes::revoke(&mut scene.database, "pi", NOW).unwrap();
    let revoked = back(&mut scene, "given after the backup", "5", evidence("pi")).unwrap_err();
    assert!(matches!(revoked, RejoinRefusal::Revoked), "a restore opens nothing for a revoked key");
}

#[test]
fn without_a_restore_a_credential_that_nobody_gave_is_refused() {
    let mut scene = after_a_start(false);
    assert_eq!(meta::epoch(&scene.database).unwrap(), 1);
    let error = back(&mut scene, "given after the backup", "2", evidence("pi")).unwrap_err();
    assert!(matches!(error, RejoinRefusal::WrongCredential), "{error}");
    assert!(back(&mut scene, FIRST, "2", evidence("pi")).unwrap().node.pending.is_none());
}

#[test]
fn what_could_not_be_read_once_does_not_open_the_door_to_another_machine() {
    let mut scene = scene();
    scene.node("key", "pi");
    let nothing = MachineEvidence::default();
    let unread = seen(&mut scene.database, "key", "01", "0.1.0", &nothing).unwrap();
    assert_eq!((unread.newly_pending, unread.node.evidence), (false, evidence("pi")), "what was known stays");
    assert!(!back(&mut scene, FIRST, "2", nothing).unwrap().newly_pending);
    let other = seen(&mut scene.database, "key", "01", "0.1.0", &evidence("other")).unwrap();
    assert_eq!((other.newly_pending, other.node.pending), (true, Some(PendingReason::EvidenceChanged)));
}
