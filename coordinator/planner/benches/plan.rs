//! How long a turn takes, and how that grows: a steady world, and one in which everything is new.
#![allow(missing_docs, reason = "criterion's macros make public functions without docs")]

use std::hint::black_box;

use coord_model::section::{K3sRole, PlatformKind};
use coord_planner::{Desired, Judged, NodeDeclared, Observed, Truth, plan};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

#[path = "../tests/world/cluster.rs"]
mod cluster;
#[path = "../tests/world/home.rs"]
mod home;

/// So many nodes in four zones, half of them with a GPU, each with the labels that k3s and others give it.
fn large(size: usize) -> (Desired, Observed) {
    let name = |at: usize| format!("node-{at:05}");
    let address = |at: usize| format!("10.{}.{}.{}", at >> 16, (at >> 8) & 255, at & 255);
    let declared = (0..size).map(|at| {
        let zone = ["attic", "cellar", "garage", "office"][at % 4];
        let mut node: NodeDeclared = home::declared(zone, K3sRole::Agent);
        node.labels = home::labels(&[("role", "worker")]);
        node.default_labels = home::labels(&[("sw-volume", "true")]);
        (name(at), node)
    });
    let rules = home::RULES.map(|(text, key, value)| home::rule(text, key, value));
    let agents = (0..size).map(|at| {
        let mut agent = home::agent(&name(at), &address(at), PlatformKind::Vm);
        agent.evidence.machine_id =
            format!("{:032x}", (at as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        agent.rules = home::RULES
            .iter()
            .map(|(text, ..)| ((*text).to_owned(), judgement(*text == "gpu.usable" && at % 2 == 0)))
            .collect();
        agent
    });
    let agents: Vec<_> = agents.collect();
    let nodes = agents.iter().enumerate().map(|(at, agent)| {
        let mut node = home::kube_node(&agent.name, &address(at));
        node.machine_id.clone_from(&agent.evidence.machine_id);
        node.system_uuid = agent.uuid.clone().unwrap_or_default();
        for extra in 0..8 {
            cluster::label(&mut node, "kubelet", &format!("feature.node.kubernetes.io/cpu-{extra}"), Some("true"));
        }
        node
    });
    let kubernetes = home::cluster(nodes.collect::<Vec<_>>());
    (home::desired(declared.collect(), rules.into()), home::world(agents, kubernetes))
}

fn judgement(settled: bool) -> Judged {
    let truth = if settled { Truth::True } else { Truth::False };
    Judged { truth, since: home::at(0), settled: Some(settled), settles: None, frozen: None }
}

fn turns(criterion: &mut Criterion) {
    for size in [100, 1_000, 10_000] {
        let (desired, mut observed) = large(size);
        let mut group = criterion.benchmark_group("plan");
        group.sample_size(20);
        group.bench_function(BenchmarkId::new("new", size), |timing| {
            timing.iter(|| black_box(plan(Some(&desired), &observed, observed.now)));
        });
        for action in plan(Some(&desired), &observed, observed.now).actions {
            cluster::carry_out(&mut observed.kubernetes, &action);
        }
        assert!(plan(Some(&desired), &observed, observed.now).actions.is_empty(), "the world is not steady");
        group.bench_function(BenchmarkId::new("steady", size), |timing| {
            timing.iter(|| black_box(plan(Some(&desired), &observed, observed.now)));
        });
        group.finish();
    }
}

criterion_group!(benches, turns);
criterion_main!(benches);
