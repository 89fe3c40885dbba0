//! Getting in: what a token opens, what it does not, and that a refusal costs nobody anything.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;

use coord_model::{List, TokenRow, TokenState};
use coord_proto::{identity::Identity, token::Token};
use coord_tests::{
    bystander::{Bystander, events},
    foreign::{self, Impostor, Seen},
    join::{context, join, refusal},
    lab::{Lab, wait_for},
    peer,
};

/// A token of the lab that carries other addresses.
fn elsewhere(token: &Token, impostor: &Impostor) -> Token {
    Token { addresses: vec![impostor.address.to_string()], ..token.clone() }
}

fn state(lab: &Lab, token: &Token) -> TokenState {
    let list: List<TokenRow> = serde_json::from_str(&lab.told(&["-o", "json", "get", "tokens"])).unwrap();
    list.items.into_iter().find(|row| row.id == token.id_text()).unwrap().state
}

fn names(lab: &Lab) -> Vec<String> {
    lab.status().nodes.into_iter().map(|node| node.name).collect()
}

#[test]
fn a_used_token_lets_no_second_machine_in() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let token = peer::token(&lab, &["--node", "first"]);
    let first = peer::show(&Identity::generate().unwrap(), &token, "first").unwrap();
    let said = refusal(&join(&lab, "second", &token.to_text()));
    assert!(said.contains("was already used by first"), "{said}");
    assert!(said.contains("hint: ") && said.contains("coordctl token create"), "{said}");
    assert_eq!(names(&lab), ["bystander", "first"]);
    peer::Conversation::open(&first, peer::hello("first", 1)).unwrap();
    bystander.is_undisturbed(&lab);
}

#[test]
fn an_expired_token_and_a_revoked_one_are_told_apart() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let expired = peer::token(&lab, &["--node", "late", "--ttl", "1s"]);
    let revoked = peer::token(&lab, &["--node", "late"]);
    lab.told(&["token", "revoke", &revoked.id_text()]);
    wait_for("the token to expire", || (state(&lab, &expired) == TokenState::Expired).then_some(()));
    for (token, word) in [(&expired, "expired"), (&revoked, "was revoked")] {
        let said = refusal(&join(&lab, "late", &token.to_text()));
        assert!(said.contains(&format!("token {} {word}", token.id_text())), "{said}");
        assert!(said.contains("hint: "), "{said}");
    }
    assert_eq!(names(&lab), ["bystander"]);
    // The same machine gets in with a good token and the key that it made before.
    let good = peer::token(&lab, &["--node", "late"]);
    assert!(join(&lab, "late", &good.to_text()).status.success());
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_mistyped_token_is_found_before_anybody_is_called() {
    let lab = Lab::start();
    let token = peer::token(&lab, &["--node", "clumsy"]);
    let text = token.to_text();
    let truncated = &text[..text.len() - 9];
    let mistyped = format!("{}{}{}", &text[..20], if &text[20..21] == "A" { "B" } else { "A" }, &text[21..]);
    for (shown, words) in [
        (truncated, "the token is incomplete or mistyped: its check sum does not match"),
        (mistyped.as_str(), "the token is incomplete or mistyped: its check sum does not match"),
        ("K10abc::server:def", "this is not a token: a token begins with `coord_`"),
        ("", "this is not a token: a token begins with `coord_`"),
    ] {
        let said = refusal(&join(&lab, "clumsy", shown));
        assert!(said.contains(words), "{said}");
        assert!(!lab.path("clumsy.state").exists(), "no key is made for a token that is none");
    }
    assert_eq!(state(&lab, &token), TokenState::Unused);
    assert!(join(&lab, "clumsy", &text).status.success());
}

