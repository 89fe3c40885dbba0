//! Peers of other versions and peers that are no peers: what a newer one says is passed over, nonsense ends one stream.

use std::time::Duration;

use coord_model::{
    AgentMessage, AnySection, Code, CoordinatorMessage, EndReason, NodeDetail, Outcome, OutcomeResult, PROTOCOL,
    Section, SectionKind, section,
};
use coord_tests::{
    lab::{Lab, Running, hosts, wait_for},
    peer,
    raw::{self, BROKEN, RawSession, field, number},
    scripted::{self, Scripted},
};

/// A field of a message that no version of ours knows.
fn newer() -> Vec<u8> {
    field(900, b"from the next minor version")
}

fn platform() -> AnySection {
    let facts = section::Platform { label: Some("next minor".into()), ..section::Platform::default() };
    AnySection::Platform(Section::read("test", facts))
}

#[test]
fn an_agent_of_the_next_minor_version_is_understood_as_far_as_it_goes() {
    let lab = Lab::start();
    let identity = peer::enrol(&lab, "newer");
    let mut session = RawSession::open(raw::connection(&identity, 65_535)).expect("a session");
    let mut hello = peer::hello("newer", 7);
    hello.protocol = PROTOCOL + 1;
    hello.features = vec!["telepathy".into()];
    // Unknown fields beside the known ones, inside and outside.
    let plain = raw::agent(AgentMessage::Hello(hello));
    session.say([plain, newer()].concat());
    let Ok(Some(CoordinatorMessage::Welcome(welcome))) = session.hear() else { panic!("no Welcome") };
    assert_eq!(welcome.protocol, PROTOCOL, "the smaller of the two");
    assert!(matches!(session.hear(), Ok(Some(CoordinatorMessage::Expect(_)))));

    session.say(newer());
    let strange = [number(1, 77), field(5, b"facts of a subject of the future")].concat();
    let known = coord_proto::border::encode_section(platform());
    session.say(field(
        2,
        &[number(1, 1), number(2, 1), field(3, &strange), field(3, &[known, newer()].concat()), newer()].concat(),
    ));
    assert_eq!(session.hear().expect("an answer"), Some(CoordinatorMessage::SectionsHeard { sequence: 1 }));
    session.say(raw::agent(AgentMessage::Heartbeat { number: 5 }));
    assert_eq!(session.hear().expect("an answer"), Some(CoordinatorMessage::HeartbeatHeard { number: 5 }));

    let node = lab.wait_node("newer", "to have reported", |node| node.platform.is_some());
    assert_eq!(node.platform.as_deref(), Some("next minor"));
    let skew = node.problems.iter().find(|problem| problem.code == Code::ProtocolSkew).expect("it is said");
    assert!(skew.message.contains("newer"), "{skew:?}");
    assert!(!node.problems.iter().any(|problem| problem.code == Code::SectionRefused), "{node:?}");
}

#[test]
fn words_of_the_future_are_kept_as_numbers() {
    let lab = Lab::start();
    let identity = peer::enrol(&lab, "newer");
    let (mut session, _) = peer::Conversation::open(&identity, peer::hello("newer", 7)).expect("a session");
    let facts = section::Mounts {
        mounts: Some(vec![section::Mount {
            server: Some("nas".into()),
            state: Some(section::MountState::Unrecognised(4711)),
            ..section::Mount::default()
        }]),
        ..section::Mounts::default()
    };
    let sections = vec![AnySection::Mounts(Section::read("test", facts))];
    session.say(AgentMessage::Sections { sequence: 1, whole: true, sections, refused: Vec::new(), unknown: 0 });
    wait_for("the report to be heard", || {
        matches!(session.hear().expect("a session"), Some(CoordinatorMessage::SectionsHeard { .. })).then_some(())
    });
    let text = lab.told(&["-o", "json", "describe", "node", "newer"]);
    let node: NodeDetail = serde_json::from_str(&text).expect("a document");
    let mounts = node.report.mounts.and_then(|section| section.facts).and_then(|facts| facts.mounts).expect("mounts");
    assert_eq!(mounts[0].state, Some(section::MountState::Unrecognised(4711)));
    assert!(text.contains("unrecognised-4711"), "{text}");
}

