//! The custom resource `clusters.coord.homelab`: the cluster file's other home. It is read as text, so that the same
//! code judges both, and it is told what became of it in the conditions that kstatus and Flux wait for.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};

use super::{
    Kubernetes, Refused,
    connect::{Connection, READ, WRITE},
    failure::{Failure, Right},
    state::Shared,
};

const GET: Right = Right { group: "coord.homelab", resource: "clusters", verb: "get" };
const PATCH: Right = Right { verb: "patch", ..GET };
const PATCH_STATUS: Right = Right { resource: "clusters/status", ..PATCH };

/// Writes the conditions, and the resource itself for `coordctl cluster apply`.
const FIELD_MANAGER: &str = "coordinator";

/// The resource as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its name.
    pub(crate) name: String,
    /// Raised by the API server with each change of what is declared.
    pub(crate) generation: i64,
    /// What it declares, in the form of a cluster file.
    pub(crate) text: String,
}

/// How it is doing, in kstatus's three conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Everything is as it declares.
    Current,
    /// Something is being done about it.
    InProgress,
    /// It needs a person.
    Stalled,
}

/// What is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Of which resource.
    pub(crate) name: String,
    /// Which of its versions was judged.
    pub(crate) generation: i64,
    /// How it is doing.
    pub(crate) progress: Progress,
    /// One word, in CamelCase.
    pub(crate) reason: &'static str,
    /// One sentence.
    pub(crate) message: String,
}

fn resources(client: &Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("coord.homelab", "v1", "Cluster");
    Api::all_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, "clusters"))
}

/// Follows the resources for ever. A cluster without the definition is asked again by the watcher's own back-off.
pub(super) async fn run(shared: &Shared, connection: &Connection) {
    let mut known = BTreeMap::new();
    let mut listed = BTreeMap::new();
    let mut events = watcher(resources(&connection.client), watcher::Config::default()).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => listed = BTreeMap::new(),
            Ok(watcher::Event::InitApply(object)) => drop(listed.insert(object.name_any(), found(&object))),
            Ok(watcher::Event::InitDone) => {
                known = std::mem::take(&mut listed);
                note(shared, &known);
            }
            Ok(watcher::Event::Apply(object)) => {
                known.insert(object.name_any(), found(&object));
                note(shared, &known);
            }
            Ok(watcher::Event::Delete(object)) => {
                known.remove(&object.name_any());
                note(shared, &known);
            }
            Err(error) => tracing::debug!(%error, "the cluster resource cannot be read"),
        }
    }
}

fn note(shared: &Shared, known: &BTreeMap<String, Found>) {
    let now = Some(known.values().cloned().collect());
    let mut all = shared.known();
    if all.resources != now {
        all.resources = now;
        drop(all);
        shared.wake();
    }
}

impl Kubernetes {
    /// The cluster resources that there are; none while nobody knows.
    pub(crate) fn resources(&self) -> Option<Vec<Found>> {
        self.shared.known().resources.clone()
    }

    /// Writes what is declared, over what is there.
    ///
    /// # Errors
    /// When this may not write, or the API server refuses.
    pub(crate) async fn apply_resource(&self, name: &str, spec: &Value) -> Result<(), Refused> {
        let connection = self.shared.writer()?;
        let how = PatchParams::apply(FIELD_MANAGER).force();
        let resources = resources(&connection.client);
        let patch = Patch::Apply(file(name, spec));
        let written = resources.patch(name, &how, &patch);
        connection.ask(WRITE, PATCH, written).await.map(drop).map_err(unusable)
    }

    /// Says what became of it. Times of transitions are kept where nothing changed; nothing is written where all is
    /// said.
    ///
    /// # Errors
    /// When this may not write, or the API server refuses.
    pub(crate) async fn tell_resource(&self, verdict: &Verdict, now: &str) -> Result<(), Refused> {
        let connection = self.shared.writer()?;
        let resources = resources(&connection.client);
        let object = connection.ask(READ, GET, resources.get(&verdict.name)).await?;
        let before = object.data.get("status").cloned().unwrap_or(Value::Null);
        let after = status(&before, verdict, now);
        if before == after {
            return Ok(());
        }
        let patch = Patch::Merge(json!({"status": after}));
        let how = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        let written = resources.patch_status(&verdict.name, &how, &patch);
        connection.ask(WRITE, PATCH_STATUS, written).await.map(drop).map_err(Refused::from)
    }
}

