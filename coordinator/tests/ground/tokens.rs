//! Which key may use which token.

use coord_model::TokenState;
use coordinator::store::tokens::{TokenRefusal, by_id, list, present, revoke};

use crate::scene::{MINUTE, NOW, scene};

#[test]
fn a_good_token_is_granted_and_not_consumed() {
    let mut scene = scene();
    scene.token("aa11");
    assert!(!scene.present("aa11", "key").unwrap().repeated);
    assert!(!scene.present("aa11", "other").unwrap().repeated);
    assert_eq!(by_id(&scene.database, "aa11").unwrap().unwrap().state(NOW), TokenState::Unused);
}

#[test]
fn a_mistyped_id_and_a_monstrous_one_are_unknown() {
    let mut scene = scene();
    for id in ["", "none", "\u{1b}[2J", &"x".repeat(1 << 20)] {
        let error = scene.present(id, "key").unwrap_err();
        assert!(matches!(error, TokenRefusal::Unknown { .. }));
        assert!(error.to_string().len() < 300 && !error.to_string().contains('\u{1b}'));
    }
}

#[test]
fn five_wrong_secrets_lock_the_id_for_the_right_one_too() {
    let mut scene = scene();
    scene.token("aa11");
    for left in (0..5).rev() {
        let error = present(&mut scene.database, "aa11", b"wrong", "key", NOW).unwrap_err();
        assert!(matches!(error, TokenRefusal::WrongSecret { left: found, .. } if found == left), "{error}");
    }
    assert!(matches!(scene.present("aa11", "key").unwrap_err(), TokenRefusal::Locked { .. }));
    assert_eq!(list(&scene.database).unwrap()[0].state(NOW), TokenState::Locked);
}

#[test]
fn a_token_ends_at_its_time_to_the_millisecond() {
    let mut scene = scene();
    let expires = scene.token("aa11").expires;
    let just_before = coord_model::Wall(expires.0 - 1);
    present(&mut scene.database, "aa11", b"secret", "key", just_before).unwrap();
    let error = present(&mut scene.database, "aa11", b"secret", "key", expires).unwrap_err();
    assert!(matches!(error, TokenRefusal::Expired { when, .. } if when == expires));
}

#[test]
fn a_revoked_token_is_refused_and_may_be_named_by_its_start() {
    let mut scene = scene();
    scene.token("aa11");
    scene.token("ab22");
    assert!(matches!(revoke(&mut scene.database, "a", NOW).unwrap_err(), TokenRefusal::Ambiguous { .. }));
    assert!(matches!(revoke(&mut scene.database, "", NOW).unwrap_err(), TokenRefusal::Unknown { .. }));
    assert!(matches!(revoke(&mut scene.database, "a%", NOW).unwrap_err(), TokenRefusal::Unknown { .. }));
    assert_eq!(revoke(&mut scene.database, "aa", NOW).unwrap().id, "aa11");
    assert!(matches!(scene.present("aa11", "key").unwrap_err(), TokenRefusal::Revoked { .. }));
    scene.present("ab22", "key").unwrap();
}

#[test]
fn a_used_token_repeats_for_its_key_and_refuses_another() {
    let mut scene = scene();
    scene.token("aa11");
    scene.enrol("aa11", "key", "pi").unwrap();
    assert!(scene.present("aa11", "key").unwrap().repeated);
    let after_its_time = NOW.plus(60 * MINUTE);
    assert!(present(&mut scene.database, "aa11", b"secret", "key", after_its_time).unwrap().repeated);
    let error = scene.present("aa11", "other").unwrap_err();
    assert!(matches!(&error, TokenRefusal::UsedByAnotherKey { name, when, .. } if name == "pi" && *when == NOW));
    assert!(error.to_string().contains("already used by pi"), "{error}");
}

#[test]
fn old_tokens_leave_the_list() {
    let mut scene = scene();
    scene.token("old");
    scene.token_with("new", |token| {
        token.created = NOW.plus(60 * crate::scene::DAY);
        token.expires = token.created.plus(MINUTE);
    });
    let ids: Vec<String> = list(&scene.database).unwrap().into_iter().map(|token| token.id).collect();
    assert_eq!(ids, ["new"]);
}
