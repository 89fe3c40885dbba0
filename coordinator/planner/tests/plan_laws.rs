//! The laws of DESIGN section 5 over random worlds, with a cluster that carries out what is planned.
#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use coord_model::{Boot, Wall, section::K3sRole, section::PlatformKind};
use coord_planner::{
    Action, Cause, Change, Consent, Desired, FieldOwner, Judged, KubeNode, KubernetesObserved, LABEL_MANAGER, LabelAt,
    LabelRule, NodeDeclared, NodeObserved, Observed, OnFalse, Plan, Survey, Taint, TaintEffect, TaintKey, Truth,
    UNINITIALISED, WriteLease, WriteOperation, plan,
};
use proptest::prelude::*;

#[path = "world/cluster.rs"]
mod cluster;
#[path = "world/home.rs"]
mod home;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const KEYS: [&str; 9] = [
    "gpu",
    "zigbee",
    "role",
    "colour",
    "coord.homelab/mark",
    "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/zone",
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
];
const TAINTS: [&str; 3] = ["gpu", "noisy", "node.kubernetes.io/unreachable"];

/// What is declared and what is there.
type World = (Desired, Observed);

fn ours() -> FieldOwner {
    FieldOwner { name: LABEL_MANAGER.into(), operation: WriteOperation::Apply }
}

fn other(name: &str) -> FieldOwner {
    FieldOwner { name: name.into(), operation: WriteOperation::Update }
}

fn managers() -> impl Strategy<Value = Vec<FieldOwner>> {
    prop_oneof![
        4 => Just(vec![ours()]),
        2 => Just(vec![other("kubectl-label")]),
        2 => Just(vec![other("k3s")]),
        1 => Just(vec![ours(), other("kubectl-label")]),
        1 => Just(vec![other("k3s"), ours()]),
        1 => Just(vec![]),
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "true", "x", "y"]).prop_map(Into::into)
}

fn some_labels(keys: &'static [&'static str]) -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(prop::sample::select(keys).prop_map(Into::into), value(), 0..3)
}

fn taints() -> impl Strategy<Value = Vec<Taint>> {
    let keys = prop::collection::btree_set(prop::sample::select(&TAINTS[..]), 0..3);
    let effect = prop_oneof![4 => Just(TaintEffect::NoSchedule), 1 => Just(TaintEffect::NoExecute)];
    (keys, value(), effect).prop_map(|(keys, value, effect)| {
        let taint = |key: &str| Taint { key: key.into(), value: value.clone(), effect };
        keys.into_iter().map(taint).collect()
    })
}

fn which(taints: Vec<Taint>) -> Vec<TaintKey> {
    taints.into_iter().map(|taint| TaintKey { key: taint.key, effect: taint.effect }).collect()
}

prop_compose! {
    fn judgement()(truth in 0u8..3, settled in prop::option::of(any::<bool>()), frozen in prop::bool::weighted(0.1)) -> Judged {
        let truth = match truth {
            0 => Truth::True,
            1 => Truth::False,
            _ => Truth::Unknown("no report".into()),
        };
        Judged { truth, since: home::at(3590), settled, settles: Some(home::at(3650)), frozen: frozen.then(|| home::at(4000)) }
    }
}

prop_compose! {
    fn declaration()(
        zone in prop::sample::select(vec!["x", "y"]),
        role in prop::sample::select(vec![K3sRole::Agent, K3sRole::Agent, K3sRole::Server, K3sRole::None]),
        labels in some_labels(&["role", "gpu", "coord.homelab/mark", "node.kubernetes.io/instance-type"]),
        default_labels in some_labels(&["role", "zigbee", "colour"]),
        taints in taints(),
    ) -> NodeDeclared {
        NodeDeclared { labels, default_labels, taints, ..home::declared(zone, role) }
    }
}

prop_compose! {
    fn agent(at: usize)(
        kind in prop::sample::select(vec![PlatformKind::Vm, PlatformKind::Lxc]),
        machine in prop_oneof![4 => Just(at), 1 => 0..NAMES.len()],
        judged in prop::collection::vec(prop::option::weighted(0.9, judgement()), 3),
    ) -> NodeObserved {
        let rules = RULES.iter().zip(judged).filter_map(|(rule, judged)| Some((rule.text.clone(), judged?)));
        let mut agent = home::agent(NAMES[at], &format!("10.0.0.{at}"), kind);
        agent.evidence.machine_id = format!("id{machine}");
        agent.rules = rules.collect();
        agent
    }
}

