//! Peers with a good certificate and bad manners: each costs itself only. Beside them runs an agent that must not notice.

use std::time::{Duration, Instant};

use coord_model::{
    AgentMessage, AnySection, Code, CoordinatorMessage, EndReason, Hello, NodeDetail, Outcome, OutcomeResult, PROTOCOL,
    RefreshNode, Section, SectionKind, section,
};
use coord_tests::{
    bystander::{Bystander, events},
    frames,
    lab::{Lab, wait_for},
    peer::{self, Conversation},
    raw::{self, BROKEN, RawSession},
};

/// A lab with a good agent, and a bad one's identity.
fn lab() -> (Lab, Bystander, coord_proto::identity::Identity) {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let identity = peer::enrol(&lab, "bad");
    (lab, bystander, identity)
}

fn gpu(name: String) -> AnySection {
    let device = section::GpuDevice { name: Some(name), ..section::GpuDevice::default() };
    AnySection::Gpu(Section::read("test", section::Gpu { devices: Some(vec![device]), ..section::Gpu::default() }))
}

fn network(name: &str) -> AnySection {
    let facts = section::Network { host_name: Some(name.into()), ..section::Network::default() };
    AnySection::Network(Section::read("test", facts))
}

/// A disk section with `rows` file systems of about 100 bytes each.
fn disk(rows: usize) -> AnySection {
    let row = section::Filesystem { path: Some("x".repeat(96)), ..section::Filesystem::default() };
    let facts = section::Disk { filesystems: Some(vec![row; rows]), ..section::Disk::default() };
    AnySection::Disk(Section::read("test", facts))
}

fn sections(sequence: u64, sections: Vec<AnySection>) -> AgentMessage {
    AgentMessage::Sections { sequence, whole: sequence == 1, sections, refused: Vec::new(), unknown: 0 }
}

/// Says a message of sections and hears until it is taken in; what was refused of it.
fn tell(session: &mut Conversation, message: AgentMessage) -> Vec<(SectionKind, String, String)> {
    session.say(message);
    let mut refused = Vec::new();
    loop {
        match session.hear().expect("the stream goes on") {
            Some(CoordinatorMessage::SectionRefused(refusal)) => {
                refused.push((refusal.section, refusal.field, refusal.message));
            }
            Some(CoordinatorMessage::SectionsHeard { .. }) => return refused,
            Some(CoordinatorMessage::End { reason, message }) => panic!("it ended: {reason} {message}"),
            Some(_) => {}
            None => panic!("the stream is over"),
        }
    }
}

fn detail(lab: &Lab, name: &str) -> NodeDetail {
    serde_json::from_str(&lab.told(&["-o", "json", "describe", "node", name])).expect("a node's document")
}

