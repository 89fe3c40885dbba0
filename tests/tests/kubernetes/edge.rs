//! The coordinator's Kubernetes edge by itself, against a real API server: what it sees, what it writes, what it survives.

use std::{path::Path, sync::Arc, time::Duration};

use coord_planner::{
    Action, Cause, Change, KubeNode, KubernetesObserved, LabelAt, Reach, Taint, TaintEffect, TaintKey, UserKind,
    WriteLease, WriteOperation,
};
use coord_tests::{
    control_plane::{ControlPlane, MadeNode, Parts},
    lab::{wait_for, wait_within},
    skip::skipped,
};
use coordinator::kubernetes::{DEFAULT_NAMESPACE, Kubernetes, Refused, Settings};
use nix::sys::signal::Signal;
use tokio::{runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The edge of one coordinator, running.
struct Edge {
    runtime: Runtime,
    kubernetes: Kubernetes,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Edge {
    fn start(kubeconfig: &Path, holder: &str) -> Self {
        let settings = Settings {
            kubeconfig: Some(kubeconfig.to_owned()),
            namespace: DEFAULT_NAMESPACE.to_owned(),
            holder: holder.to_owned(),
        };
        let (runtime, kubernetes, stop) =
            (Runtime::new().unwrap(), Kubernetes::new(settings), CancellationToken::new());
        let (running, stopping) = (kubernetes.clone(), stop.clone());
        let task = runtime.spawn(async move { running.run(stopping, || {}).await });
        Self { runtime, kubernetes, stop, task }
    }

    /// One that sees everything and may write.
    fn ready(plane: &ControlPlane, holder: &str) -> Self {
        let edge = Self::start(plane.kubeconfig(), holder);
        edge.wait("to be there and to hold the Lease", |seen| {
            seen.reach == Reach::There && matches!(seen.lease, WriteLease::Held { .. })
        });
        edge
    }

    fn wait(&self, what: &str, is: impl Fn(&KubernetesObserved) -> bool) -> KubernetesObserved {
        wait_for(what, || Some(self.kubernetes.observed()).filter(&is))
    }

    fn node(&self, name: &str) -> Arc<KubeNode> {
        wait_for(name, || self.kubernetes.observed().nodes.get(name).cloned())
    }

    fn do_it(&self, action: &Action) -> Result<(), Refused> {
        self.runtime.block_on(self.kubernetes.carry_out(action))
    }

    /// Ends as at an orderly stop.
    fn stop(self) {
        self.stop.cancel();
        self.runtime.block_on(self.task).unwrap();
    }
}

fn labels(node: &KubeNode, set: &[(&str, &str)]) -> Action {
    let change = |(key, value): &(&str, &str)| Change::SetLabel {
        node: node.name.clone(),
        key: (*key).to_owned(),
        value: (*value).to_owned(),
        before: None,
        users: Vec::new(),
        cause: Cause::Declared,
    };
    Action::ApplyLabels {
        node: node.name.clone(),
        uid: node.uid.clone(),
        resource_version: node.resource_version.clone(),
        set: set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        changes: set.iter().map(change).collect(),
    }
}

fn plane(test: &str) -> Option<ControlPlane> {
    ControlPlane::start(Parts::API).map_err(|reason| skipped(test, &reason)).ok()
}

#[test]
fn labels_are_applied_as_a_whole_and_only_to_the_node_that_was_decided_on() {
    let test = "labels_are_applied_as_a_whole_and_only_to_the_node_that_was_decided_on";
    let Some(plane) = plane(test) else { return };
    plane.create_node(&MadeNode::new("w1").address("192.168.1.11").label("mine", "1").padded(25_000));
    let edge = Edge::ready(&plane, "one");
    let first = edge.node("w1");
    assert_eq!(first.addresses, ["192.168.1.11"]);
    assert!(first.managers_known && edge.kubernetes.observed().cluster.is_some());
    edge.do_it(&labels(&first, &[("zone", "a"), ("gpu", "true")])).unwrap();
    // The answer to the write is known at once, before the watch tells of it.
    let second = edge.node("w1");
    assert_eq!((second.labels["zone"].as_str(), second.labels["gpu"].as_str()), ("a", "true"));
    assert_eq!(second.managers["gpu"].len(), 1);
    assert_eq!(second.managers["gpu"][0].operation, WriteOperation::Apply);
    // A version that is not the newest is refused, and that is no reason to hold back.
    let refused = edge.do_it(&labels(&first, &[("gpu", "false")])).unwrap_err();
    assert!(edge.kubernetes.observed().refusals.is_empty(), "{refused}");
    edge.do_it(&labels(&edge.node("w1"), &[("zone", "a")])).unwrap();
    assert!(!edge.node("w1").labels.contains_key("gpu"), "what is left out goes");
    edge.do_it(&labels(&edge.node("w1"), &[])).unwrap();
    let last = edge.node("w1");
    assert!(!last.labels.contains_key("zone"), "an empty set lets everything go");
    assert_eq!(last.labels["mine"], "1");
    wait_for("the events", || {
        let shown = plane.told(&["get", "events", "-o", "jsonpath={range .items[*]}{.reason}: {.message}{'\\n'}{end}"]);
        shown.contains("LabelSet: label gpu=true (declared)").then_some(())
    });
    // Deleted: an apply must not make it. Made again: it is another Node.
    plane.told(&["delete", "node", "w1"]);
    assert!(edge.do_it(&labels(&last, &[("zone", "a")])).is_err());
    assert!(!plane.kubectl(&["get", "node", "w1"]).status.success(), "it was made by the apply");
    plane.create_node(&MadeNode::new("w1"));
    assert!(edge.do_it(&labels(&last, &[("zone", "a")])).is_err());
    edge.wait("the new node", |seen| seen.nodes.get("w1").is_some_and(|node| node.uid != last.uid));
    assert!(!edge.node("w1").labels.contains_key("zone"));
    edge.stop();
}

#[test]
fn taints_of_others_stay_and_ours_are_listed() {
    let Some(plane) = plane("taints_of_others_stay_and_ours_are_listed") else { return };
    plane.create_node(&MadeNode::new("w1").taint("theirs", "1", "NoSchedule"));
    let edge = Edge::ready(&plane, "one");
    let taint = |value: &str| Taint { key: "gpu".into(), value: value.into(), effect: TaintEffect::NoSchedule };
    let key = TaintKey { key: "gpu".into(), effect: TaintEffect::NoSchedule };
    let write = |set: Vec<Taint>, remove: Vec<TaintKey>, owned: Vec<TaintKey>| {
        let node = edge.node("w1");
        let changes = Vec::new();
        let (uid, resource_version) = (node.uid.clone(), node.resource_version.clone());
        edge.do_it(&Action::WriteTaints { node: "w1".into(), uid, resource_version, set, remove, owned, changes })
    };
    let shown = || edge.node("w1").taints.iter().map(ToString::to_string).collect::<Vec<_>>();
    // The API server itself adds one to every new Node.
    let others = ["theirs=1:NoSchedule", "node.kubernetes.io/not-ready:NoSchedule"];
    let with = |more: &'static str| [&others[..], &[more]].concat();
    write(vec![taint("true")], vec![], vec![key.clone()]).unwrap();
    assert_eq!(shown(), with("gpu=true:NoSchedule"));
    assert_eq!(edge.node("w1").owned_taints, std::slice::from_ref(&key));
    write(vec![taint("false")], vec![], vec![key.clone()]).unwrap();
    assert_eq!(shown(), with("gpu=false:NoSchedule"));
    write(vec![], vec![key], vec![]).unwrap();
    assert_eq!(shown(), others);
    let node = plane.node("w1");
    assert!(node["metadata"]["annotations"].get("coord.homelab/owned-taints").is_none());
    // A person says that the other one is ours too.
    edge.runtime.block_on(edge.kubernetes.adopt_taint("w1", "theirs")).unwrap();
    assert_eq!(edge.node("w1").owned_taints[0].key, "theirs");
    let refused = edge.runtime.block_on(edge.kubernetes.adopt_taint("w1", "none")).unwrap_err();
    assert_eq!(refused.to_string(), "node w1 has no taint none (hint: kubectl describe node w1)");
    edge.stop();
}

#[test]
fn a_label_that_others_manage_is_taken_over_in_one_write() {
    let Some(plane) = plane("a_label_that_others_manage_is_taken_over_in_one_write") else { return };
    plane.create_node(&MadeNode::new("w1"));
    plane.told(&["label", "node", "w1", "gpu=true", "other=1"]);
    let edge = Edge::ready(&plane, "one");
    // The same value applied makes two managers, and leaving it out would not remove it.
    edge.do_it(&labels(&edge.node("w1"), &[("gpu", "true")])).unwrap();
    assert_eq!(edge.node("w1").managers["gpu"].len(), 2);
    edge.runtime.block_on(edge.kubernetes.adopt_labels("w1", &["gpu".to_owned()])).unwrap();
    let node = edge.node("w1");
    assert_eq!(node.managers["gpu"].iter().map(|manager| manager.name.as_str()).collect::<Vec<_>>(), ["coord-labels"]);
    assert_eq!(node.managers["other"][0].name, "kubectl-label");
    edge.do_it(&labels(&edge.node("w1"), &[])).unwrap();
    let node = edge.node("w1");
    assert!(!node.labels.contains_key("gpu") && node.labels.contains_key("other"));
    let refused = |node: &str, key: &str| {
        let keys = [key.to_owned()];
        edge.runtime.block_on(edge.kubernetes.adopt_labels(node, &keys)).unwrap_err().to_string()
    };
    assert_eq!(refused("w1", "none"), "node w1 has no label none (hint: kubectl get node w1 --show-labels)");
    assert_eq!(refused("w9", "gpu"), "the cluster has no node w9 (hint: kubectl get nodes)");
    edge.stop();
}

#[test]
fn of_two_coordinators_one_writes_and_the_other_follows_an_orderly_stop_at_once() {
    let test = "of_two_coordinators_one_writes_and_the_other_follows_an_orderly_stop_at_once";
    let Some(plane) = plane(test) else { return };
    plane.create_node(&MadeNode::new("w1"));
    let first = Edge::ready(&plane, "one");
    let second = Edge::start(plane.kubeconfig(), "two");
    second.wait("to see the first", |seen| seen.lease == WriteLease::Other { holder: "one".into() });
    let refused = second.do_it(&labels(&second.node("w1"), &[("zone", "a")])).unwrap_err();
    assert_eq!(refused.why, "another coordinator holds the Lease: one");
    // A copied data folder writes nothing beside a coordinator that runs, and is named once that is sure.
    let twin = Edge::start(plane.kubeconfig(), "one");
    let is = |seen: &KubernetesObserved, word: &str| matches!(&seen.lease, WriteLease::Refused { why, .. } if why.contains(word));
    twin.wait("to take the first for its earlier process", |seen| is(seen, "previous run"));
    twin.wait("to see it renew", |seen| is(seen, "same identity"));
    assert!(matches!(first.kubernetes.observed().lease, WriteLease::Held { .. }));
    twin.stop();
    first.stop();
    // Sooner than the half minute that a crash would take.
    wait_within(Duration::from_secs(20), "the second to follow", || {
        matches!(second.kubernetes.observed().lease, WriteLease::Held { .. }).then_some(())
    });
    second.do_it(&labels(&second.node("w1"), &[("zone", "a")])).unwrap();
    second.stop();
}

#[test]
fn a_cluster_that_goes_silent_or_away_is_named_and_comes_back() {
    let Some(mut plane) = plane("a_cluster_that_goes_silent_or_away_is_named_and_comes_back") else { return };
    plane.create_node(&MadeNode::new("w1"));
    let edge = Edge::ready(&plane, "one");
    let away =
        |seen: &KubernetesObserved, word: &str| matches!(&seen.reach, Reach::Away { why, .. } if why.contains(word));
    plane.signal_api(Signal::SIGSTOP);
    edge.wait("a silent API server to be named", |seen| away(seen, "did not answer") && seen.nodes.len() == 1);
    plane.signal_api(Signal::SIGCONT);
    edge.wait("it to be there again", |seen| {
        seen.reach == Reach::There && matches!(seen.lease, WriteLease::Held { .. })
    });
    plane.stop_api();
    edge.wait("it to be away", |seen| away(seen, "refuses the connection"));
    let refused = edge.do_it(&labels(&edge.node("w1"), &[("zone", "a")]));
    assert!(refused.is_err());
    plane.start_api();
    plane.create_node(&MadeNode::new("w2"));
    edge.wait("the new node", |seen| seen.reach == Reach::There && seen.nodes.len() == 2);
    edge.wait("the Lease", |seen| matches!(seen.lease, WriteLease::Held { .. }));
    wait_for("the write to be carried out", || edge.do_it(&labels(&edge.node("w1"), &[("zone", "a")])).ok());
    edge.stop();
}

#[test]
fn every_missing_right_is_named_with_the_rule_to_add() {
    let Some(plane) = plane("every_missing_right_is_named_with_the_rule_to_add") else { return };
    plane.create_node(&MadeNode::new("w1"));
    let user = plane.user("coord", &[]);
    let edge = Edge::start(&user, "one");
    let rule = |group: &str, resource: &str, verb: &str| {
        format!(r#"{{apiGroups: ["{group}"], resources: ["{resource}"], verbs: ["{verb}"]}}"#)
    };
    let grant = |group: &str, resource: &str, verb: &str| {
        let name = format!("{resource}-{verb}");
        plane.grant(&name, "User/coord", &format!("[{}]", rule(group, resource, verb)));
    };
    let reach = [("", "namespaces", "get"), ("", "nodes", "list"), ("", "nodes", "watch")];
    for (group, resource, verb) in reach {
        edge.wait(verb, |seen| {
            matches!(&seen.reach, Reach::Away { hint: Some(hint), .. } if hint.contains(&rule(group, resource, verb)))
        });
        grant(group, resource, verb);
    }
    edge.wait("to see the nodes", |seen| seen.reach == Reach::There);
    let leases = "coordination.k8s.io";
    let missing = |hint: &str| {
        edge.wait(
            hint,
            |seen| matches!(&seen.lease, WriteLease::Refused { hint: Some(said), .. } if said.contains(hint)),
        );
    };
    missing(&rule(leases, "leases", "get"));
    grant(leases, "leases", "get");
    missing(&rule(leases, "leases", "create"));
    grant(leases, "leases", "create");
    missing("kubectl create namespace coord-system");
    plane.told(&["create", "namespace", "coord-system"]);
    edge.wait("the Lease", |seen| matches!(seen.lease, WriteLease::Held { .. }));
    grant(leases, "leases", "update");
    assert!(edge.do_it(&labels(&edge.node("w1"), &[("zone", "a")])).is_err());
    let refusal = edge.wait("the refusal", |seen| !seen.refusals.is_empty()).refusals["w1"].clone();
    assert_eq!(refusal.why, "RBAC does not let the coordinator patch nodes");
    assert_eq!(refusal.hint, Some(format!("add the rule {} to the coordinator's role", rule("", "nodes", "patch"))));
    grant("", "nodes", "patch");
    wait_for("the write", || edge.do_it(&labels(&edge.node("w1"), &[("zone", "a")])).ok());
    assert!(edge.kubernetes.observed().refusals.is_empty(), "a refusal is over when a write is carried out");
    edge.kubernetes.ask(vec![LabelAt { node: "w1".into(), key: "zone".into() }]);
    let refusal = edge.wait("a survey that is refused", |seen| seen.survey_refusal.is_some()).survey_refusal.unwrap();
    assert_eq!(refusal.why, "RBAC does not let the coordinator list persistentvolumes");
    edge.stop();
}

#[test]
fn the_users_of_a_label_are_found() {
    let Some(plane) = plane("the_users_of_a_label_are_found") else { return };
    plane.create_node(&MadeNode::new("w1").label("gpu", "true").label("zone", "a"));
    let pod = |name: &str, spec: &str, more: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}{more}}}, \
             spec: {{nodeName: w1, {spec}containers: [{{name: c, image: i}}]}}}}\n---\n"
        )
    };
    let owner = ", ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: plugin, uid: u, controller: true}]";
    plane.apply(&format!(
        "{}{}{}{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: disk}}, spec: {{capacity: {{storage: 1Gi}}, \
         accessModes: [ReadWriteOnce], local: {{path: /x}}, nodeAffinity: {{required: {{nodeSelectorTerms: \
         [{{matchExpressions: [{{key: zone, operator: In, values: [a]}}]}}]}}}}}}}}",
        pod("web", "nodeSelector: {gpu: 'true'}, ", ""),
        pod("plugin-x", "nodeSelector: {gpu: 'true'}, ", owner),
        pod("free", "", ""),
    ));
    let edge = Edge::ready(&plane, "one");
    let at = |key: &str| LabelAt { node: "w1".into(), key: key.into() };
    edge.kubernetes.ask(vec![at("gpu"), at("zone"), at("none")]);
    let seen = edge.wait("three answers", |seen| seen.surveys.len() == 3);
    let users = |key: &str| -> Vec<_> {
        seen.surveys[&at(key)].users.iter().map(|user| (user.kind, user.name.clone(), user.own)).collect()
    };
    let found = |kind, name: &str| (kind, name.to_owned(), false);
    assert_eq!(users("gpu"), [found(UserKind::DaemonSet, "default/plugin"), found(UserKind::Pod, "default/web")]);
    assert_eq!(users("zone"), [found(UserKind::Volume, "disk")]);
    assert_eq!(users("none"), []);
    edge.stop();
}