#[test]
fn any_protocol_number_gets_the_smaller_one_and_is_shown() {
    let lab = Lab::start();
    for (name, protocol) in [("zero", 0), ("two", 2), ("huge", u32::MAX)] {
        let identity = peer::enrol(&lab, name);
        let (_session, welcome) =
            peer::Conversation::open(&identity, coord_model::Hello { protocol, ..peer::hello(name, 9) })
                .expect("a session");
        assert_eq!(welcome.protocol, protocol.min(PROTOCOL));
        let node = lab.wait_node(name, "to be heard", |node| node.last_seen_seconds.is_some());
        assert!(node.problems.iter().any(|problem| problem.code == Code::ProtocolSkew), "{node:?}");
    }
}

fn agent(lab: &Lab, coordinator: &Scripted, name: &str) -> Running {
    coordinator.admit(lab, name);
    let mut command = lab.agent_command(name);
    Running(command.arg("--root").arg(hosts().join("k3s-w1")).spawn().expect("the agent starts"))
}

fn outcome(coordinator: &Scripted, key: &str) -> Outcome {
    wait_for(&format!("the outcome of {key}"), || {
        coordinator.said().into_iter().find_map(|said| match said.message {
            AgentMessage::Outcome(outcome) if outcome.key == key => Some(outcome),
            _ => None,
        })
    })
}

/// A command by its fields: `action` is everything beside key, generation, epoch and deadline.
fn command(key: &str, generation: u64, epoch: u64, action: Vec<u8>) -> Vec<u8> {
    let fields = [field(1, key.as_bytes()), number(2, generation), number(3, epoch), number(4, 20_000), action];
    field(3, &fields.concat())
}

#[test]
fn an_agent_answers_a_coordinator_of_the_next_minor_version() {
    let lab = Lab::prepare("");
    let coordinator = Scripted::start(|_, message| {
        let mut answers = scripted::polite(message);
        if matches!(message, AgentMessage::Hello(_)) {
            let mut welcome = scripted::welcome();
            welcome.protocol = PROTOCOL + 1;
            answers = vec![[raw::coordinator(CoordinatorMessage::Welcome(welcome)), newer()].concat(), newer()];
            answers.push(command("future", 1, 1, field(11, b"an action of the future")));
            answers.push(command("old", 1, 1, field(10, b"")));
            answers.push(command("strange-section", 2, 1, field(10, &field(1, &[99]))));
            answers.push(command("known", 3, 1, [field(10, &field(1, &[3])), newer()].concat()));
        }
        Some(answers)
    });
    let _agent = agent(&lab, &coordinator, "actor");
    assert_eq!(outcome(&coordinator, "future").result, OutcomeResult::Unsupported);
    assert_eq!(outcome(&coordinator, "old").result, OutcomeResult::Stale, "its generation was used");
    assert_eq!(outcome(&coordinator, "strange-section").result, OutcomeResult::Done);
    assert_eq!(outcome(&coordinator, "known").result, OutcomeResult::Done);
    assert_eq!(coordinator.sessions(), 1, "{}", lab.agent_log("actor"));
}

#[test]
fn an_agent_obeys_no_older_epoch_also_after_a_restart() {
    let lab = Lab::prepare("");
    let newer = Scripted::start(|_, message| {
        let mut answers = scripted::polite(message);
        if matches!(message, AgentMessage::Hello(_)) {
            let welcome = coord_model::Welcome { epoch: 5, ..scripted::welcome() };
            answers =
                vec![raw::coordinator(CoordinatorMessage::Welcome(welcome)), command("first", 8, 5, field(10, b""))];
        }
        Some(answers)
    });
    let mut running = agent(&lab, &newer, "actor");
    assert_eq!(outcome(&newer, "first").result, OutcomeResult::Done);
    running.stop();
    let mut again = lab.agent_command("actor");
    let _agent = Running(again.arg("--root").arg(hosts().join("k3s-w1")).spawn().expect("the agent starts"));
    let hello = wait_for("the second Hello", || {
        newer.said().into_iter().filter(|said| said.session == 2).find_map(|said| match said.message {
            AgentMessage::Hello(hello) => Some(hello),
            _ => None,
        })
    });
    assert_eq!((hello.newest_generation, hello.newest_epoch), (8, 5));
    let repeated = wait_for("the answer to the repeated command", || {
        newer.said().into_iter().filter(|said| said.session == 2).find_map(|said| match said.message {
            AgentMessage::Outcome(outcome) => Some(outcome),
            _ => None,
        })
    });
    assert_eq!(repeated.result, OutcomeResult::Stale);
}

