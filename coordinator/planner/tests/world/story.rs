//! Stories that a person reads: one line an event, and under each turn what it decided and why.
#![allow(dead_code, reason = "every test uses its own part of the world")]

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use coord_model::Boot;
use coord_planner::{
    Consent, Decisions, Desired, FactAt, FieldOwner, Held, LabelAt, LabelUser, Memories, Memory, Observed, OnFalse,
    Pause, Plan, Reach, Said, Survey, Taint, TaintEffect, TaintKey, Taken, TimedWait, Truth, UNINITIALISED, UserKind,
    WriteLease, WriteOperation, WriteRefusal, fold, judged, plan, span,
};

use super::{cluster, home};

/// The world of a story and what has been told so far.
pub(crate) struct Story {
    desired: Option<Desired>,
    observed: Observed,
    memories: Memories,
    said: BTreeMap<FactAt, Said>,
    users: BTreeMap<LabelAt, Vec<LabelUser>>,
    told: String,
}

/// What the whole script becomes.
pub(crate) fn tell(script: &str) -> String {
    let observed = home::home();
    let desired = Some(home::home_desired());
    let (memories, said, users) = (Memories::new(), BTreeMap::new(), BTreeMap::new());
    let mut story = Story { desired, observed, memories, said, users, told: String::new() };
    story.every_machine_reports();
    for line in script.lines() {
        story.told.push_str(line);
        story.told.push('\n');
        let words: Vec<&str> = line.split_whitespace().collect();
        if !line.starts_with('#') && !words.is_empty() {
            story.happens(&words);
        }
    }
    story.told
}

impl Story {
    /// Every rule is false everywhere, and every machine has been calm for an hour.
    fn every_machine_reports(&mut self) {
        for node in &self.observed.nodes {
            for (text, ..) in home::RULES {
                let at = FactAt { node: node.name.clone(), rule: text.into() };
                self.said.insert(at, Said { truth: Truth::False, calm_since: Some(Boot::default()) });
            }
        }
    }

    fn happens(&mut self, words: &[&str]) {
        match words {
            ["plan"] => drop(self.decide()),
            ["turn"] => self.turn(),
            ["settle"] => self.settle(),
            ["apply"] => self.approve(),
            ["pass", time] => self.pass(seconds(time)),
            ["restart"] => self.restart(),
            ["new", "cluster"] => self.observed.decisions.adopted.clear(),
            ["wall", "clock", time] => {
                self.observed.now.wall = self.observed.now.wall.plus(Duration::from_secs(seconds(time)));
            }
            ["away", why @ ..] => self.observed.kubernetes.reach = Reach::Away { why: why.join(" "), hint: None },
            ["there"] => self.observed.kubernetes.reach = Reach::There,
            ["no", "cluster"] => self.observed.kubernetes = Default::default(),
            ["lease", "other", holder] => {
                self.observed.kubernetes.lease = WriteLease::Other { holder: (*holder).into() }
            }
            ["lease", "held"] => self.observed.kubernetes.lease = WriteLease::Held { until: Boot(Duration::MAX) },
            ["pause", subject, by, reason @ ..] => self.pause(subject, by, &reason.join(" ")),
            ["resume", subject] => self.resume(subject),
            ["show", node] => self.show(node),
            ["refuse", "surveys", why @ ..] => self.refuse_surveys(&why.join(" ")),
            ["refuse", node, why @ ..] => self.refuse(node, &why.join(" ")),
            _ => self.changes(words),
        }
    }

