//! The custom resource `clusters.coord.homelab`: the cluster file's other home. It is read as text, so that the same
//! code judges both, and it is told what became of it in the conditions that kstatus and Flux wait for.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};

use super::{
    Kubernetes, Refused,
    connect::Connection,
    failure::{Failure, Kind, Right},
    state::Shared,
};

mod write;

const LIST: Right = Right { group: "coord.homelab", resource: "clusters", verb: "list" };
const WATCH: Right = Right { verb: "watch", ..LIST };

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
#[expect(clippy::enum_variant_names, reason = "kstatus's own words")]
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

/// How soon it is looked whether a person has mended what was wrong.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// A watch that is not refused within this stands.
const PROOF: Duration = Duration::from_secs(1);

/// Follows the resources for ever. What a person has to mend is kept until a list and a watch are allowed.
pub(super) async fn run(shared: &Shared, connection: &Connection) {
    loop {
        let failure = Box::pin(follow(shared, connection)).await;
        tracing::debug!(%failure, "the cluster resource cannot be read");
        set_failure(shared, Some(failure));
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Follows them until a person has to do something. What passes by itself is the business of the watch of the Nodes,
/// which sees it too.
async fn follow(shared: &Shared, connection: &Connection) -> Refused {
    let (mut known, mut listed) = (BTreeMap::new(), BTreeMap::new());
    let mut unproven = false;
    let mut events = watcher(resources(&connection.client), watcher::Config::default()).default_backoff().boxed();
    loop {
        let limit = if unproven { PROOF } else { Duration::MAX };
        let Ok(event) = tokio::time::timeout(limit, events.next()).await else {
            set_failure(shared, None);
            unproven = false;
            continue;
        };
        match event {
            Some(Ok(watcher::Event::Init)) => listed = BTreeMap::new(),
            Some(Ok(watcher::Event::InitApply(object))) => drop(listed.insert(object.name_any(), found(&object))),
            Some(Ok(watcher::Event::InitDone)) => {
                known = std::mem::take(&mut listed);
                unproven = true;
                note(shared, &known);
            }
            Some(Ok(watcher::Event::Apply(object))) => {
                known.insert(object.name_any(), found(&object));
                note(shared, &known);
            }
            Some(Ok(watcher::Event::Delete(object))) => {
                known.remove(&object.name_any());
                note(shared, &known);
            }
            Some(Err(error)) => {
                if let Some(failure) = failure(&error, &connection.server) {
                    return failure;
                }
            }
            None => return Refused::passing("the watch of the cluster resource ended"),
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

fn set_failure(shared: &Shared, failure: Option<Refused>) {
    let mut all = shared.known();
    if all.resource_failure != failure {
        all.resource_failure = failure;
        drop(all);
        shared.wake();
    }
}

/// None where the watch goes on by itself.
fn failure(error: &watcher::Error, server: &str) -> Option<Refused> {
    let failure = match error {
        watcher::Error::InitialListFailed(error) => Failure::of(error, server, LIST),
        watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
            Failure::of(error, server, WATCH)
        }
        watcher::Error::WatchError(status) => Failure::answered(status, server, WATCH),
        watcher::Error::NoResourceVersion => return None,
    };
    match failure.kind {
        Kind::Missing | Kind::Denied | Kind::Refused => Some(unusable(failure)),
        Kind::Moved | Kind::Busy(_) | Kind::Away => None,
    }
}

/// Where the definition is missing, how to get it.
fn unusable(failure: Failure) -> Refused {
    if failure.kind == Kind::Missing {
        let hint = "coordctl render crd | kubectl apply -f -".to_owned();
        return Refused::new("the cluster does not know the resource clusters.coord.homelab", Some(hint));
    }
    failure.into()
}

impl Kubernetes {
    /// The cluster resources that there are; none while nobody knows.
    pub(crate) fn resources(&self) -> Option<Vec<Found>> {
        self.shared.known().resources.clone()
    }

    /// Why the resources cannot be read, where somebody has to do something about it. What was read before stays.
    pub(crate) fn resource_failure(&self) -> Option<Refused> {
        self.shared.known().resource_failure.clone()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
