//! The lane against an engine of the test's own, which answers as the API's documentation says.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::{UnixListener, UnixStream},
};

use proptest::prelude::*;

use super::{super::ground::tests::machine, *};

const VERSION: &str = r#"{"Platform":{"Name":"x"},"Version":"27.5.1","ApiVersion":"1.47","MinAPIVersion":"1.24"}"#;
const WORKER: &str = r#"{"Id":"1","State":{"Status":"running","Health":{"Status":"healthy"}},
    "Config":{"Image":"worker:1","Env":["TOKEN=secret"]}}"#;
const PLAIN: &str = r#"{"State":{"Status":"exited"},"Config":{"Image":"plain:2"}}"#;

/// Answers every connection with what `answer` says of a path; `None` says nothing more.
fn engine(ground: &Ground, answer: fn(&str) -> Option<(u16, &'static str)>) {
    let place = ground.place("/run/docker.sock");
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(place).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || talk(&stream, answer));
        }
    });
}

/// One connection; bodies go out in chunks, as Docker sends them.
fn talk(mut stream: &UnixStream, answer: fn(&str) -> Option<(u16, &'static str)>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(line) = lines.next() {
        while lines.next().is_some_and(|line| !line.is_empty()) {}
        let Some((status, body)) = answer(line.split(' ').nth(1).unwrap()) else {
            // Holds the connection open for as long as the peer does.
            lines.next();
            return;
        };
        let head = format!("HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n");
        let text = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        stream.write_all(text.as_bytes()).unwrap();
    }
}

fn ordinary(path: &str) -> Option<(u16, &'static str)> {
    match path {
        "/version" => Some((200, VERSION)),
        "/v1.47/containers/worker/json" => Some((200, WORKER)),
        "/v1.47/containers/plain/json" => Some((200, PLAIN)),
        "/v1.47/containers/broken/json" => Some((200, "{\"secret\": ")),
        "/v1.47/containers/late/json" => None,
        _ => Some((404, "{\"message\":\"No such container\"}")),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

#[test]
fn containers_are_told_by_three_words() {
    let (_folder, ground) = machine(&[]);
    engine(&ground, ordinary);
    let wanted = names(&["worker", "plain", "gone", "../version", "broken"]);
    let (version, rows) = ask(&ground, &wanted, soon());
    let rows = rows.unwrap();
    assert_eq!(version, Ok("27.5.1".to_string()));
    let word = |row: usize| (rows[row].state.as_deref(), rows[row].health.as_deref(), rows[row].image.as_deref());
    assert_eq!(word(0), (Some("running"), Some("healthy"), Some("worker:1")));
    assert_eq!(word(1), (Some("exited"), None, Some("plain:2")));
    let reason = |row: usize| rows[row].unknown["state"].state;
    assert_eq!(reason(2), ValueState::Absent);
    assert_eq!((reason(3), reason(4)), (ValueState::Error, ValueState::Error));
    assert!(!serde_json::to_string(&rows).unwrap().contains("secret"));
}

#[test]
fn an_engine_that_stops_answering_keeps_what_it_said() {
    let (_folder, ground) = machine(&[]);
    engine(&ground, ordinary);
    // The first answers come at once; the deadline is what ends the last one.
    let (version, rows) = ask(&ground, &names(&["worker", "late"]), Instant::now() + Duration::from_secs(2));
    let rows = rows.unwrap();
    assert_eq!(version, Ok("27.5.1".to_string()));
    assert_eq!(rows[0].state.as_deref(), Some("running"));
    assert_eq!(rows[1].unknown["state"].state, ValueState::Timeout);
}

#[test]
fn no_engine_and_one_that_was_stopped_are_absent() {
    let (_folder, ground) = machine(&[]);
    assert_eq!(ask(&ground, &[], soon()).0.unwrap_err().state, ValueState::Absent);
    std::fs::create_dir_all(ground.place("/run")).unwrap();
    drop(UnixListener::bind(ground.place("/run/docker.sock")).unwrap());
    assert_eq!(ask(&ground, &[], soon()).1.unwrap_err().message, "the Docker engine does not run");
}

#[test]
fn the_newest_version_that_both_know_is_spoken() {
    let agreed = |newest: &str, oldest: &str| {
        let engine =
            EngineVersion { api_version: newest.into(), min_api_version: oldest.into(), ..EngineVersion::default() };
        Version::agreed(&engine)
    };
    assert_eq!(agreed("1.41", "1.12"), Some(Version(1, 41)));
    assert_eq!(agreed("1.60", "1.24"), Some(NEWEST));
    assert_eq!(agreed("1.99", "1.60"), Some(Version(1, 60)));
    assert_eq!(agreed("none", "1.60"), None);
}

proptest! {
    #[test]
    fn a_name_never_leaves_its_place_in_the_path(text in ".*") {
        if is_name(&text) {
            prop_assert!(!text.contains(['/', '?', '#', '%', ' ']) && text != "..");
        }
    }

    #[test]
    fn no_bytes_break_it(bytes: Vec<u8>, text in ".*") {
        let _ = serde_json::from_slice::<Inspection>(&bytes);
        let _ = serde_json::from_slice::<EngineVersion>(&bytes);
        let _ = Version::parse(&text);
    }
}
