//! Who uses a label, before it goes: a read-only look at pods and volumes, in the background.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use coord_model::Boot;
use coord_planner::{LabelAt, LabelUser, Survey, WriteRefusal};
use k8s_openapi::api::core::v1::{PersistentVolume, Pod};
use kube::{Api, api::ListParams};

use super::{
    connect::{Connection, READ},
    failure::{Failure, Kind, Right},
    state::Shared,
};

mod users;

/// Answers older than this are forgotten.
const LASTS: Duration = Duration::from_secs(600);
/// Answers younger than this are not asked for again.
const FRESH: Duration = Duration::from_secs(30);
/// Questions that may wait; more are asked again by the next turn.
const MOST: usize = 10_000;
/// Users that are named for one label: enough for any person to read.
const MOST_USERS: usize = 500;
/// Objects in memory at once.
const PAGE: u32 = 100;
/// After a failure.
const PAUSE: Duration = Duration::from_secs(5);

const PODS: Right = Right { group: "", resource: "pods", verb: "list" };
const VOLUMES: Right = Right { group: "", resource: "persistentvolumes", verb: "list" };

/// Questions and answers.
#[derive(Default)]
pub(super) struct Surveys {
    wanted: BTreeSet<LabelAt>,
    done: BTreeMap<LabelAt, Survey>,
    /// Why no answer can be had.
    pub(super) refusal: Option<WriteRefusal>,
}

impl Surveys {
    /// Takes questions in; says whether any waits for its answer.
    pub(super) fn ask(&mut self, questions: Vec<LabelAt>, now: Boot) -> bool {
        let stale = |question: &LabelAt| self.done.get(question).is_none_or(|survey| now.since(survey.at) >= FRESH);
        let new: Vec<_> = questions.into_iter().filter(stale).collect();
        let room = MOST.saturating_sub(self.wanted.len());
        self.wanted.extend(new.into_iter().take(room));
        !self.wanted.is_empty()
    }

    /// Takes answers in, which began to be looked for at `at`.
    fn answered(&mut self, at: Boot, questions: Vec<LabelAt>, users: impl Fn(&str) -> Vec<LabelUser>) {
        self.refusal = None;
        for question in questions {
            let mut users = users(&question.key);
            users.sort();
            self.done.insert(question, Survey { at, users });
        }
    }

    /// All answers.
    pub(super) fn answers(&self) -> BTreeMap<LabelAt, Survey> {
        self.done.clone()
    }

    /// Forgets what says nothing about now.
    pub(super) fn forget_old(&mut self, now: Boot) {
        self.done.retain(|_, survey| now.since(survey.at) < LASTS);
    }
}

/// Answers questions as they come.
pub(super) async fn run(shared: &Shared, connection: &Connection) {
    loop {
        let wanted = std::mem::take(&mut shared.known().surveys.wanted);
        if wanted.is_empty() {
            shared.asked.notified().await;
            continue;
        }
        if let Err(failure) = answer(shared, connection, wanted).await {
            tracing::info!(why = failure.why, hint = failure.hint, "the users of labels are not known");
            refused(shared, failure);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A right that is missing is shown to people; what passes is asked again by the next turn.
fn refused(shared: &Shared, failure: Failure) {
    if failure.kind == Kind::Denied {
        let Failure { kind: _, why, hint, sent: _ } = failure;
        shared.known().surveys.refusal = Some(WriteRefusal { at: shared.now(), why, hint });
        shared.wake();
    }
}

/// Volumes are read once for all Nodes, pods once for each Node.
async fn answer(shared: &Shared, connection: &Connection, wanted: BTreeSet<LabelAt>) -> Result<(), Failure> {
    let keys: BTreeSet<String> = wanted.iter().map(|question| question.key.clone()).collect();
    let mut nodes: BTreeMap<String, Vec<LabelAt>> = BTreeMap::new();
    for question in wanted {
        nodes.entry(question.node.clone()).or_default().push(question);
    }
    let volumes = volumes(connection, &keys).await?;
    for (name, questions) in nodes {
        // A Node that is gone is not asked about: nothing will be taken from it.
        let Some(node) = shared.known().nodes.get(&name).cloned() else { continue };
        let at = shared.now();
        let pods = pods(connection, &name, &questions).await?;
        shared.known().surveys.answered(at, questions, |key| {
            let bound = volumes.iter().filter(|volume| users::binds(volume, key, &name, &node.labels));
            let pods = pods.get(key).into_iter().flatten().cloned();
            pods.chain(bound.filter_map(users::volume)).take(MOST_USERS).collect()
        });
        shared.wake();
    }
    Ok(())
}

/// Volumes that name one of `keys`.
async fn volumes(connection: &Connection, keys: &BTreeSet<String>) -> Result<Vec<PersistentVolume>, Failure> {
    let volumes: Api<PersistentVolume> = Api::all(connection.client.clone());
    let mut named = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = connection.ask(READ, VOLUMES, volumes.list(&page)).await?;
        named.extend(list.items.into_iter().filter(|volume| users::names_any(volume, keys)));
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(named),
        }
    }
}

/// Users of each key among the pods of a Node.
async fn pods(
    connection: &Connection,
    node: &str,
    questions: &[LabelAt],
) -> Result<BTreeMap<String, BTreeSet<LabelUser>>, Failure> {
    let pods: Api<Pod> = Api::all(connection.client.clone());
    let running = format!("spec.nodeName={node},status.phase!=Succeeded,status.phase!=Failed");
    let mut page = ListParams::default().fields(&running).limit(PAGE);
    let mut found: BTreeMap<String, BTreeSet<LabelUser>> = BTreeMap::new();
    loop {
        let list = connection.ask(READ, PODS, pods.list(&page)).await?;
        for pod in &list.items {
            for question in questions.iter().filter(|question| users::wants(pod, &question.key)) {
                found.entry(question.key.clone()).or_default().insert(users::pod(pod));
            }
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(found),
        }
    }
}
