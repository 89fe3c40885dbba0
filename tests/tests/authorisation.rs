//! Who may do what: one table of call and role, proven over real connections, and the limits for strangers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use coord_model::{
    AcceptProblem, AdoptLabels, AdoptOneTaint, AgentMessage, AnySection, ApplyClusterFile, ApplyPlan, Approve,
    CreateToken, Enrol, NameNode, Nothing, PauseSubject, Read, RefreshNode, Rejoin, RenameNode, Renew, ResumeSubject,
    RevokeToken, Section, ViewKind, WithdrawProblem, section,
};
use coord_proto::{
    client::{self, Agents, Control},
    identity::{Identity, Role},
};
use coord_tests::{
    bystander::Bystander,
    foreign::{self, Impostor, Seen},
    lab::{Lab, wait_for},
    peer::{self, Conversation, hello},
};
use tonic::{Code, Status};

fn read() -> Read {
    Read { view: ViewKind::Status, name: String::new(), after: 0 }
}

/// How every call of `Control` ends for this caller.
fn every_control_call(control: &mut Control) -> Vec<(&'static str, Status)> {
    let name = || NameNode { name: "bystander".into() };
    let approve = Approve { name: "bystander".into(), all_known: false };
    let rename = RenameNode { name: "bystander".into(), new_name: "stolen".into() };
    let refresh =
        RefreshNode { name: "bystander".into(), sections: Vec::new(), measures: Vec::new(), deadline: Duration::ZERO };
    peer::wait(async {
        vec![
            ("Read", control.read(read()).await.unwrap_err()),
            ("Watch", control.watch(read()).await.unwrap_err()),
            ("CreateToken", control.create_token(CreateToken::default()).await.unwrap_err()),
            ("RevokeToken", control.revoke_token(RevokeToken { id: "a".into() }).await.unwrap_err()),
            ("Approve", control.approve(approve).await.unwrap_err()),
            ("Rename", control.rename(rename).await.unwrap_err()),
            ("Revoke", control.revoke(name()).await.unwrap_err()),
            ("Forget", control.forget(name()).await.unwrap_err()),
            ("AcceptClock", control.accept_clock(Nothing {}).await.unwrap_err()),
            ("Refresh", control.refresh(refresh).await.unwrap_err()),
            ("Apply", control.apply(ApplyPlan::default()).await.unwrap_err()),
            ("Pause", control.pause(PauseSubject::default()).await.unwrap_err()),
            ("Resume", control.resume(ResumeSubject::default()).await.unwrap_err()),
            ("Accept", control.accept(AcceptProblem::default()).await.unwrap_err()),
            ("Withdraw", control.withdraw(WithdrawProblem::default()).await.unwrap_err()),
            ("AdoptLabel", control.adopt_label(AdoptLabels::default()).await.unwrap_err()),
            ("AdoptTaint", control.adopt_taint(AdoptOneTaint::default()).await.unwrap_err()),
            ("ApplyCluster", control.apply_cluster(ApplyClusterFile::default()).await.unwrap_err()),
        ]
    })
}

fn session(agents: &mut Agents, name: &str) -> Status {
    let said = tokio_stream::iter([AgentMessage::Hello(hello(name, 1))]);
    peer::wait(async { agents.session(said).await.map(drop).unwrap_err() })
}