prop_compose! {
    fn kube_node(at: usize)(
        machine in prop_oneof![4 => Just(at), 1 => 0..NAMES.len()],
        labels in prop::collection::btree_map(prop::sample::select(&KEYS[..]), (value(), managers()), 0..6),
        live in taints(),
        owned in taints(),
        managers_known in prop::bool::weighted(0.9),
        uninitialised in prop::bool::weighted(0.05),
    ) -> KubeNode {
        let mut node = home::kube_node(NAMES[at], &format!("10.0.0.{at}"));
        node.machine_id = format!("id{machine}");
        for (key, (value, managers)) in labels {
            node.labels.insert(key.into(), value);
            node.managers.insert(key.into(), managers);
        }
        node.taints = live;
        if uninitialised {
            node.taints.push(Taint { key: UNINITIALISED.into(), value: "true".into(), effect: TaintEffect::NoSchedule });
        }
        node.owned_taints = which(owned);
        node.managers_known = managers_known;
        node
    }
}

/// Read once: a regular expression takes longer to build than a plan.
static RULES: LazyLock<Vec<LabelRule>> = LazyLock::new(|| {
    vec![
        home::rule("gpu.usable", "gpu", "true"),
        home::rule("platform.kind == \"vm\"", "gpu", "x"),
        home::rule("usb.product matches \"z\"", "zigbee", "true"),
    ]
});

fn each<T: std::fmt::Debug>(one: impl Fn(usize) -> BoxedStrategy<T>) -> impl Strategy<Value = Vec<Option<T>>> {
    (0..NAMES.len()).map(|at| prop::option::weighted(0.9, one(at))).collect::<Vec<_>>()
}

fn surveys() -> impl Strategy<Value = BTreeMap<LabelAt, Survey>> {
    let label = (prop::sample::select(&NAMES[..]), prop::sample::select(&KEYS[..]));
    let label = label.prop_map(|(node, key)| LabelAt { node: node.into(), key: key.into() });
    let age = prop::sample::select(vec![0u64, 30, 100]);
    prop::collection::btree_map(label, age.prop_map(|age| Survey { at: home::at(3600 - age), users: vec![] }), 0..20)
}

prop_compose! {
    fn world()(
        declared in each(|_| declaration().boxed()),
        agents in each(|at| agent(at).boxed()),
        nodes in each(|at| kube_node(at).boxed()),
        surveys in surveys(),
        policy in prop::sample::select(vec![Consent::Auto, Consent::Auto, Consent::Auto, Consent::Approve, Consent::Off]),
        adopted in prop::bool::weighted(0.9),
        gladly in any::<bool>(),
    ) -> World {
        let nodes_declared = NAMES.iter().zip(declared).filter_map(|(name, node)| Some(((*name).to_owned(), node?)));
        let mut desired = home::desired(nodes_declared.collect(), RULES.clone());
        desired.policy.labels = policy;
        desired.rules.iter_mut().for_each(|rule| rule.on_false = if gladly { OnFalse::Remove } else { OnFalse::Ask });
        let kubernetes = KubernetesObserved { surveys, ..home::cluster(nodes.into_iter().flatten()) };
        let mut observed = home::world(agents.into_iter().flatten().collect(), kubernetes);
        if !adopted {
            observed.decisions.adopted = BTreeSet::new();
        }
        (desired, observed)
    }
}

fn planned((desired, observed): &World) -> Plan {
    plan(Some(desired), observed, observed.now)
}

fn carried_out(world: &World) -> World {
    let mut after = world.clone();
    planned(world).actions.iter().for_each(|action| cluster::carry_out(&mut after.1.kubernetes, action));
    after
}

fn changes(plan: &Plan) -> Vec<Change> {
    let done = plan.actions.iter().flat_map(Action::changes).cloned();
    done.chain(plan.proposals.iter().map(|proposal| proposal.change.clone())).collect()
}

