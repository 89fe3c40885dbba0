//! The coordinator under a thousand agents: memory, processor, `status`, and how soon all are back.

use std::{
    fmt::Write as _,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use coord_model::{AnySection, Report};

use super::{
    load::{self, Load},
    process::{figures, own_time},
};
use crate::lab::{Lab, hosts, program, wait_within};

/// How many agents.
const AGENTS: usize = 1000;

/// What each agent reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reports {
    /// The whole recorded k3s-w3.
    Full,
    /// Nothing.
    Empty,
}

/// The full report of the recorded k3s-w3.
fn recorded() -> Vec<AnySection> {
    let output = Command::new(program("coord-agent"))
        .args(["check", "-o", "json", "--root"])
        .arg(hosts().join("k3s-w3"))
        .output();
    let document: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let report: Report = serde_json::from_value(document["report"].clone()).unwrap();
    report.sections().collect()
}

/// Measures with a thousand agents; `down` is how long the coordinator is away for the return.
#[must_use]
pub fn measure(reports: Reports, steady: Duration, down: Option<Duration>) -> String {
    let mut lab = Lab::with("heartbeat: 10s\nfacts: 60s\nclock: assume-synchronised\nlog: warn\n");
    let empty = pid(&lab).map(figures).unwrap_or_default();
    let sections = match reports {
        Reports::Full => recorded(),
        Reports::Empty => Vec::new(),
    };
    let authority = coordinator::authority::Authority::open(&lab.path("data")).unwrap();
    let identities: Vec<_> = (0..AGENTS).map(|number| load::identity(&authority, number)).collect();
    let size: usize = sections.iter().cloned().map(|section| coord_proto::border::encode_section(section).len()).sum();
    let load = Load {
        address: lab.listen.to_string(),
        sections: Arc::new(sections),
        open: Arc::new(AtomicUsize::new(0)),
        failed: Arc::new(AtomicUsize::new(0)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for (number, identity) in identities.into_iter().enumerate() {
        drop(runtime.spawn(load::agent(load.clone(), identity, number)));
    }
    all_open(&load);
    let _ = lab.told(&["node", "approve", "--all-known"]);
    let pending = lab.status().nodes.iter().filter(|node| node.health == coord_model::Health::Pending).count();
    assert_eq!(pending, 0, "every agent of the load is approved");
    let mut text = format!("coordinator with {AGENTS} agents, {reports:?} reports of {size} bytes, heartbeat 10 s:\n");
    text.push_str(&steady_figures(&lab, steady, empty.resident));
    text.push_str(&status_time(&lab));
    if let Some(down) = down {
        text.push_str(&all_back(&mut lab, &load, down));
    }
    runtime.shutdown_background();
    text
}

fn pid(lab: &Lab) -> Option<u32> {
    lab.coordinator.as_ref().map(|running| running.0.id())
}

fn all_open(load: &Load) {
    let enough = || (load.open.load(Ordering::Relaxed) >= AGENTS).then_some(());
    wait_within(Duration::from_secs(300), "a thousand sessions", enough);
}

fn steady_figures(lab: &Lab, steady: Duration, empty: u64) -> String {
    let Some(pid) = pid(lab) else { return String::new() };
    // What the start left behind is settled by then.
    thread::park_timeout(Duration::from_secs(15));
    let before = own_time(pid);
    let begun = Instant::now();
    while begun.elapsed() < steady {
        thread::park_timeout(steady.saturating_sub(begun.elapsed()));
    }
    let share = own_time(pid).saturating_sub(before).as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0;
    let now = figures(pid);
    let each = now.resident.saturating_sub(empty) as f64 / AGENTS as f64;
    format!(
        "  resident {:.1} MiB ({:.1} MiB empty, {each:.1} kiB an agent), anonymous {:.1} MiB\n  processor {share:.2} % of a core\n",
        now.resident as f64 / 1024.0,
        empty as f64 / 1024.0,
        now.anonymous as f64 / 1024.0,
    )
}

/// The whole process, from start to exit, several times.
fn status_time(lab: &Lab) -> String {
    let once = || {
        let begun = Instant::now();
        let output = lab.ask(&["status"]);
        assert!(!output.stdout.is_empty(), "status answers");
        begun.elapsed().as_secs_f64() * 1000.0
    };
    let mut times: Vec<f64> = (0..9).map(|_| once()).collect();
    times.sort_by(f64::total_cmp);
    format!("  coordctl status {:.0} ms (median of 9, slowest {:.0} ms)\n", times[4], times[8])
}

/// From listening again until everybody is back.
fn all_back(lab: &mut Lab, load: &Load, down: Duration) -> String {
    lab.kill_coordinator();
    wait_within(Duration::from_secs(60), "every session to end", || {
        (load.open.load(Ordering::Relaxed) == 0).then_some(())
    });
    let gone = Instant::now();
    while gone.elapsed() < down {
        thread::park_timeout(down.saturating_sub(gone.elapsed()));
    }
    load.failed.store(0, Ordering::Relaxed);
    lab.start_coordinator();
    let begun = Instant::now();
    all_open(load);
    let mut text = String::new();
    writeln!(
        text,
        "  all {AGENTS} back {:.1} s after listening, {:.0} s down; {} attempts failed after connecting",
        begun.elapsed().as_secs_f64(),
        down.as_secs_f64(),
        load.failed.load(Ordering::Relaxed),
    )
    .unwrap();
    text
}