fn assert_denied(who: &str, refusals: &[(&'static str, Status)]) {
    for (call, status) in refusals {
        assert_eq!(status.code(), Code::PermissionDenied, "{call}: {status}");
        let said = peer::words(status);
        assert!(said.contains(&format!("{who} may not call {call}")), "{said}");
    }
}

#[test]
fn a_node_may_call_nothing_of_control() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let node = peer::enrol(&lab, "curious");
    let mut control = client::control(peer::known(&node).unwrap());
    assert_denied(&node.id, &every_control_call(&mut control));
    bystander.is_undisturbed(&lab);
}

#[test]
fn an_operator_may_not_open_a_session() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let operator = peer::operator(&lab, "ada");
    let channel = peer::known(&operator).unwrap();
    let refused = session(&mut client::agents(channel.clone()), "bystander");
    assert_denied("operator ada", &[("Session", refused)]);
    let document = peer::wait(async { client::control(channel).read(read()).await }).unwrap().into_inner();
    assert!(String::from_utf8(document.json).unwrap().contains("bystander"));
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_stranger_may_only_enrol_and_rejoin() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let node = peer::enrol(&lab, "real");
    let channel = peer::stranger(&node).unwrap();
    assert_denied("127.0.0.1", &every_control_call(&mut client::control(channel.clone())));
    let mut agents = client::agents(channel);
    let renew = peer::wait(async { agents.renew(Renew { request: node.request().unwrap() }).await.unwrap_err() });
    assert_denied("127.0.0.1", &[("Session", session(&mut agents, "real")), ("Renew", renew)]);
    // Rejoin answers, and wants the credential.
    let rejoin = Rejoin { request: node.request().unwrap(), credential: vec![1; 32], ..Rejoin::default() };
    let refused = peer::wait(async { agents.rejoin(rejoin).await.unwrap_err() });
    assert!(peer::words(&refused).contains("the rejoin credential is not the one of this identity"), "{refused}");
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_node_renews_its_own_key_only() {
    let lab = Lab::start();
    let (own, other) = (peer::enrol(&lab, "own"), peer::enrol(&lab, "other"));
    let mut agents = client::agents(peer::known(&own).unwrap());
    let refused = peer::wait(async { agents.renew(Renew { request: other.request().unwrap() }).await.unwrap_err() });
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(peer::words(&refused).contains("a renewal keeps the key"), "{refused}");
    let nonsense = peer::wait(async { agents.renew(Renew { request: vec![0; 99] }).await.unwrap_err() });
    assert!(peer::words(&nonsense).contains("the request for a certificate cannot be used"), "{nonsense}");
}

#[test]
fn a_report_is_about_the_key_that_sends_it() {
    let lab = Lab::start();
    let (liar, victim) = (peer::enrol(&lab, "liar"), peer::enrol(&lab, "victim"));
    let (mut own, welcome) = Conversation::open(&liar, hello("victim", 1)).unwrap();
    // What Hello says of the machine is evidence about the caller, and a changed machine waits for a person.
    assert_eq!((welcome.name.as_str(), welcome.pending), ("liar", true));
    let platform = section::Platform { label: Some("a lie".into()), ..section::Platform::default() };
    let sections = vec![AnySection::Platform(Section::read("/proc", platform))];
    own.say(AgentMessage::Sections { sequence: 1, whole: true, sections, refused: Vec::new(), unknown: 0 });
    while !matches!(own.hear().unwrap(), Some(coord_model::CoordinatorMessage::SectionsHeard { sequence: 1 })) {}
    let nodes = lab.status().nodes;
    let platform = |name: &str| nodes.iter().find(|node| node.name == name).unwrap().platform.clone();
    assert_eq!((platform("liar").as_deref(), platform("victim")), (Some("a lie"), None));
    assert!(nodes.iter().any(|node| node.id == victim.id && node.last_seen_seconds.is_none()));
}

#[test]
fn a_certificate_of_another_authority_opens_nothing() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let node = peer::enrol(&lab, "node");
    let foreign = foreign::authority();
    // Often, because a refusal that only sometimes says why is a race.
    let roles = [Role::Node(node.id.clone()), Role::Operator("root".into())];
    for role in roles.iter().cycle().take(40) {
        let forged = foreign::with_certificate(&node, &foreign, role);
        let said = peer::error_words(&peer::known(&forged).unwrap_err());
        assert!(said.contains("UnknownCA"), "{said}");
    }
    bystander.is_undisturbed(&lab);
}

#[test]
fn a_coordinators_certificate_cannot_call() {
    let lab = Lab::start();
    let node = peer::enrol(&lab, "node");
    let role = Role::Coordinator("impostor".into());
    let forged = foreign::with_certificate(&node, &foreign::of_lab(&lab), &role);
    let said = peer::error_words(&peer::known(&forged).unwrap_err());
    assert!(said.contains("received fatal alert"), "{said}");
}

