//! The order in which things reach the disk and leave the machine, as the kernel was asked for them (strace).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use coord_tests::{
    lab::{Lab, Running, hosts, wait_for},
    peer,
    strace::{Call, calls, traced},
};

/// The first call from `start` on that is so, which must be there.
fn next(calls: &[Call], start: usize, what: &str, good: impl Fn(&Call) -> bool) -> usize {
    let found = calls.iter().skip(start).position(good);
    start + found.unwrap_or_else(|| panic!("{what} does not come after call {start}: {:#?}", &calls[start..]))
}

/// An agent's trace from its start until it is known to have ended in order.
fn trace_of_agent(lab: &Lab, until: impl FnOnce(&Lab)) -> Vec<Call> {
    let trace = lab.path("agent.trace");
    let mut command = lab.agent_command("pi");
    command.arg("--token-file").arg(lab.token_file("pi")).arg("--root").arg(hosts().join("k3s-w1"));
    let agent = Running(traced(&command, &trace).spawn().unwrap());
    until(lab);
    finish(agent, &trace)
}

/// Stops the traced program, not strace, so that the trace is whole.
fn finish(mut strace: Running, trace: &Path) -> Vec<Call> {
    let children = format!("/proc/{0}/task/{0}/children", strace.0.id());
    let traced = std::fs::read_to_string(children).unwrap();
    let traced = nix::unistd::Pid::from_raw(traced.split_whitespace().next().unwrap().parse().unwrap());
    nix::sys::signal::kill(traced, nix::sys::signal::Signal::SIGTERM).unwrap();
    wait_for("the traced program to end", || strace.0.try_wait().unwrap());
    calls(&PathBuf::from(trace))
}

/// The three steps of an atomic replacement from `start` on; the place after the last.
fn replaced(calls: &[Call], start: usize) -> usize {
    let written =
        next(calls, start, "the new identity file's fsync", |call| call.syncs() && call.about("identity.json.new>"));
    let renamed = next(calls, written, "its rename", |call| {
        call.name.starts_with("rename") && call.about("identity.json.new\"") && call.result == 0
    });
    next(calls, renamed, "the folder's fsync", |call| call.syncs() && call.about("pi.state>")) + 1
}

fn talks_to(call: &Call, address: SocketAddr) -> bool {
    call.about(&format!(":{}]", address.port())) || call.about(&format!("htons({})", address.port()))
}

#[test]
fn the_key_is_on_disk_before_the_secret_leaves_and_the_identity_before_the_session() {
    let lab = Lab::start();
    let listen = lab.listen;
    let calls = trace_of_agent(&lab, |lab| drop(lab.wait_reported("pi")));
    let key = replaced(&calls, 0);
    let early = calls[..key].iter().find(|call| talks_to(call, listen));
    assert_eq!(early, None, "nothing is said to the coordinator before the key is on disk");
    let enrolled =
        next(&calls, key, "the call to the coordinator", |call| call.name == "connect" && talks_to(call, listen));
    // The reply is the largest thing that comes in on that connection after the handshake.
    let stored =
        next(&calls, enrolled, "the identity's fsync", |call| call.syncs() && call.about("identity.json.new>"));
    let linked = next(&calls, stored, "the link that keeps the previous one", |call| call.name.starts_with("link"));
    assert!(calls[linked].about("identity.json.previous"));
    let identity = replaced(&calls, stored);
    assert!(linked < identity);
    let connects: Vec<usize> = calls
        .iter()
        .enumerate()
        .filter(|(_, call)| call.name == "connect" && talks_to(call, listen))
        .map(|(place, _)| place)
        .collect();
    assert!(connects.len() >= 2 && connects[1] >= identity, "the session begins when the identity is on disk");
    // Nothing is ever renamed into place that was not synced since it was written.
    let mut dirty = true;
    for call in calls.iter().filter(|call| call.about("identity.json.new")) {
        match call.name.as_str() {
            "write" => dirty = true,
            "fsync" | "fdatasync" => dirty = false,
            name if name.starts_with("rename") => assert!(!dirty, "{call:?}"),
            _ => {}
        }
    }
}

/// A lab whose coordinator is traced while `work` is done.
fn trace_of_coordinator(work: impl FnOnce(&Lab)) -> (Vec<Call>, SocketAddr) {
    let mut lab = Lab::prepare("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 5s\n");
    let trace = lab.path("coordinator.trace");
    let command = traced(&lab.coordinator_command(), &trace);
    lab.start_as(command);
    work(&lab);
    (finish(lab.coordinator.take().unwrap(), &trace), lab.listen)
}

#[test]
fn an_enrolment_is_committed_before_the_reply_leaves() {
    let (calls, listen) = trace_of_coordinator(|lab| drop(peer::enrol(lab, "pi")));
    let here = |call: &Call| call.about(&format!(":{}->", listen.port()));
    // Large things that leave: the certificates of the handshake, and the reply with the new ones.
    let large: Vec<usize> = (0..calls.len())
        .filter(|place| {
            let call = &calls[*place];
            call.sends() && here(call) && call.result >= 600
        })
        .collect();
    let [handshake, reply] = large[..] else { panic!("handshake and reply were expected: {large:?} of {calls:#?}") };
    let request = (handshake..reply).rev().find(|place| {
        let call = &calls[*place];
        call.receives() && here(call) && call.result >= 250
    });
    let request = request.expect("the request comes in between");
    let wal = |call: &Call| call.about("coordinator.db-wal>");
    let written = next(&calls, request, "the write to the log", |call| call.name == "pwrite64" && wal(call));
    let synced = next(&calls, written, "the log's fsync", |call| call.syncs() && wal(call));
    assert!(synced < reply, "the reply left at {reply}, the commit was on disk at {synced}: {calls:#?}");
}

#[test]
fn a_revocation_is_in_its_own_file_and_committed_before_it_is_said() {
    let (calls, _) = trace_of_coordinator(|lab| {
        let _thief = peer::enrol(lab, "thief");
        lab.told(&["node", "revoke", "thief", "--yes"]);
    });
    let file = next(&calls, 0, "the revocation's fsync", |call| call.syncs() && call.about("revocations"));
    let commit = next(&calls, file, "the commit", |call| call.syncs() && call.about("coordinator.db-wal>"));
    let asked = (0..file).rev().find(|place| calls[*place].receives() && calls[*place].about("UNIX")).unwrap();
    let said = next(&calls, asked, "the answer", |call| call.sends() && call.about("UNIX") && call.result > 40);
    assert!(commit < said, "said at {said}, committed at {commit}: {:#?}", &calls[asked..]);
}

#[test]
fn the_authority_is_whole_on_disk_before_anybody_is_answered() {
    let (calls, _) = trace_of_coordinator(|lab| drop(lab.told(&["token", "create"])));
    let mut place = 0;
    for name in ["authority.key", "authority.crt"] {
        let written = next(&calls, place, "a file's fsync", |call| call.syncs() && call.about(&format!("{name}.new>")));
        let renamed = next(&calls, written, "its rename", |call| call.name.starts_with("rename") && call.about(name));
        place = next(&calls, renamed, "the folder's fsync", |call| call.syncs() && call.about("/data>"));
    }
    let remembered =
        next(&calls, place, "the pin in the database", |call| call.syncs() && call.about("coordinator.db-wal>"));
    let answered = calls.iter().position(|call| call.sends() && (call.about("TCP") || call.about("UNIX"))).unwrap();
    assert!(remembered < answered);
}