#[test]
fn five_wrong_secrets_lock_a_token_and_only_that_one() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let token = peer::token(&lab, &["--node", "guessed"]);
    let key = Identity::generate().unwrap();
    for left in (0..5).rev() {
        let mut guess = token.clone();
        guess.secret[0] ^= 1 + left;
        let said = peer::error_words(&peer::show(&key, &guess, "guessed").unwrap_err());
        assert!(said.contains("the secret does not belong to token"), "{said}");
        assert!(said.contains(&format!("{left} more attempts")), "{said}");
    }
    let said = peer::error_words(&peer::show(&key, &token, "guessed").unwrap_err());
    assert!(said.contains("is locked after 5 wrong secrets") && said.contains("coordctl token create"), "{said}");
    assert_eq!(state(&lab, &token), TokenState::Locked);
    let _other = peer::enrol(&lab, "other");
    bystander.is_undisturbed(&lab);
}

#[test]
fn an_unknown_id_is_no_token_of_this_coordinator() {
    let lab = Lab::start();
    let mut token = peer::token(&lab, &["--node", "nobody"]);
    token.id = [7; 8];
    let said = peer::error_words(&peer::show(&Identity::generate().unwrap(), &token, "nobody").unwrap_err());
    assert!(said.contains("no token has the id \"0707070707070707\""), "{said}");
}

#[test]
fn tokens_for_people_and_for_machines_are_not_mixed_up() {
    let lab = Lab::start();
    let person = peer::token(&lab, &["--operator"]);
    let said = refusal(&join(&lab, "machine", &person.to_text()));
    assert!(said.contains("this token is for an operator, not for a machine"), "{said}");
    assert!(said.contains("hint: "), "{said}");
    let machine = peer::token(&lab, &["--node", "machine"]);
    let said = refusal(&context(&lab, "home", &machine.to_text()));
    assert!(said.contains("this token lets a machine in, not a person"), "{said}");
    assert!(said.contains("hint: ") && said.contains("coordctl token create --operator"), "{said}");
    assert_eq!((state(&lab, &person), state(&lab, &machine)), (TokenState::Unused, TokenState::Unused));
    let added = context(&lab, "home", &person.to_text());
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    assert!(join(&lab, "machine", &machine.to_text()).status.success());
}

#[test]
fn a_lost_reply_is_asked_for_again_with_the_same_key() {
    let lab = Lab::start();
    let token = peer::token(&lab, &["--node", "again"]);
    let key = Identity::generate().unwrap();
    let lost = peer::show(&key, &token, "again").unwrap();
    let got = peer::show(&key, &token, "again").unwrap();
    assert_eq!((&lost.id, &lost.name), (&got.id, &got.name));
    assert_eq!(got.id, key.key_id().unwrap());
    let said = peer::error_words(&peer::show(&Identity::generate().unwrap(), &token, "again").unwrap_err());
    assert!(said.contains("was already used by again"), "{said}");
    assert_eq!(names(&lab), ["again"]);
    // Whichever of the two replies arrived, its certificate opens a session.
    for (identity, number) in [(&lost, 1), (&got, 2)] {
        peer::Conversation::open(identity, peer::hello("again", number)).unwrap();
    }
}

#[test]
fn a_taken_name_is_refused_before_the_token_is_consumed() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let token = peer::token(&lab, &[]);
    let key = Identity::generate().unwrap();
    let said = peer::error_words(&peer::show(&key, &token, "bystander").unwrap_err());
    assert!(said.contains("the name \"bystander\" belongs to another identity"), "{said}");
    assert!(said.contains("coordctl token create --node bystander --replace"), "{said}");
    assert_eq!(state(&lab, &token), TokenState::Unused);
    assert_eq!(peer::show(&key, &token, "newcomer").unwrap().name, "newcomer");
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_name_that_breaks_the_rules_is_refused_and_shown_safely() {
    let lab = Lab::start();
    let token = peer::token(&lab, &[]);
    for bad in ["", "Upper", "a b", "-a", "x\u{1b}[31m", &"n".repeat(300), "\u{202e}evil"] {
        let evidence = coord_model::MachineEvidence::default();
        let key = Identity::generate().unwrap();
        let shown = coord_proto::client::enrol(&key, &token, &token.addresses, bad, evidence);
        let said = peer::error_words(&peer::wait(shown).unwrap_err());
        assert!(!said.chars().any(char::is_control) && said.len() < 1000, "{said:?}");
    }
    assert_eq!(state(&lab, &token), TokenState::Unused);
    assert!(names(&lab).is_empty());
}