#[test]
fn a_nodes_certificate_is_no_server() {
    let lab = Lab::start();
    let (node, caller) = (peer::enrol(&lab, "node"), peer::enrol(&lab, "caller"));
    let impostor = Impostor::start(&[node.certificate_der(), node.authority_der()], &node.key_der());
    let mut lured = caller;
    lured.coordinators = vec![impostor.address.to_string()];
    let said = peer::error_words(&peer::known(&lured).unwrap_err());
    assert!(said.contains("the certificate is for another role"), "{said}");
    let mut token = peer::token(&lab, &["--node", "third"]);
    token.addresses = lured.coordinators.clone();
    let said = peer::error_words(&peer::show(&Identity::generate().unwrap(), &token, "third").unwrap_err());
    assert!(said.contains("the certificate is for another role"), "{said}");
    let both = || (impostor.seen().broken_off == 2).then_some(impostor.seen());
    assert_eq!(wait_for("both handshakes to be broken off", both), Seen { broken_off: 2, finished: 0, bytes: 0 });
}

#[test]
fn sixty_four_strangers_fill_the_room_for_strangers_only() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let node = peer::enrol(&lab, "known");
    let idle: Vec<_> = (0..64).map(|_| peer::stranger(&node).unwrap()).collect();
    let nonsense = || Enrol { token_id: vec![1; 8], request: node.request().unwrap(), ..Enrol::default() };
    let ask = || match peer::stranger(&node) {
        Ok(channel) => peer::wait(async { client::agents(channel).enrol(nonsense()).await.unwrap_err() }),
        Err(error) => Status::unavailable(error.to_string()),
    };
    let is_answer = |status: &Status| peer::words(status).contains("no token has the id");
    let turned_away = peer::error_words(&peer::stranger(&node).unwrap_err());
    assert!(turned_away.contains("too many callers without a certificate"), "{turned_away}");
    Conversation::open(&node, hello("known", 1)).unwrap();
    // Those who ask nothing are shown out after 5 s, although they hold on.
    wait_for("room for another stranger", || is_answer(&ask()).then_some(()));
    drop(idle);
    bystander.is_undisturbed(&lab);
}

#[test]
fn ten_attempts_a_second_are_enough_for_everybody() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let node = peer::enrol(&lab, "known");
    let token = peer::token(&lab, &["--node", "patient"]);
    let channel = peer::stranger(&node).unwrap();
    let nonsense = || Enrol { token_id: vec![1; 8], request: node.request().unwrap(), ..Enrol::default() };
    let flood = async {
        let calls = (0..100).map(|_| {
            let mut agents = client::agents(channel.clone());
            tokio::spawn({
                let wish = nonsense();
                async move { agents.enrol(wish).await.unwrap_err() }
            })
        });
        let mut answers = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            answers.push(call.await.unwrap());
        }
        answers
    };
    let start = Instant::now();
    let answers = peer::wait(flood);
    let most = 11.0 + 10.0 * start.elapsed().as_secs_f64();
    let refused: Vec<_> = answers.iter().filter(|status| status.code() == Code::ResourceExhausted).collect();
    let let_through = answers.len() - refused.len();
    assert!(let_through > 0 && let_through as f64 <= most, "{let_through} of 100 were let through, at most {most}");
    let said = peer::words(refused[0]);
    assert!(said.contains("too many attempts at once") && said.contains("try again in a few seconds"), "{said}");
    // A call with a certificate is no attempt.
    Conversation::open(&node, hello("known", 1)).unwrap();
    let key = Identity::generate().unwrap();
    wait_for("the good token's turn", || peer::show(&key, &token, "patient").ok());
    bystander.is_undisturbed(&lab);
}

#[test]
fn unfinished_handshakes_do_not_keep_known_agents_out() {
    let lab = Lab::start();
    let bystander = Bystander::start(&lab);
    let node = peer::enrol(&lab, "known");
    let silent: Vec<TcpStream> = (0..600).map(|_| TcpStream::connect(lab.listen).unwrap()).collect();
    wait_for("the known node to get in", || peer::known(&node).ok());
    Conversation::open(&node, hello("known", 1)).unwrap();
    drop(silent);
    bystander.is_undisturbed(&lab);
}