    /// Events in the world and in the cluster file.
    fn changes(&mut self, words: &[&str]) {
        match words {
            ["report", node, key, answer, why @ ..] => self.report(node, key, answer, &why.join(" ")),
            ["reboot", node] => self.each_said(node, |said, now| said.calm_since = Some(now)),
            ["use", node, key, kind, name] => self.used(node, key, kind, name),
            ["label", node, pair, "by", name] => self.label(node, pair, name),
            ["share", node, key, "with", name] => self.share(node, key, name),
            ["taint", node, text] => self.taint(node, text),
            ["copy", of, to] => self.copy(of, to),
            ["made", "again", node] => self.made_again(node),
            ["declare", "nothing"] => self.desired = None,
            ["declare", "home"] => self.desired = Some(home::home_desired()),
            ["declare", "no", "nodes"] => self.declared(|desired| desired.nodes.clear()),
            ["declare", "no", "node", node] => self.declared(|desired| drop(desired.nodes.remove(*node))),
            ["declare", "no", "label", node, key] => self.node_declared(node, |it| drop(it.labels.remove(*key))),
            ["declare", "no", "taints", node] => self.node_declared(node, |it| it.taints.clear()),
            ["declare", "taint", node, text] => self.node_declared(node, |it| it.taints.push(read_taint(text))),
            ["declare", "label", node, pair] => self.node_declared(node, |it| it.labels.extend([halves(pair)])),
            ["declare", "zone", node, zone] => self.node_declared(node, |it| it.zone = (*zone).into()),
            ["declare", "policy", policy] => self.declared(|desired| desired.policy.labels = consent(policy)),
            ["declare", "onFalse", "remove"] => {
                self.declared(|desired| desired.rules.iter_mut().for_each(|rule| rule.on_false = OnFalse::Remove));
            }
            other => panic!("no such line: {other:?}"),
        }
    }

    fn declared(&mut self, change: impl FnOnce(&mut Desired)) {
        change(self.desired.as_mut().expect("something is declared"));
    }

    fn node_declared(&mut self, node: &str, change: impl FnOnce(&mut coord_planner::NodeDeclared)) {
        self.declared(|desired| change(desired.nodes.get_mut(node).expect("the node is declared")));
    }

    fn each_said(&mut self, node: &str, change: impl Fn(&mut Said, Boot)) {
        let now = self.observed.now.boot;
        let of = self.said.iter_mut().filter(|(at, _)| at.node == node || node == "every");
        of.for_each(|(_, said)| change(said, now));
    }

    fn report(&mut self, node: &str, key: &str, answer: &str, why: &str) {
        let rule = home::RULES.iter().find(|(_, label, _)| *label == key).expect("a label of a rule").0;
        let truth = match answer {
            "true" => Truth::True,
            "false" => Truth::False,
            "unknown" => Truth::Unknown(why.into()),
            other => panic!("no such answer: {other}"),
        };
        let of = self.said.iter_mut().filter(|(at, _)| (at.node == node || node == "every") && at.rule == rule);
        of.for_each(|(_, said)| said.truth = truth.clone());
    }

    /// Second by second, as turns and reports would.
    fn pass(&mut self, seconds: u64) {
        self.judge();
        for _ in 0..seconds {
            self.observed.now.boot = self.observed.now.boot.plus(Duration::from_secs(1));
            self.observed.now.wall = self.observed.now.wall.plus(Duration::from_secs(1));
            self.judge();
        }
    }

    fn judge(&mut self) {
        let now = self.observed.now.boot;
        self.memories = fold(&self.memories, &self.said, now);
        for node in &mut self.observed.nodes {
            let of = self.said.iter().filter(|(at, _)| at.node == node.name);
            let of = of.map(|(at, said)| (at.rule.clone(), judged(&self.memories[at], said, now)));
            node.rules = of.collect();
        }
    }

    fn decide(&mut self) -> Plan {
        self.judge();
        let decided = plan(self.desired.as_ref(), &self.observed, self.observed.now);
        self.told.push_str(&shown(&decided, self.observed.now.boot));
        decided
    }

    /// Plans, carries it out, and answers what was asked.
    fn turn(&mut self) {
        let decided = self.decide();
        let now = self.observed.now;
        for action in &decided.actions {
            let open =
                |content: &String| self.observed.decisions.approved.get(content).is_none_or(|until| *until <= now.wall);
            let taken: Vec<Taken> = action
                .changes()
                .iter()
                .filter(|change| change.takes() && open(&change.content()))
                .map(|change| Taken { at: now.boot, node: change.node().into(), what: change.subject() })
                .collect();
            self.observed.decisions.taken.extend(taken);
            cluster::carry_out(&mut self.observed.kubernetes, action);
        }
        let asked = decided.questions.iter().filter(|_| self.observed.kubernetes.survey_refusal.is_none());
        for at in asked {
            let users = self.users.get(at).cloned().unwrap_or_default();
            self.observed.kubernetes.surveys.insert(at.clone(), Survey { at: now.boot, users });
        }
    }

