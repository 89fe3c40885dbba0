//! What was done to a Node, told where `kubectl describe node` shows it. A story that cannot be told holds nothing up.

use coord_planner::Change;
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, api::PostParams};

use super::{
    connect::{Connection, WRITE},
    failure::Right,
    state::Shared,
    wall_time,
};

/// How many stories may wait to be told; more are lost.
pub(super) const MOST: usize = 4096;
/// Events of things without a namespace live there.
const NAMESPACE: &str = "default";
/// In characters, of which each has at most four bytes: the API server takes 1 024 bytes of a note, and 253 of a name.
const LONGEST_NOTE: usize = 250;
const LONGEST_NAME: usize = 200;

const CREATE: Right = Right { group: "events.k8s.io", resource: "events", verb: "create" };

/// Something that was done.
#[derive(Debug)]
pub(super) struct Happened {
    node: String,
    uid: String,
    reason: &'static str,
    note: String,
}

impl Happened {
    /// That `change` was made to the Node with this UID.
    pub(super) fn new(change: &Change, uid: &str) -> Self {
        let reason = match change {
            Change::SetLabel { .. } => "LabelSet",
            Change::RemoveLabel { .. } => "LabelRemoved",
            Change::SetTaint { .. } => "TaintSet",
            Change::RemoveTaint { .. } => "TaintRemoved",
        };
        let note = change.to_string().chars().take(LONGEST_NOTE).collect();
        Self { node: change.node().to_owned(), uid: uid.to_owned(), reason, note }
    }
}

/// Tells what happens, one by one.
pub(super) async fn run(shared: &Shared, connection: &Connection) {
    let events: Api<Event> = Api::namespaced(connection.client.clone(), NAMESPACE);
    let mut told: u64 = 0;
    let mut stories = shared.telling.lock().await;
    while let Some(story) = stories.recv().await {
        told = told.wrapping_add(1);
        let event = event(story, shared, told);
        if let Err(failure) = connection.ask(WRITE, CREATE, events.create(&PostParams::default(), &event)).await {
            tracing::info!(why = failure.why, hint = failure.hint, "an Event was not written");
        }
    }
}

fn event(story: Happened, shared: &Shared, number: u64) -> Event {
    let start: String = story.node.chars().take(LONGEST_NAME).collect();
    let moment = shared.now().0.as_millis();
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{start}.{moment:x}-{number:x}")),
            namespace: Some(NAMESPACE.to_owned()),
            ..ObjectMeta::default()
        },
        action: Some("Reconcile".to_owned()),
        event_time: Some(MicroTime(wall_time())),
        note: Some(story.note),
        reason: Some(story.reason.to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Node".to_owned()),
            name: Some(story.node),
            uid: Some(story.uid),
            ..ObjectReference::default()
        }),
        reporting_controller: Some("coord.homelab/coordinator".to_owned()),
        reporting_instance: Some(shared.settings.holder.clone()),
        type_: Some("Normal".to_owned()),
        ..Event::default()
    }
}
