//! What the label rules say of each node, and for how long. A rule is asked again only when the node's report or the
//! rules changed; the memory of its answers is the planner's `fold`.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    sync::Arc,
    time::Duration,
};

use coord_model::{Boot, Moment, Report, Section, section::K3sRole};
use coord_planner::{Desired, FactAt, Judged, Memories, Said, Truth, fold, judged};

use crate::{clock, registry::Reported, state::State};

/// A node that was not heard for so many heartbeats has no data: what its last report said may be over.
const HEARTBEATS: u32 = 3;

/// What a node's report says to the rules.
#[derive(Debug)]
struct Answers {
    version: u64,
    rules: Arc<Desired>,
    truths: Vec<Truth>,
    calm_since: Option<Boot>,
}

/// The answers so far, by node id.
#[derive(Debug)]
pub(super) struct Facts {
    answers: BTreeMap<String, Answers>,
    memories: Memories,
}

/// Rules as the planner may act on them, by node id and the rule's text.
pub(super) type Rules = BTreeMap<String, BTreeMap<String, Judged>>;

impl Facts {
    /// With the changes that the store remembers. Without them a fact that flapped begins anew, which is said.
    pub(super) async fn load(state: &State) -> Self {
        let memories = state.decisions.load_memories(clock::now()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "changes of facts before this start are not known");
            Memories::new()
        });
        Self { answers: BTreeMap::new(), memories }
    }

    /// What may be acted on now. Changes are stored, so that a restart does not forget a fact that flaps.
    pub(super) async fn judge(&mut self, state: &State, desired: Option<&Arc<Desired>>, now: Moment) -> Rules {
        let Some(desired) = desired.filter(|desired| !desired.rules.is_empty()) else { return Rules::new() };
        let nodes = state.registry.reported();
        let present: BTreeSet<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
        self.answers.retain(|id, _| present.contains(id.as_str()));
        nodes.iter().for_each(|node| self.ask(node, desired, now.boot));
        for fact in state.decisions.take_resumed() {
            if let Some(memory) = self.memories.get_mut(&fact) {
                memory.resumed = Some(now.boot);
            }
        }
        let silent = state.settings.heartbeat.saturating_mul(HEARTBEATS);
        let said = self.said(&nodes, desired, silent, now.boot);
        for (fact, value) in self.remember(&said, now.boot) {
            if let Err(error) = state.decisions.note_change(&fact, value, now.wall).await {
                tracing::warn!(%error, "a fact's change cannot be stored");
            }
        }
        rules(&nodes, &said, &self.memories, now.boot)
    }

    /// Folds what was said into the memories; which facts changed, and to what.
    fn remember(&mut self, said: &BTreeMap<FactAt, Said>, now: Boot) -> Vec<(FactAt, bool)> {
        let before = std::mem::take(&mut self.memories);
        self.memories = fold(&before, said, now);
        let changed = self.memories.iter().filter_map(|(fact, memory)| {
            let last = memory.changes.last()?;
            let same = before.get(fact).and_then(|memory| memory.changes.last()) == Some(last);
            // A change while it is frozen counts several times, also after a restart.
            let times = memory.changes.iter().filter(|at| *at == last).count();
            (!same).then_some((fact.clone(), memory.known?, times))
        });
        changed.flat_map(|(fact, value, times)| iter::repeat_n((fact, value), times)).collect()
    }

    /// Asks the rules again where something changed.
    fn ask(&mut self, node: &Reported, desired: &Arc<Desired>, now: Boot) {
        let known = self.answers.get(&node.id);
        if known.is_some_and(|answers| answers.version == node.version && Arc::ptr_eq(&answers.rules, desired)) {
            return;
        }
        let report = node.report(now);
        let truths = desired.rules.iter().map(|rule| rule.when.holds(&report)).collect();
        let answers =
            Answers { version: node.version, rules: Arc::clone(desired), truths, calm_since: calm_since(&report, now) };
        self.answers.insert(node.id.clone(), answers);
    }

    /// What every rule says of every node.
    fn said(&self, nodes: &[Reported], desired: &Desired, silent: Duration, now: Boot) -> BTreeMap<FactAt, Said> {
        let one = |node: &Reported| {
            let heard = node.heard.is_some_and(|heard| now.since(heard) <= silent);
            let answers = self.answers.get(&node.id);
            let name = node.name.clone();
            desired.rules.iter().enumerate().map(move |(index, rule)| {
                let truth = answers.and_then(|answers| answers.truths.get(index)).filter(|_| heard).cloned();
                let truth = truth.unwrap_or_else(|| Truth::Unknown("the node is silent".into()));
                let calm_since = answers.and_then(|answers| answers.calm_since);
                (FactAt { node: name.clone(), rule: rule.text.clone() }, Said { truth, calm_since })
            })
        };
        nodes.iter().flat_map(one).collect()
    }
}

fn rules(nodes: &[Reported], said: &BTreeMap<FactAt, Said>, memories: &Memories, now: Boot) -> Rules {
    let ids: BTreeMap<&str, &str> = nodes.iter().map(|node| (node.name.as_str(), node.id.as_str())).collect();
    let mut rules = Rules::new();
    for (fact, said) in said {
        let Some((id, memory)) = ids.get(fact.node.as_str()).zip(memories.get(fact)) else { continue };
        let judged = judged(memory, said, now);
        rules.entry((*id).to_owned()).or_default().insert(fact.rule.clone(), judged);
    }
    rules
}

/// The latest start of the machine, its k3s and its agent: for a while after one of them what is missing may only not
/// be there yet. None while one of them is not known; a machine without k3s has none to wait for.
fn calm_since(report: &Report, now: Boot) -> Option<Boot> {
    let boot = started(report.system.as_ref(), now, |system| system.uptime_seconds)?;
    let agent = started(report.agent.as_ref(), now, |agent| agent.started_seconds)?;
    let k3s = match report.k3s.as_ref()?.facts.as_ref()?.role? {
        K3sRole::None => boot,
        K3sRole::Server | K3sRole::Agent | K3sRole::Unrecognised(_) => {
            started(report.k3s.as_ref(), now, |k3s| k3s.unit_since_seconds)?
        }
    };
    Some(boot.max(agent).max(k3s))
}

/// When something began that had gone on for so many seconds when its section was read.
fn started<T>(section: Option<&Section<T>>, now: Boot, seconds: impl Fn(&T) -> Option<f64>) -> Option<Boot> {
    let section = section?;
    let seconds = seconds(section.facts.as_ref()?)? + section.age_seconds;
    let age = Duration::try_from_secs_f64(seconds.max(0.0)).ok()?;
    Some(Boot(now.0.saturating_sub(age)))
}