    /// Turns that nobody looks at, until nothing is left to do.
    fn settle(&mut self) {
        for _ in 0..4 {
            let told = self.told.len();
            self.turn();
            self.told.truncate(told);
        }
    }

    /// `coordctl apply` of what is proposed now.
    fn approve(&mut self) {
        self.judge();
        let decided = plan(self.desired.as_ref(), &self.observed, self.observed.now);
        let until = self.observed.now.wall.plus(Duration::from_secs(24 * 3600));
        let asked = decided.proposals.iter().filter(|proposal| proposal.held == Held::NeedsApproval);
        let contents: Vec<_> = asked.map(|proposal| (proposal.change.content(), until)).collect();
        writeln!(self.told, "  {} approved", contents.len()).expect("a string grows");
        self.observed.decisions.approved.extend(contents);
        self.observed.decisions.adopted.extend(self.observed.kubernetes.cluster.clone());
    }

    /// The coordinator starts again: only changes of facts are remembered, and nobody has reported.
    fn restart(&mut self) {
        let now = self.observed.now.boot;
        for memory in self.memories.values_mut() {
            let changes = memory.changes.clone();
            let truth = Truth::Unknown("no report since the coordinator started".into());
            *memory = Memory { truth, since: now, known: None, settled: None, changes, resumed: memory.resumed };
        }
        let silent = Truth::Unknown("no report since the coordinator started".into());
        self.each_said("every", |said, _| *said = Said { truth: silent.clone(), calm_since: None });
        self.observed.kubernetes.surveys.clear();
        let kept = Decisions { taken: Vec::new(), ..self.observed.decisions.clone() };
        self.observed.decisions = kept;
    }

    fn pause(&mut self, subject: &str, by: &str, reason: &str) {
        let subject = if subject == "everything" { "" } else { subject };
        let pause = Pause { by: by.into(), reason: reason.into(), at: self.observed.now.wall };
        self.observed.decisions.paused.insert(subject.into(), pause);
    }

    fn resume(&mut self, subject: &str) {
        self.observed.decisions.paused.remove(if subject == "everything" { "" } else { subject });
        let Some((node, key)) = subject.strip_prefix("label/").and_then(|rest| rest.split_once('/')) else { return };
        let rule = home::RULES.iter().find(|(_, label, _)| *label == key).expect("a label of a rule").0;
        let at = FactAt { node: node.into(), rule: rule.into() };
        self.memories.get_mut(&at).expect("a rule").resumed = Some(self.observed.now.boot);
    }

    fn refuse(&mut self, node: &str, why: &str) {
        let refusal = WriteRefusal { at: self.observed.now.boot, why: why.into(), hint: None };
        self.observed.kubernetes.refusals.insert(node.into(), refusal);
    }

    fn refuse_surveys(&mut self, why: &str) {
        let hint = Some("give it the right `list pods`".into());
        self.observed.kubernetes.survey_refusal =
            (why != "none").then(|| WriteRefusal { at: self.observed.now.boot, why: why.into(), hint });
    }

    fn used(&mut self, node: &str, key: &str, kind: &str, name: &str) {
        let own = kind == "worker";
        let kind = match kind {
            "DaemonSet" => UserKind::DaemonSet,
            "pod" | "worker" => UserKind::Pod,
            "volume" => UserKind::Volume,
            other => panic!("no such user: {other}"),
        };
        let user = LabelUser { kind, name: name.into(), own };
        self.users.entry(LabelAt { node: node.into(), key: key.into() }).or_default().push(user);
    }

    fn label(&mut self, node: &str, pair: &str, name: &str) {
        let at = cluster::node(&mut self.observed.kubernetes, node);
        match pair.strip_suffix('-') {
            Some(key) => cluster::label(at, name, key, None),
            None => cluster::label(at, name, &halves(pair).0, Some(&halves(pair).1)),
        }
    }

    fn share(&mut self, node: &str, key: &str, name: &str) {
        let manager = FieldOwner { name: name.into(), operation: WriteOperation::Update };
        cluster::node(&mut self.observed.kubernetes, node).managers.entry(key.into()).or_default().push(manager);
    }

