//! Verbs about nodes, and the numbers of their commands.

use std::time::Duration;

use coordinator::store::{
    generations::{self, GenerationRefusal, LARGEST_PLAUSIBLE},
    in_flight::{self, InFlight},
    nodes::{self, NodeRefusal},
    revocations,
};

use crate::scene::{NOW, scene};

#[test]
fn a_revoked_name_is_free_and_the_row_stays() {
    let mut scene = scene();
    scene.node("old", "pi");
    assert_eq!(nodes::revoke(&mut scene.database, "pi", NOW).unwrap().revoked_at, Some(NOW));
    nodes::revoke(&mut scene.database, "pi", NOW).unwrap();
    scene.node("new", "pi");
    assert_eq!(nodes::all(&scene.database).unwrap().len(), 2);
    assert_eq!(nodes::by_name(&scene.database, "pi").unwrap().id, "new");
}

#[test]
fn a_forgotten_node_is_gone_and_its_key_does_not_return() {
    let mut scene = scene();
    scene.node("key", "pi");
    nodes::forget(&mut scene.database, "pi", NOW).unwrap();
    assert!(nodes::all(&scene.database).unwrap().is_empty());
    assert!(revocations::is_revoked(&scene.database, "key").unwrap());
    assert!(matches!(nodes::by_name(&scene.database, "pi").unwrap_err(), NodeRefusal::NoSuchNode { .. }));
}

#[test]
fn a_rename_needs_a_free_and_good_name() {
    let mut scene = scene();
    scene.node("a", "a");
    scene.node("b", "b");
    assert!(matches!(nodes::rename(&mut scene.database, "a", "b").unwrap_err(), NodeRefusal::NameTaken { .. }));
    assert!(matches!(nodes::rename(&mut scene.database, "a", "B!").unwrap_err(), NodeRefusal::InvalidName(_)));
    assert!(matches!(nodes::rename(&mut scene.database, "x", "y").unwrap_err(), NodeRefusal::NoSuchNode { .. }));
    assert_eq!(nodes::rename(&mut scene.database, "a", "c").unwrap().id, "a");
    assert!(nodes::set_sometimes(&mut scene.database, "c", true).unwrap().sometimes);
    assert!(nodes::by_name(&scene.database, "c").unwrap().sometimes);
}

#[test]
fn generations_grow_above_both_sides() {
    let mut scene = scene();
    assert_eq!(generations::next(&mut scene.database, "n", 0).unwrap(), 1);
    assert_eq!(generations::next(&mut scene.database, "n", 0).unwrap(), 2);
    assert_eq!(generations::next(&mut scene.database, "n", 100).unwrap(), 101, "a restored store is behind the agent");
    assert_eq!(generations::next(&mut scene.database, "m", 0).unwrap(), 1);
    for claimed in [LARGEST_PLAUSIBLE + 1, u64::MAX] {
        let error = generations::next(&mut scene.database, "n", claimed).unwrap_err();
        assert!(matches!(error, GenerationRefusal::Implausible { .. }));
    }
    assert_eq!(generations::newest(&scene.database, "n").unwrap(), 101, "a refused claim changes nothing");
}

#[test]
fn commands_are_in_flight_until_their_outcome() {
    let mut scene = scene();
    let command = InFlight {
        key: "k".into(),
        node: "n".into(),
        generation: 7,
        action: "refresh gpu".into(),
        given: NOW,
        deadline: Duration::from_secs(10),
    };
    in_flight::put(&mut scene.database, &command).unwrap();
    assert_eq!(in_flight::all(&scene.database).unwrap(), [command]);
    assert!(!in_flight::finish(&mut scene.database, "another", "k").unwrap(), "a command is its node's to finish");
    assert!(in_flight::finish(&mut scene.database, "n", "k").unwrap());
    assert!(!in_flight::finish(&mut scene.database, "n", "k").unwrap());
}