/// Whether somebody else has a say in this label.
fn foreign(node: &KubeNode, key: &str) -> bool {
    let k3s = key.contains("kubernetes.io/");
    let others = |manager: &&FieldOwner| **manager != ours() && !(k3s && manager.name == "k3s");
    !key.starts_with("coord.homelab/") && node.managers.get(key).is_some_and(|all| all.iter().any(|one| others(&one)))
}

fn held(node: &KubeNode) -> BTreeMap<&String, &String> {
    node.labels.iter().filter(|(key, _)| node.managers.get(*key).is_some_and(|all| all.contains(&ours()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn planning_again_gives_nothing(world in world()) {
        // Labels in one turn, taints in the next.
        let after = planned(&carried_out(&carried_out(&world)));
        prop_assert_eq!(after.actions, vec![]);
    }

    #[test]
    fn a_node_is_written_once_a_turn(world in world()) {
        let planned = planned(&world);
        let nodes: BTreeSet<&str> = planned.actions.iter().map(Action::node).collect();
        prop_assert_eq!(nodes.len(), planned.actions.len());
        let next = planned.kept.iter().filter(|row| row.state.ends_with(" next"));
        for row in next {
            prop_assert!(row.taint && nodes.contains(&*row.node), "{row:?}");
        }
    }

    #[test]
    fn what_evicts_was_approved(world in world()) {
        let evicts = |change: &Change| {
            matches!(change, Change::SetTaint { taint, .. } if taint.effect == TaintEffect::NoExecute)
        };
        prop_assert!(!planned(&world).actions.iter().flat_map(Action::changes).any(evicts));
    }

    #[test]
    fn the_order_of_inputs_does_not_matter(world in world(), turn in 0usize..4) {
        let mut shuffled = world.clone();
        shuffled.1.nodes.reverse();
        let length = shuffled.1.nodes.len().max(1);
        shuffled.1.nodes.rotate_left(turn % length);
        for node in shuffled.1.kubernetes.nodes.values_mut() {
            let node = std::sync::Arc::make_mut(node);
            node.managers.values_mut().for_each(|all| all.reverse());
            node.taints.reverse();
            node.owned_taints.reverse();
        }
        prop_assert_eq!(planned(&world), planned(&shuffled));
    }

    #[test]
    fn what_is_foreign_is_not_touched(world in world()) {
        let after = carried_out(&world);
        for (name, node) in &world.1.kubernetes.nodes {
            let now = &after.1.kubernetes.nodes[name];
            for (key, value) in node.labels.iter().filter(|(key, _)| foreign(node, key)) {
                prop_assert_eq!(now.labels.get(key), Some(value), "{} of {}", key, name);
            }
            let owned = |taint: &&Taint| node.owned_taints.iter().any(|one| one.key == taint.key);
            for taint in node.taints.iter().filter(|taint| !owned(taint) || taint.key.starts_with("node.")) {
                prop_assert!(now.taints.contains(taint), "{} of {}", taint, name);
            }
        }
    }

    #[test]
    fn an_apply_lets_go_of_nothing_that_it_does_not_name(world in world()) {
        let planned = planned(&world);
        let gone: BTreeSet<(String, String)> = changes(&planned).iter().filter_map(|change| match change {
            Change::RemoveLabel { node, key, .. } => Some((node.clone(), key.clone())),
            Change::SetLabel { .. } | Change::SetTaint { .. } | Change::RemoveTaint { .. } => None,
        }).collect();
        for action in &planned.actions {
            let Action::ApplyLabels { node, set, uid, .. } = action else { continue };
            let at = &world.1.kubernetes.nodes[node];
            prop_assert_eq!(uid, &at.uid);
            for (key, _) in held(at) {
                prop_assert!(set.contains_key(key) || gone.contains(&(node.clone(), key.clone())), "{} of {}", key, node);
            }
        }
    }

    #[test]
    fn no_data_no_danger(mut world in world()) {
        for judged in world.1.nodes.iter_mut().flat_map(|node| node.rules.values_mut()) {
            judged.settled = None;
        }
        for change in changes(&planned(&world)) {
            if let Change::RemoveLabel { key, cause, .. } = change {
                prop_assert!(!["gpu", "zigbee"].contains(&key.as_str()), "{} goes", key);
                prop_assert_eq!(cause, Cause::Dropped);
            }
        }
    }

    #[test]
    fn absence_is_never_an_order(world in world(), at in 0usize..4) {
        prop_assert_eq!(plan(None, &world.1, world.1.now).actions, vec![]);
        let mut empty = world.clone();
        empty.0.nodes.clear();
        prop_assert_eq!(changes(&planned(&empty)), vec![]);
        // Machines that nobody can confuse: else one that goes may clear a doubt about another.
        let mut plain = world;
        for (name, node) in &mut plain.1.kubernetes.nodes {
            std::sync::Arc::make_mut(node).machine_id.clone_from(name);
        }
        plain.1.nodes.iter_mut().for_each(|agent| agent.evidence.machine_id.clone_from(&agent.name));
        let mut less = plain.clone();
        less.0.nodes.remove(NAMES[at]);
        let of_others = |world: &World| {
            let all = planned(world).kept.into_iter().filter(|row| *row.node != *NAMES[at]);
            all.map(|row| (row.node, row.key, row.wanted)).collect::<Vec<_>>()
        };
        prop_assert!(changes(&planned(&less)).iter().all(|change| change.node() != NAMES[at]));
        prop_assert_eq!(of_others(&plain), of_others(&less));
    }

    #[test]
    fn a_still_world_comes_to_rest(world in world()) {
        let mut world = world;
        for _ in 0..3 {
            let now = world.1.now.boot;
            let asked = planned(&world).questions.into_iter().map(|at| (at, Survey { at: now, users: vec![] }));
            let answers: Vec<_> = asked.collect();
            world = carried_out(&world);
            world.1.kubernetes.surveys.extend(answers);
        }
        let rest = planned(&world);
        prop_assert_eq!(&rest.actions, &vec![]);
        prop_assert_eq!(&rest.questions, &vec![]);
        prop_assert_eq!(rest, planned(&carried_out(&world)));
    }

    #[test]
    fn nothing_is_written_without_the_lease(mut world in world(), other in any::<bool>(), late in 0u64..2) {
        world.1.kubernetes.lease = match (other, late) {
            (true, _) => WriteLease::Other { holder: "other".into() },
            (false, 0) => WriteLease::Asking,
            (false, _) => WriteLease::Held { until: Boot(world.1.now.boot.0) },
        };
        let planned = planned(&world);
        prop_assert_eq!(planned.actions, vec![]);
        prop_assert_eq!(planned.questions, vec![]);
    }

    #[test]
    fn the_wall_clock_decides_nothing_but_how_long_an_approval_holds(world in world(), wall in any::<i64>()) {
        let mut elsewhere = world.clone();
        elsewhere.1.now.wall = Wall(wall);
        prop_assert_eq!(planned(&world), planned(&elsewhere));
    }

    #[test]
    fn what_takes_is_one_node_or_was_approved(world in world()) {
        let planned = planned(&world);
        let taking = planned.actions.iter().filter(|action| action.changes().iter().any(Change::takes));
        prop_assert!(taking.map(Action::node).collect::<BTreeSet<_>>().len() <= 1);
        for change in planned.actions.iter().flat_map(Action::changes) {
            if let Change::RemoveLabel { node, key, .. } | Change::SetLabel { node, key, before: Some(_), .. } = change {
                let survey = &world.1.kubernetes.surveys[&LabelAt { node: node.clone(), key: key.clone() }];
                prop_assert!(world.1.now.boot.since(survey.at).as_secs() <= 60);
            }
        }
    }

    #[test]
    fn what_is_held_is_listed_and_said(world in world()) {
        let planned = planned(&world);
        let rows: BTreeSet<_> = planned.kept.iter().map(|row| (&row.node, row.taint, &row.key)).collect();
        prop_assert_eq!(rows.len(), planned.kept.len());
        prop_assert!(planned.kept.is_sorted_by_key(|row| (&row.node, row.taint, &row.key)));
        let wrong = planned.kept.iter().filter(|row| row.wanted != row.live && !row.state.ends_with(" now") && !row.state.ends_with(" next"));
        for row in wrong {
            prop_assert!(planned.waits.iter().any(|wait| wait.wait.reason == row.state), "{row:?} has no reason");
        }
    }
}