    fn taint(&mut self, node: &str, text: &str) {
        let (text, gone) = text.strip_suffix('-').map_or((text, false), |text| (text, true));
        let text = if text == "uninitialized" { UNINITIALISED } else { text };
        let (key, value) = halves(text);
        let taint = Taint { key: key.clone(), value, effect: TaintEffect::NoSchedule };
        let which = TaintKey { key, effect: TaintEffect::NoSchedule };
        let at = cluster::node(&mut self.observed.kubernetes, node);
        if gone { cluster::taint(at, &[], &[which]) } else { cluster::taint(at, &[taint], &[]) }
    }

    fn copy(&mut self, of: &str, to: &str) {
        let agent = self.observed.nodes.iter_mut().find(|node| node.name == to).expect("an agent");
        agent.evidence.machine_id = format!("id{of}");
        cluster::node(&mut self.observed.kubernetes, to).machine_id = format!("id{of}");
    }

    fn made_again(&mut self, name: &str) {
        let addresses = self.observed.kubernetes.nodes[name].addresses.clone();
        let node = coord_planner::KubeNode { uid: "another".into(), ..home::kube_node(name, &addresses[0]) };
        self.observed.kubernetes.nodes.insert(name.into(), Arc::new(node));
    }

    fn show(&mut self, node: &str) {
        let node = &self.observed.kubernetes.nodes[node];
        for (key, value) in &node.labels {
            let names: Vec<&str> =
                node.managers.get(key).into_iter().flatten().map(|manager| manager.name.as_str()).collect();
            writeln!(self.told, "  {key}={value} ({})", names.join(", ")).expect("a string grows");
        }
        for taint in &node.taints {
            writeln!(self.told, "  taint {taint}").expect("a string grows");
        }
    }
}

/// The plan as lines.
fn shown(plan: &Plan, now: Boot) -> String {
    let mut lines: Vec<String> = Vec::new();
    for action in &plan.actions {
        lines.extend(action.changes().iter().map(|change| format!("{} {}: {change}", change.symbol(), action.node())));
        if action.changes().is_empty() {
            lines.push(format!("~ {}: the list of owned taints", action.node()));
        }
    }
    lines.extend(
        plan.proposals
            .iter()
            .map(|proposal| format!("? {}: {} [{:?}]", proposal.change.node(), proposal.change, proposal.held)),
    );
    lines.extend(plan.questions.iter().map(|at| format!("asks who uses {} on {}", at.key, at.node)));
    lines.extend(plan.waits.iter().map(|wait| waiting(wait, now)));
    lines.extend(plan.problems.iter().map(ToString::to_string));
    if lines.is_empty() {
        lines.push("nothing to do".into());
    }
    lines.into_iter().map(|line| format!("  {line}\n")).collect()
}

fn waiting(wait: &TimedWait, now: Boot) -> String {
    let until = wait.until.map_or_else(String::new, |until| format!(" [in {}]", span(until.since(now))));
    let hint = wait.wait.hint.as_ref().map_or_else(String::new, |hint| format!("\n      hint: {hint}"));
    format!(". {} {}: {}{until}{hint}", wait.wait.subject, wait.wait.reason, wait.wait.message)
}

fn halves(pair: &str) -> (String, String) {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    (key.into(), value.into())
}

/// `KEY=VALUE:EFFECT`.
fn read_taint(text: &str) -> Taint {
    let (pair, effect) = text.split_once(':').expect("an effect");
    let (key, value) = halves(pair);
    let all = [TaintEffect::NoSchedule, TaintEffect::PreferNoSchedule, TaintEffect::NoExecute];
    let effect = all.into_iter().find(|one| format!("{one:?}") == effect).expect("an effect");
    Taint { key, value, effect }
}

fn consent(policy: &str) -> Consent {
    match policy {
        "auto" => Consent::Auto,
        "approve" => Consent::Approve,
        "off" => Consent::Off,
        other => panic!("no such policy: {other}"),
    }
}

fn seconds(time: &str) -> u64 {
    let (number, unit) = time.split_at(time.len() - 1);
    let number: u64 = number.parse().expect("a number");
    match unit {
        "s" => number,
        "m" => number * 60,
        "h" => number * 3600,
        "d" => number * 86_400,
        other => panic!("no such unit: {other}"),
    }
}
