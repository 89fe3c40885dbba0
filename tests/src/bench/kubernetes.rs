//! The coordinator beside a real API server with a thousand large Nodes: what watching them costs, and how soon all of
//! them have their labels.

use std::{
    fmt::Write as _,
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    load::{self, Load},
    process::figures,
};
use crate::{
    control_plane::{ControlPlane, MadeNode, Parts},
    lab::{Lab, wait_within},
};

/// How many Nodes and agents.
const NODES: usize = 1000;
/// Bytes of image names in each Node, as kubelets list them.
const PADDING: usize = 25_000;
/// So long everything settles before memory is read.
const SETTLE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures, or says what is missing.
#[must_use]
pub fn measure() -> String {
    let plane = match ControlPlane::start(Parts::API) {
        Ok(plane) => plane,
        Err(reason) => return format!("Kubernetes: not measured, {reason}\n"),
    };
    let made: Vec<MadeNode> = (0..NODES).map(node).collect();
    made.chunks(100).for_each(|some| plane.create_nodes(some));
    let (alone, _) = with_agents("");
    let (watching, mut home) = with_agents(&format!("kubeconfig: {}\n", plane.kubeconfig().display()));
    let mut text = format!("coordinator, {NODES} agents, {NODES} Nodes of {PADDING} bytes and more:\n");
    let _ = writeln!(
        text,
        "  resident {:.1} MiB, {:.1} MiB without Kubernetes: {:.1} MiB for it",
        mebibytes(watching),
        mebibytes(alone),
        mebibytes(watching) - mebibytes(alone),
    );
    text.push_str(&labelled(&plane, &home.lab));
    home.runtime.take().into_iter().for_each(tokio::runtime::Runtime::shutdown_background);
    text
}

fn node(number: usize) -> MadeNode {
    MadeNode::new(&format!("load-{number}")).machine_id(&format!("{number:032x}")).padded(PADDING)
}

/// A coordinator with all agents connected.
struct Fleet {
    lab: Lab,
    runtime: Option<tokio::runtime::Runtime>,
}

/// The same home with another configuration; its memory once it has settled.
fn with_agents(configuration: &str) -> (u64, Fleet) {
    let general = "heartbeat: 10s\nfacts: 60s\nclock: assume-synchronised\nlog: warn\n";
    let mut lab = Lab::prepare(&format!("{general}{configuration}"));
    fs::write(lab.path("cluster.yaml"), declared()).unwrap();
    lab.start_coordinator();
    let authority = coordinator::authority::Authority::open(&lab.path("data")).unwrap();
    let load = Load {
        address: lab.listen.to_string(),
        sections: Arc::new(Vec::new()),
        open: Arc::new(AtomicUsize::new(0)),
        failed: Arc::new(AtomicUsize::new(0)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for number in 0..NODES {
        drop(runtime.spawn(load::agent(load.clone(), load::identity(&authority, number), number)));
    }
    wait_within(PATIENCE, "a thousand sessions", || (load.open.load(Ordering::Relaxed) >= NODES).then_some(()));
    let _ = lab.told(&["node", "approve", "--all-known"]);
    thread::park_timeout(SETTLE);
    let resident = lab.coordinator.as_ref().map_or(0, |running| figures(running.0.id()).resident);
    (resident, Fleet { lab, runtime: Some(runtime) })
}

fn declared() -> String {
    let mut text = String::from(
        "apiVersion: coord.homelab/v1\nkind: Cluster\nmetadata: {name: load}\nspec:\n  zones: {a: {}, b: {}, c: {}}\n  \
         nodeDefaults: {labels: {storage: fast}}\n  nodes:\n",
    );
    for number in 0..NODES {
        let zone = ["a", "b", "c"][number % 3];
        let _ = writeln!(text, "    load-{number}: {{zone: {zone}, kind: vm, k3s: agent}}");
    }
    text
}

/// From `coordctl apply` until the last Node has its labels.
fn labelled(plane: &ControlPlane, lab: &Lab) -> String {
    let begun = Instant::now();
    let _ = lab.told(&["apply", "--yes"]);
    wait_within(PATIENCE, "all labels", || {
        let there = plane.told(&["get", "nodes", "-l", "storage=fast,topology.kubernetes.io/zone", "-o", "name"]);
        (there.lines().count() >= NODES).then_some(())
    });
    let seconds = begun.elapsed().as_secs_f64();
    let refused = lab.log().lines().filter(|line| line.contains("429")).count();
    format!("  all labelled {seconds:.1} s after coordctl apply, answers 429: {refused}\n")
}

fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
