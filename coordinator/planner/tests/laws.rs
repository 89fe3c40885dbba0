//! What holds for every fleet: order does not matter, time only ages, and no word is better than its facts.
#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::{collections::BTreeMap, time::Duration};

use coord_model::{Boot, Code, Health, MachineEvidence, Moment, Problem, Severity, Wall};
use coord_planner::{
    ClusterFile, CoordinatorObserved, Decisions, KubernetesObserved, NetworkMount, NodeObserved, Observed, Pace,
    Sharing, Standing, fleet, healthy,
};
use proptest::prelude::*;

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        4 => Just(Standing::Member),
        1 => Just(Standing::Pending { reason: "came back changed".into() }),
        1 => Just(Standing::Revoked),
    ]
}

fn problem() -> impl Strategy<Value = Problem> {
    let code = prop::sample::select(Code::ALL);
    let severity = prop::sample::select(vec![Severity::Error, Severity::Warning, Severity::Info]);
    (code, severity, "[a-z]{0,3}(/[a-z]{1,3})?")
        .prop_map(|(code, severity, subject)| Problem { severity, ..Problem::new(code, subject, "it is so") })
}

prop_compose! {
    fn sharing()(
        addresses in prop::collection::vec("[1-3]", 0..3),
        servers in prop::collection::vec("[1-3]", 0..3),
        export in "(/[ab]){0,3}",
        exports in prop::collection::vec("(/[ab]){0,3}/?", 0..3),
        mover_running in any::<bool>(),
        sleeping_disks in prop::collection::vec("disk[12]", 0..2),
    ) -> Sharing {
        let mounts = vec![NetworkMount { path: "/mnt".into(), servers, export }];
        Sharing { addresses, mounts, exports, mover_running, sleeping_disks }
    }
}

prop_compose! {
    fn node()(
        name in "[a-e]",
        id in "[0-9]{4}",
        standing in standing(),
        heard in prop::option::of(0u64..2000),
        heartbeat in 1u64..60,
        machine in "[x-z]?",
        problems in prop::collection::vec(problem(), 0..4),
        cloned in any::<bool>(),
        implausible_generation in prop::option::weighted(0.1, any::<u64>()),
        sometimes in any::<bool>(),
        protocol in prop::option::of(0u32..3),
        sharing in sharing(),
    ) -> NodeObserved {
        NodeObserved {
            name, id, standing,
            last_heard: heard.map(|second| Boot(Duration::from_secs(second))),
            heartbeat: Duration::from_secs(heartbeat),
            evidence: MachineEvidence { machine_id: machine, ..MachineEvidence::default() },
            problems,
            kind: None,
            cloned: cloned.then(|| ["one".to_owned(), "two".to_owned()]),
            implausible_generation, sometimes, protocol, sharing,
            agent_version: format!("0.{}.0", heartbeat % 4),
            uuid: None,
            rules: BTreeMap::new(),
        }
    }
}

prop_compose! {
    fn world()(
        now in 0u64..3000,
        wall in any::<i64>(),
        started in 0u64..2000,
        distrusted in any::<bool>(),
        store_writable in any::<bool>(),
        events_lost in 0u64..3,
        nodes in prop::collection::vec(node(), 0..6),
    ) -> Observed {
        Observed {
            now: Moment { boot: Boot(Duration::from_secs(now)), wall: Wall(wall) },
            pace: Pace::default(),
            coordinator: CoordinatorObserved {
                started: Boot(Duration::from_secs(started)),
                clock_distrust: distrusted.then(|| "the clock jumped".to_owned()),
                store_writable,
                events_lost,
            },
            cluster_file: ClusterFile::None,
            desired: None,
            kubernetes: KubernetesObserved::default(),
            decisions: Decisions::default(),
            nodes,
        }
    }
}

/// How far a node is from being heard and well.
fn badness(health: Health) -> u8 {
    match health {
        Health::Ready => 0,
        Health::Degraded => 1,
        Health::Unknown => 2,
        Health::Silent => 3,
        Health::Lost => 4,
        Health::Pending => 5,
        Health::Revoked | Health::Unrecognised(_) => 6,
    }
}

proptest! {
    #[test]
    fn the_order_of_nodes_does_not_matter(world in world(), seed in any::<u64>()) {
        let mut shuffled = world.clone();
        // Two nodes cannot share name and id; the first of such a pair stands for both.
        let mut kept = Vec::new();
        shuffled.nodes.retain(|node| { let key = (node.name.clone(), node.id.clone()); let new = !kept.contains(&key); kept.push(key); new });
        let ordered = Observed { nodes: shuffled.nodes.clone(), ..world };
        let length = shuffled.nodes.len().max(1);
        shuffled.nodes.rotate_left(usize::try_from(seed % length as u64).unwrap());
        if seed % 2 == 0 { shuffled.nodes.reverse(); }
        prop_assert_eq!(fleet(&ordered), fleet(&shuffled));
    }

    #[test]
    fn the_same_world_gives_the_same_answer_and_the_wall_clock_none(world in world(), wall in any::<i64>()) {
        let first = fleet(&world);
        prop_assert_eq!(&first, &fleet(&world));
        let mut elsewhere = world;
        elsewhere.now.wall = Wall(wall);
        prop_assert_eq!(first, fleet(&elsewhere));
    }

    #[test]
    fn no_node_is_better_than_its_problems(world in world()) {
        let judged = fleet(&world);
        for node in &judged.nodes {
            if node.health == Health::Ready {
                prop_assert!(node.problems.iter().all(|problem| problem.severity == Severity::Info));
            }
            if node.health == Health::Degraded {
                prop_assert!(node.problems.iter().any(Problem::degrades));
            }
            prop_assert!(node.problems.iter().all(|problem| problem.subject == node.name));
            prop_assert!(node.problems.is_sorted());
        }
        let all = judged.nodes.iter().flat_map(|node| &node.problems).chain(&judged.problems);
        prop_assert_eq!(judged.healthy, healthy(all));
    }

    #[test]
    fn a_revoked_node_stays_revoked_at_every_time(world in world(), later in 0u64..100_000) {
        let mut moved = world.clone();
        moved.now.boot = Boot(Duration::from_secs(later));
        let judged = fleet(&moved);
        let revoked = |standing: &Standing| *standing == Standing::Revoked;
        let expected = world.nodes.iter().filter(|node| revoked(&node.standing)).count();
        let found = judged.nodes.iter().filter(|node| node.health == Health::Revoked).count();
        prop_assert_eq!(expected, found);
        let waits = judged.waits.iter().filter(|wait| wait.reason == "approval").count();
        prop_assert_eq!(waits, judged.nodes.iter().filter(|node| node.health == Health::Pending).count());
    }

    #[test]
    fn having_been_heard_longer_ago_never_improves_health(world in world(), earlier in 0u64..2000) {
        let mut aged = world.clone();
        for node in &mut aged.nodes {
            node.last_heard = node.last_heard.map(|heard| Boot(heard.0.saturating_sub(Duration::from_secs(earlier))));
        }
        for (now, then) in fleet(&world).nodes.iter().zip(&fleet(&aged).nodes) {
            prop_assert!(badness(now.health) <= badness(then.health), "{:?} became {:?}", now.health, then.health);
        }
    }

    #[test]
    fn one_node_does_not_change_another(world in world(), stranger in node()) {
        let stranger = NodeObserved { name: "zzz".into(), ..stranger };
        let mut more = world.clone();
        more.nodes.push(stranger);
        let judged = fleet(&more).nodes;
        prop_assert_eq!(&judged[..judged.len() - 1], &fleet(&world).nodes[..]);
    }
}
