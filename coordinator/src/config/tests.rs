//! Golden texts of what people see when the file is wrong.

use std::path::Path;

use super::*;

fn wrong(text: &str) -> String {
    let layer = Layer::parse(text, Path::new("coordinator.yaml"));
    layer.and_then(Settings::check).unwrap_err().to_string()
}

fn settings(text: &str) -> Settings {
    Settings::check(Layer::parse(text, Path::new("coordinator.yaml")).unwrap()).unwrap()
}

#[test]
fn nothing_said_gives_the_defaults() {
    for text in ["", "\n", "# nothing\n", "{}"] {
        assert_eq!(settings(text), Settings::default(), "{text:?}");
    }
}

#[test]
fn everything_can_be_said() {
    let text = "data: /srv/coordinator\nlisten: '[::1]:1'\nhttp: 127.0.0.1:2\nsocket: /tmp/s\n\
                advertise: ['home:7443', '[fd00::1]:7443']\nlifetimes:\n  token: 30s\n  certificate: 1h\n  \
                operatorCertificate: 2d\n  rejoin: 3d\nheartbeat: 500ms\nfacts: 2s\nreconnectCap: 3s\nsilentAfter: 2\n\
                lostAfter: 4s\nlog: debug\nclock: assume-synchronised\n";
    let settings = settings(text);
    assert_eq!(settings.lifetimes.operator_certificate, Duration::from_secs(2 * 86_400));
    assert_eq!(settings.heartbeat, Duration::from_millis(500));
    assert_eq!((settings.log, settings.clock), (LogLevel::Debug, ClockSource::AssumeSynchronised));
    assert_eq!(settings.advertise.len(), 2);
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest() {
    assert_eq!(
        wrong("data: /srv\nhearbeat: 10s\n"),
        "coordinator.yaml:2:1: unknown key \"hearbeat\" (hint: did you mean heartbeat?)"
    );
    assert_eq!(
        wrong("lifetimes:\n  tokens: 10m\n"),
        "coordinator.yaml:2:3: unknown key \"tokens\" (hint: did you mean token?)"
    );
    assert!(wrong("xyz: 1\n").contains("(hint: known are data, listen, http, socket"));
}

#[test]
fn a_wrong_value_names_its_place() {
    assert_eq!(
        wrong("heartbeat: soon\n"),
        "coordinator.yaml:1:12: \"soon\" is no length of time: write a whole number and ms, s, m, h or d, as in 15m"
    );
    assert_eq!(wrong("lifetimes:\n  token: 29s\n"), "coordinator.yaml:2:10: \"29s\" is too short: at least 30s");
    assert_eq!(wrong("facts: 1ms\n"), "coordinator.yaml:1:8: \"1ms\" is too short: at least 100ms");
    assert!(wrong("log: loud\n").starts_with("coordinator.yaml:1:6: \"loud\" is none of error, warn, info, debug"));
    assert!(wrong("silentAfter: many\n").starts_with("coordinator.yaml:1:14: "));
    assert!(wrong("listen: here\n").starts_with("coordinator.yaml:1:9: "));
    assert!(wrong("data: [\n").starts_with("coordinator.yaml:"));
    assert!(wrong("data: a\ndata: b\n").starts_with("coordinator.yaml:2:1: "));
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    assert_eq!(
        wrong("lostAfter: 20s\n"),
        "settings contradict each other: lostAfter is shorter than 3 heartbeats, after which a node is silent"
    );
    assert!(wrong("silentAfter: 0\n").contains("at least one heartbeat"));
    assert!(wrong("advertise: ['home']\n").contains("\"home\" is not HOST:PORT"));
    assert!(wrong("advertise: ['fd00::1:7443']\n").contains("is not HOST:PORT"));
}

#[test]
fn the_stronger_source_wins_key_by_key() {
    let file = Layer::parse("facts: 9s\nlifetimes:\n  token: 1m\n  rejoin: 1d\n", Path::new("f")).unwrap();
    let lifetimes = LifetimesLayer { token: Some("2m".parse().unwrap()), ..LifetimesLayer::default() };
    let flags = Layer { lifetimes: Some(lifetimes), log: Some(LogLevel::Trace), ..Layer::default() };
    let settings = Settings::check(flags.over(file)).unwrap();
    assert_eq!(settings.lifetimes.token, Duration::from_secs(120));
    assert_eq!(settings.lifetimes.rejoin, Duration::from_secs(86_400));
    assert_eq!((settings.facts, settings.log), (Duration::from_secs(9), LogLevel::Trace));
}

#[test]
fn a_file_that_is_not_there_says_nothing_and_an_unreadable_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Layer::load(&folder.path().join("none.yaml")).unwrap(), None);
    assert!(matches!(Layer::load(folder.path()).unwrap_err(), ConfigError::File { .. }));
}