#[test]
fn a_bad_section_costs_itself_and_names_its_field() {
    let (lab, bystander, identity) = lab();
    let (mut session, _) = Conversation::open(&identity, peer::hello("bad", 1)).expect("a session");
    assert_eq!(tell(&mut session, sections(1, vec![gpu("good".into()), disk(3), network("first")])), []);

    let bad = [
        (gpu("a\u{1b}[2Jb".into()), "devices[0].name", "control character U+001B"),
        (gpu("line\nbreak".into()), "devices[0].name", "control character U+000A"),
        (gpu("\u{9b}31m".into()), "devices[0].name", "control character U+009B"),
        (gpu("x".repeat(5000)), "devices[0].name", "5000 bytes, 4096 are allowed"),
        (gpu("x".repeat(1_000_000)), "facts", "32768 are allowed"),
        (disk(400), "facts", "32768 are allowed"),
    ];
    for (number, (section, field, why)) in (2..).zip(bad) {
        let kind = section.kind();
        let fresh = network(&format!("name-{number}"));
        let refused = tell(&mut session, sections(number, vec![section, fresh]));
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!((refused[0].0, refused[0].1.as_str()), (kind, field));
        assert!(refused[0].2.contains(why) && refused[0].2.len() < 200, "{refused:?}");
        let node = detail(&lab, "bad");
        let facts = node.report.network.and_then(|section| section.facts).expect("the good one beside it");
        assert_eq!(facts.host_name, Some(format!("name-{number}")));
        let about = format!("section {kind}, field {field} was refused");
        let problem = node.node.problems.iter().find(|problem| problem.message.starts_with(&about));
        let problem = problem.unwrap_or_else(|| panic!("{:?}", node.node.problems));
        assert_eq!(problem.code, Code::SectionRefused);
    }
    let report = detail(&lab, "bad").report;
    let devices =
        report.gpu.and_then(|section| section.facts).and_then(|facts| facts.devices).expect("the last good one");
    assert_eq!(devices[0].name.as_deref(), Some("good"));
    assert_eq!(
        report.disk.and_then(|section| section.facts).and_then(|facts| facts.filesystems).map(|rows| rows.len()),
        Some(3)
    );
    // A good one again ends the reproach.
    assert_eq!(tell(&mut session, sections(9, vec![gpu("better".into()), disk(1)])), []);
    let problems = detail(&lab, "bad").node.problems;
    assert!(!problems.iter().any(|problem| problem.code == Code::SectionRefused), "{problems:?}");
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_hello_that_cannot_be_used_is_refused_by_its_field() {
    let (lab, bystander, identity) = lab();
    let hello = || peer::hello("bad", 1);
    let with = |change: &dyn Fn(&mut Hello)| {
        let mut hello = hello();
        change(&mut hello);
        hello
    };
    let bad: [(Hello, &str); 7] = [
        (with(&|hello| hello.version = "x".repeat(1_000_000)), "hello.version: has 1000000 bytes"),
        (with(&|hello| hello.version = "1\u{7}".into()), "hello.version: has the control character U+0007"),
        (with(&|hello| hello.boot_id = "\r".into()), "hello.bootId: has the control character"),
        (with(&|hello| hello.evidence.host_name = "a\u{1b}]0;b".into()), "hello.evidence.hostName: has the control"),
        (with(&|hello| hello.evidence.macs = vec!["m".into(); 100_000]), "hello.evidence.macs: has 100000 rows"),
        (with(&|hello| hello.features = vec![String::new(), "\n".into()]), "hello.features[1]: has the control"),
        (with(&|hello| hello.version = "x".repeat(2 << 20)), "too large"),
    ];
    for (hello, words) in bad {
        let status = Conversation::open(&identity, hello).expect_err(words);
        assert!(status.message().contains(words) && status.message().len() < 300, "{words}: {status:?}");
    }
    let (_, welcome) = Conversation::open(&identity, hello()).expect("nothing is held against it");
    assert_eq!((welcome.name.as_str(), welcome.protocol), ("bad", PROTOCOL));
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_broken_frame_ends_its_stream_only() {
    let (lab, bystander, identity) = lab();
    let channel = raw::connection(&identity, 65_535);
    let huge = raw::agent(sections(1, vec![gpu("x".repeat(2 << 20))]));
    for (broken, words) in
        [(BROKEN.to_vec(), "broken frame"), (vec![0x0a, 0xff, 0x01], "broken frame"), (huge, "too large")]
    {
        let mut session = RawSession::open(channel.clone()).expect("a session");
        session.say(raw::agent(AgentMessage::Hello(peer::hello("bad", 1))));
        assert!(matches!(session.hear(), Ok(Some(CoordinatorMessage::Welcome(_)))));
        session.say(broken);
        let (said, _) = session.rest();
        let Some(CoordinatorMessage::End { reason, message }) = said.last() else { panic!("{said:?}") };
        assert_eq!(*reason, EndReason::Misbehaved);
        assert!(message.contains(words), "{message}");
    }
    // The next stream of the same connection is as good as any.
    let mut session = RawSession::open(channel).expect("a session");
    session.say(raw::agent(AgentMessage::Hello(peer::hello("bad", 1))));
    assert!(matches!(session.hear(), Ok(Some(CoordinatorMessage::Welcome(_)))));
    bystander.is_undisturbed(&lab);
}

#[test]
fn rules_of_the_conversation_are_kept_or_it_ends_with_a_reason() {
    let (lab, bystander, identity) = lab();
    let open = || Conversation::open(&identity, peer::hello("bad", 1)).expect("a session").0;

    let mut session = open();
    assert_eq!(tell(&mut session, sections(5, vec![network("a")])), []);
    session.say(sections(4, vec![network("b")]));
    let back = (EndReason::Misbehaved, "sequence number 4 came after 5".to_owned());
    assert_eq!(session.until_end(), Some(back));
    let mut session = open();
    session.say(sections(0, vec![network("c")]));
    assert_eq!(session.until_end().map(|end| end.0), Some(EndReason::Misbehaved));
    let name = detail(&lab, "bad").report.network.and_then(|section| section.facts).and_then(|facts| facts.host_name);
    assert_eq!(name.as_deref(), Some("a"), "nothing of a wrong message is taken");

    let mut session = open();
    session.say(AgentMessage::Hello(peer::hello("bad", 1)));
    assert_eq!(session.until_end(), Some((EndReason::Misbehaved, "a second Hello".to_owned())));

    let mut session = RawSession::open(raw::connection(&identity, 65_535)).expect("a session");
    session.say(raw::agent(AgentMessage::Heartbeat { number: 1 }));
    let (said, _) = session.rest();
    let [CoordinatorMessage::End { reason, message }] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((*reason, message.as_str()), (EndReason::Misbehaved, "a session begins with Hello"));

    let silent = Instant::now();
    let mut session = RawSession::open(raw::connection(&identity, 65_535)).expect("a session");
    let (said, _) = session.rest();
    let [CoordinatorMessage::End { reason, message }] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((*reason, message.as_str()), (EndReason::Silent, "no Hello within 5 s"));
    assert!(silent.elapsed() > Duration::from_secs(4), "{:?}", silent.elapsed());
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_generation_that_no_coordinator_gave_is_shown_and_stops_commands() {
    let (lab, bystander, identity) = lab();
    let boast = Hello { newest_generation: u64::MAX, ..peer::hello("bad", 1) };
    let (_session, _) = Conversation::open(&identity, boast).expect("a session");
    let node = detail(&lab, "bad").node;
    assert!(node.problems.iter().any(|problem| problem.code == Code::GenerationImplausible), "{:?}", node.problems);
    let check = lab.ask(&["check", "--node", "bad"]);
    let text = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(text.contains("has not read again"), "{text}");
    // One honest Hello later the number is forgotten, and generations of others were never touched.
    let (_session, _) = Conversation::open(&identity, peer::hello("bad", 1)).expect("a session");
    let problems = detail(&lab, "bad").node.problems;
    assert!(!problems.iter().any(|problem| problem.code == Code::GenerationImplausible), "{problems:?}");
    bystander.is_undisturbed(&lab);
}

#[test]
fn an_outcome_that_nobody_waits_for_changes_nothing() {
    let (lab, bystander, identity) = lab();
    let (mut session, _) = Conversation::open(&identity, peer::hello("bad", 1)).expect("a session");
    let outcome =
        Outcome { key: "nobody".into(), generation: 7, result: OutcomeResult::Unrecognised(99), message: "hm".into() };
    session.say(AgentMessage::Outcome(outcome));
    wait_for("it to be acknowledged", || {
        matches!(session.hear().expect("a session"), Some(CoordinatorMessage::OutcomeHeard { key }) if key == "nobody")
            .then_some(())
    });
    bystander.is_undisturbed(&lab);
}

/// Opens 1 000 sessions at once, all with a good Hello.
#[test]
fn a_thousand_streams_of_one_connection_disturb_nobody() {
    let (lab, bystander, identity) = lab();
    let channel = raw::connection(&identity, 65_535);
    let (send, mut done) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..1000 {
        let (channel, send) = (channel.clone(), send.clone());
        peer::start(async move {
            let (say, receive) = tokio::sync::mpsc::channel(1);
            // One process: each new session takes the place of the one before.
            let _ = say.send(AgentMessage::Hello(peer::hello("bad", 1))).await;
            let mut agents = coord_proto::client::agents(channel);
            let answer = agents.session(tokio_stream::wrappers::ReceiverStream::new(receive)).await;
            let welcomed = match answer {
                Ok(answer) => matches!(answer.into_inner().message().await, Ok(Some(CoordinatorMessage::Welcome(_)))),
                Err(_) => false,
            };
            let _ = send.send((number, welcomed));
        });
    }
    drop(send);
    let mut slowest = Duration::ZERO;
    let mut answered = 0;
    wait_for("all streams to have had their turn", || {
        while let Ok((_, welcomed)) = done.try_recv() {
            answered += usize::from(welcomed);
        }
        let asked = Instant::now();
        assert_eq!(lab.status().nodes.len(), 2);
        slowest = slowest.max(asked.elapsed());
        (answered >= 900).then_some(())
    });
    assert!(slowest < Duration::from_secs(5), "status took {slowest:?}");
    bystander.is_undisturbed(&lab);
    let problems = detail(&lab, "bad").node.problems;
    assert!(!problems.iter().any(|problem| problem.code == Code::ClonedIdentity), "{problems:?}");
}

#[test]
fn streams_beyond_the_limit_are_refused_one_by_one() {
    let (lab, bystander, identity) = lab();
    let refused = peer::wait(async {
        let stream = raw::dial(&identity).await;
        frames::thousand_streams(stream, "/coord.v1.Agents/Session").await
    });
    assert!(refused.opened <= 16 || refused.closed, "{refused:?}");
    assert!(refused.refused > 0 || refused.closed, "{refused:?}");
    let (_, welcome) = Conversation::open(&identity, peer::hello("bad", 1)).expect("another connection is welcome");
    assert_eq!(welcome.name, "bad");
    bystander.is_undisturbed(&lab);
}

/// A client that reads nothing, neither of the network nor of TLS: its window is closed from the beginning.
#[test]
fn a_client_that_never_reads_is_ended_when_64_commands_wait() {
    let lab = Lab::with("heartbeat: 10s\nfacts: 1h\nreconnectCap: 1s\n");
    let bystander = Bystander::start(&lab);
    let identity = peer::enrol(&lab, "deaf");
    let session = RawSession::open(raw::connection(&identity, 0)).expect("a session");
    session.say(raw::agent(AgentMessage::Hello(peer::hello("deaf", 1))));
    wait_for("its session to begin", || {
        events(&lab, "deaf").iter().any(|event| event.message.starts_with("session began")).then_some(())
    });
    let (send, mut answers) = tokio::sync::mpsc::unbounded_channel();
    // Eight connections, since each carries sixteen calls at once.
    for _ in 0..8 {
        let control = peer::control(&lab);
        for _ in 0..14 {
            let (mut control, send) = (control.clone(), send.clone());
            peer::start(async move {
                let wish = RefreshNode {
                    name: "deaf".into(),
                    sections: Vec::new(),
                    measures: Vec::new(),
                    deadline: Duration::from_secs(60),
                };
                let _ = send.send(control.refresh(wish).await);
            });
        }
    }
    let mut slowest = Duration::ZERO;
    let refused = wait_for("a command to find no room", || {
        let asked = Instant::now();
        assert_eq!(lab.status().nodes.len(), 2);
        slowest = slowest.max(asked.elapsed());
        match answers.try_recv() {
            // Whoever asked after the session was ended may be answered first.
            Ok(Err(status)) => Some(status).filter(|status| !status.message().contains("not connected")),
            Ok(Ok(done)) => panic!("a client that never reads did something: {done:?}"),
            Err(_) => None,
        }
    });
    assert!(refused.message().contains("64 commands already wait"), "{refused:?}");
    let ended = wait_for("the session to be ended", || {
        events(&lab, "deaf").into_iter().find(|event| event.message.starts_with("session ended"))
    });
    assert_eq!(ended.message, "session ended: 64 commands waited");
    assert!(slowest < Duration::from_secs(5), "status took {slowest:?}");
    assert!(lab.ask(&["check", "--node", "bystander"]).status.code().is_some_and(|code| code == 0 || code == 3));
    bystander.is_undisturbed(&lab);
}

/// A client that says heartbeats and never reads what is answered.
#[test]
fn a_client_that_only_talks_is_ended() {
    let (lab, bystander, identity) = lab();
    let session = RawSession::open(raw::connection(&identity, 0)).expect("a session");
    session.say(raw::agent(AgentMessage::Hello(peer::hello("bad", 1))));
    let mut number = 0;
    let ended = wait_for("the session to be ended", || {
        number += 1;
        session.say(raw::agent(AgentMessage::Heartbeat { number }));
        events(&lab, "bad").into_iter().find(|event| event.message.starts_with("session ended"))
    });
    assert_eq!(ended.message, "session ended: the agent does not read");
    bystander.is_undisturbed(&lab);
}
