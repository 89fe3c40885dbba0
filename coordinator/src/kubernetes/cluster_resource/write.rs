//! Writing the cluster resource for `coordctl cluster apply`, and telling it what became of it.

use kube::{
    ResourceExt,
    api::{DynamicObject, ObjectList, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use super::{LIST, Progress, Verdict, file, resources, unusable};
use crate::kubernetes::{
    Kubernetes, Refused,
    connect::{READ, WRITE},
    failure::{Failure, Kind, Right},
};

const GET: Right = Right { verb: "get", ..LIST };
const CREATE: Right = Right { verb: "create", ..LIST };
const UPDATE: Right = Right { verb: "update", ..LIST };
const PATCH_STATUS: Right = Right { resource: "clusters/status", verb: "patch", ..LIST };

/// Writes the conditions, and the resource itself.
const FIELD_MANAGER: &str = "coordinator";

impl Kubernetes {
    /// Writes what is declared, in place of all that is there, whoever wrote it. Labels and annotations stay.
    ///
    /// # Errors
    /// When this may not write, when a resource of another name is there, or the API server refuses.
    pub(crate) async fn apply_resource(&self, name: &str, spec: &Value) -> Result<(), Refused> {
        let _quiet = self.shared.writes.read().await;
        let connection = self.shared.writer()?;
        let api = resources(&connection.client);
        let listed = connection.ask(READ, LIST, api.list(&Default::default())).await.map_err(unusable)?;
        let wanted = wanted(listed, name, spec)?;
        let how = PostParams { dry_run: false, field_manager: Some(FIELD_MANAGER.to_owned()) };
        // The Lease may have gone while they were read.
        let connection = self.shared.writer()?;
        let api = resources(&connection.client);
        let written = match &wanted {
            Wanted::New(object) => connection.ask(WRITE, CREATE, api.create(&how, object)).await,
            Wanted::Changed(object) => connection.ask(WRITE, UPDATE, api.replace(name, &how, object)).await,
        };
        written.map(drop).map_err(|failure| again(failure, name))
    }

    /// Says what became of it. Times of transitions are kept where nothing changed; nothing is written where all is
    /// said.
    ///
    /// # Errors
    /// When this may not write, or the API server refuses.
    pub(crate) async fn tell_resource(&self, verdict: &Verdict, now: &str) -> Result<(), Refused> {
        let _quiet = self.shared.writes.read().await;
        let connection = self.shared.writer()?;
        let object = connection.ask(READ, GET, resources(&connection.client).get(&verdict.name)).await?;
        let before = object.data.get("status").cloned().unwrap_or(Value::Null);
        let after = status(&before, verdict, now);
        if before == after {
            return Ok(());
        }
        let patch = Patch::Merge(json!({"status": after}));
        let how = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        // The Lease may have gone while it was read.
        let connection = self.shared.writer()?;
        let written = resources(&connection.client);
        let written = written.patch_status(&verdict.name, &how, &patch);
        connection.ask(WRITE, PATCH_STATUS, written).await.map(drop).map_err(Refused::from)
    }
}

/// What is to be sent.
#[derive(Debug)]
enum Wanted {
    /// There is none.
    New(DynamicObject),
    /// The one that there is, under its version, with another declaration.
    Changed(DynamicObject),
}

/// There is one home: a second resource would put both out of force.
fn wanted(listed: ObjectList<DynamicObject>, name: &str, spec: &Value) -> Result<Wanted, Refused> {
    if let Some(other) = listed.items.iter().map(ResourceExt::name_any).find(|other| other != name) {
        let why = format!("the cluster resource of this cluster is named {other}, not {name}");
        let hint = format!("write `name: {other}`, or first: kubectl delete clusters.coord.homelab {other}");
        return Err(Refused::new(why, Some(hint)));
    }
    let fresh: DynamicObject = serde_json::from_value(file(name, spec))
        .map_err(|error| Refused::new(format!("the cluster resource cannot be written: {error}"), None))?;
    Ok(match listed.items.into_iter().next() {
        Some(live) => Wanted::Changed(DynamicObject { types: fresh.types, metadata: live.metadata, data: fresh.data }),
        None => Wanted::New(fresh),
    })
}

/// A person is asked to repeat what a machine would.
fn again(failure: Failure, name: &str) -> Refused {
    match failure.kind {
        // Gone: it was there, or its kind was, a moment ago.
        Kind::Moved | Kind::Missing => {
            Refused::new(format!("the cluster resource {name} changed in between"), Some("try again".to_owned()))
        }
        Kind::Denied | Kind::Refused | Kind::Busy(_) | Kind::Away => failure.into(),
    }
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
mod tests;