#[test]
fn a_replacing_token_takes_name_and_identity_from_the_old_machine() {
    let lab = Lab::start();
    let old = peer::enrol(&lab, "pi");
    let (mut session, _) = peer::Conversation::open(&old, peer::hello("pi", 1)).unwrap();
    let token = peer::token(&lab, &["--node", "pi", "--replace"]);
    // Making the token changes nothing yet.
    assert_eq!(lab.status().nodes[0].id, old.id);
    let new = peer::show(&Identity::generate().unwrap(), &token, "pi").unwrap();
    session.until_end();
    let refused = peer::Conversation::open(&old, peer::hello("pi", 1)).unwrap_err();
    assert!(peer::words(&refused).contains("this identity was revoked"), "{refused}");
    let nodes = lab.status().nodes;
    assert_eq!(nodes.iter().map(|node| &node.id).collect::<Vec<_>>(), [&new.id]);
    peer::Conversation::open(&new, peer::hello("pi", 2)).unwrap();
}

#[test]
fn a_wrong_pin_keeps_the_secret_at_home() {
    let lab = Lab::start();
    let token = peer::token(&lab, &["--node", "careful"]);
    let mut wrong = token.clone();
    wrong.pin[0] ^= 1;
    let output = join(&lab, "careful", &wrong.to_text());
    let said = refusal(&output);
    assert!(said.contains("the coordinator's authority is not the one that the token names"), "{said}");
    assert_eq!(state(&lab, &token), TokenState::Unused);
    assert!(events(&lab, &format!("token/{}", token.id_text())).iter().all(|event| !event.message.contains("refused")));
    assert!(join(&lab, "careful", &token.to_text()).status.success());
}

#[test]
fn the_real_authority_appended_to_a_foreign_chain_gains_nothing() {
    let lab = Lab::start();
    let real = foreign::of_lab(&lab);
    let foreign = foreign::authority();
    let serving = foreign.serving("impostor").unwrap();
    let chain = [serving.certificate, foreign.certificate_der().to_vec(), real.certificate_der().to_vec()];
    let impostor = Impostor::start(&chain, &serving.key);
    let token = elsewhere(&peer::token(&lab, &["--node", "careful"]), &impostor);
    let output = join(&lab, "careful", &token.to_text());
    let said = refusal(&output);
    assert!(said.contains("cannot connect to") && said.contains("was not issued by the authority"), "{said}");
    let seen = wait_for("the impostor to see the end", || {
        let seen = impostor.seen();
        (seen.broken_off + seen.finished > 0).then_some(seen)
    });
    assert_eq!(seen, Seen { broken_off: 1, finished: 0, bytes: 0 }, "the secret must not leave");
    assert_eq!(state(&lab, &token), TokenState::Unused);
}

#[test]
fn a_refused_machine_keeps_its_key_and_nothing_else() {
    let lab = Lab::start();
    let token = peer::token(&lab, &["--node", "kept"]);
    lab.told(&["token", "revoke", &token.id_text()]);
    refusal(&join(&lab, "kept", &token.to_text())).clear();
    let file = lab.path("kept.state").join("identity.json");
    let before = Identity::load(&file).unwrap().unwrap();
    assert!(!before.enrolled());
    let good = peer::token(&lab, &["--node", "kept"]);
    assert!(join(&lab, "kept", &good.to_text()).status.success());
    let after = Identity::load(&file).unwrap().unwrap();
    assert_eq!(before.key_id().unwrap(), after.key_id().unwrap());
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}