#[test]
fn three_broken_frames_in_a_row_make_the_agent_wait() {
    let lab = Lab::prepare("");
    let nonsense = Scripted::start(|_, message| match message {
        AgentMessage::Hello(_) => Some([scripted::polite(message), vec![BROKEN.to_vec()]].concat()),
        _ => Some(scripted::polite(message)),
    });
    // Three misfortunes that are no broken frames, as a measure of time: it comes back within 300 ms each time.
    let unlucky = Scripted::start(|session, message| match message {
        AgentMessage::Heartbeat { .. } if session < 12 => None,
        _ => Some(scripted::polite(message)),
    });
    let _waiting = agent(&lab, &nonsense, "waiting");
    wait_for("three sessions", || (nonsense.sessions() >= 3).then_some(()));
    let _restless = agent(&lab, &unlucky, "restless");
    wait_for("twelve sessions of another agent", || (unlucky.sessions() >= 12).then_some(()));
    let log = lab.agent_log("waiting");
    assert_eq!(nonsense.sessions(), 3, "{log}");
    assert!(log.contains("broken frame") && log.contains("300 s"), "{log}");
}

#[test]
fn a_coordinator_that_says_nothing_good_is_left_and_tried_again() {
    let lab = Lab::prepare("");
    let rude = Scripted::start(|session, message| match (session, message) {
        // No Welcome, then a refusal, then two Welcomes, then the truth.
        (1, _) => Some(vec![raw::coordinator(CoordinatorMessage::HeartbeatHeard { number: 1 })]),
        (2, _) => {
            let end = CoordinatorMessage::End { reason: EndReason::Stopping, message: "later".into() };
            Some(vec![raw::coordinator(end)])
        }
        (3, AgentMessage::Hello(_)) => {
            Some([scripted::polite(message), vec![newer()], scripted::polite(message)].concat())
        }
        _ => Some(scripted::polite(message)),
    });
    let _agent = agent(&lab, &rude, "patient");
    wait_for("a report in the fourth session", || {
        let said = rude.said();
        let report = |said: &scripted::Said| said.session == 4 && matches!(said.message, AgentMessage::Sections { .. });
        said.iter().any(report).then_some(())
    });
}

#[test]
fn intervals_that_make_no_sense_are_bounded() {
    let lab = Lab::prepare("");
    let hasty = Scripted::start(|_, message| {
        let mut answers = scripted::polite(message);
        if matches!(message, AgentMessage::Hello(_)) {
            let welcome = coord_model::Welcome {
                heartbeat: Duration::ZERO,
                facts: Duration::ZERO,
                reconnect_cap: Duration::MAX,
                ..scripted::welcome()
            };
            answers = vec![raw::coordinator(CoordinatorMessage::Welcome(welcome))];
        }
        Some(answers)
    });
    let _agent = agent(&lab, &hasty, "calm");
    let beats = |said: &[scripted::Said]| -> Vec<std::time::Instant> {
        said.iter().filter(|said| matches!(said.message, AgentMessage::Heartbeat { .. })).map(|said| said.at).collect()
    };
    let times = wait_for("ten heartbeats", || Some(beats(&hasty.said())).filter(|beats| beats.len() >= 10));
    let took = times[9].duration_since(times[0]);
    assert!(took > Duration::from_secs(1), "nine heartbeats took {took:?}");
    assert_eq!(SectionKind::ALL.len(), 11);
}