/// Where the definition is missing, how to get it.
fn unusable(failure: Failure) -> Refused {
    let missing = failure.kind == super::failure::Kind::Missing;
    let hint = missing.then(|| "coordctl render crd | kubectl apply -f -".to_owned());
    Refused { hint: hint.or(failure.hint), why: failure.why, again: false, sent: failure.sent }
}

fn file(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "coord.homelab/v1", "kind": "Cluster", "metadata": {"name": name}, "spec": spec})
}

/// The resource as a cluster file: without what only the API server writes.
fn found(object: &DynamicObject) -> Found {
    let name = object.name_any();
    let spec = object.data.get("spec").cloned().unwrap_or(Value::Null);
    let text = file(&name, &spec).to_string();
    Found { generation: object.metadata.generation.unwrap_or_default(), text, name }
}

/// The status after `before`. Source of the form: sigs.k8s.io/cli-utils, kstatus: `Ready`, and the two abnormal-true
/// conditions `Reconciling` and `Stalled`.
fn status(before: &Value, verdict: &Verdict, now: &str) -> Value {
    let truths = match verdict.progress {
        Progress::Current => [("Ready", true), ("Reconciling", false), ("Stalled", false)],
        Progress::InProgress => [("Ready", false), ("Reconciling", true), ("Stalled", false)],
        Progress::Stalled => [("Ready", false), ("Reconciling", false), ("Stalled", true)],
    };
    let conditions: Vec<Value> =
        truths.iter().map(|(kind, truth)| condition(before, kind, *truth, verdict, now)).collect();
    json!({"observedGeneration": verdict.generation, "conditions": conditions})
}

fn condition(before: &Value, kind: &str, truth: bool, verdict: &Verdict, now: &str) -> Value {
    let truth = if truth { "True" } else { "False" };
    let old = before["conditions"].as_array().into_iter().flatten().find(|old| old["type"] == kind);
    let since = old.filter(|old| old["status"] == truth).and_then(|old| old["lastTransitionTime"].as_str());
    json!({
        "type": kind,
        "status": truth,
        "reason": verdict.reason,
        "message": verdict.message,
        "lastTransitionTime": since.unwrap_or(now),
        "observedGeneration": verdict.generation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(progress: Progress) -> Verdict {
        Verdict { name: "homelab".into(), generation: 3, progress, reason: "Waiting", message: "2 waits".into() }
    }

    #[test]
    fn a_resource_reads_like_a_file() {
        let file = include_str!("../../../tests/examples/homelab.yaml");
        let value: Value = serde_saphyr::from_str(file).unwrap();
        let object = DynamicObject {
            data: json!({"spec": value["spec"], "status": {}}),
            ..serde_json::from_value(value.clone()).unwrap()
        };
        let read = coord_cluster::read(&found(&object).text);
        assert_eq!(read.desired, coord_cluster::read(file).desired);
        assert!(read.desired.is_some());
    }

    #[test]
    fn a_condition_keeps_the_time_of_its_last_transition() {
        let first = status(&Value::Null, &verdict(Progress::InProgress), "2026-01-01T00:00:00Z");
        let again = status(&first, &verdict(Progress::InProgress), "2026-01-01T00:01:00Z");
        assert_eq!(first, again);
        let done = status(&again, &verdict(Progress::Current), "2026-01-01T00:02:00Z");
        let times: Vec<_> =
            done["conditions"].as_array().unwrap().iter().map(|one| one["lastTransitionTime"].clone()).collect();
        assert_eq!(times, ["2026-01-01T00:02:00Z", "2026-01-01T00:02:00Z", "2026-01-01T00:00:00Z"]);
        assert_eq!(done["observedGeneration"], 3);
    }
}
