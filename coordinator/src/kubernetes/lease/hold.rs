//! Asking for the Lease, keeping it, and giving it back.

use std::{collections::BTreeMap, time::Duration};

use coord_model::Boot;
use coord_planner::WriteLease;
use k8s_openapi::{
    api::{
        coordination::v1::{Lease, LeaseSpec},
        core::v1::Namespace,
    },
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, api::PostParams};

use super::{DURATION, Elector, HELD, LOOK, NAME, RENEW, Record, Step};
use crate::kubernetes::{
    connect::{Connection, READ, WRITE},
    failure::{Failure, Kind, Right},
    state::Shared,
    wall_time,
};

/// The annotation that tells processes with the same name apart.
const RUN: &str = "coord.homelab/run";
/// After somebody else wrote it in between.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long the release may take: the coordinator is stopping.
const FAREWELL: Duration = Duration::from_secs(2);

const GET: Right = Right { group: "coordination.k8s.io", resource: "leases", verb: "get" };
const CREATE: Right = Right { verb: "create", ..GET };
const UPDATE: Right = Right { verb: "update", ..GET };
const NAMESPACE: Right = Right { group: "", resource: "namespaces", verb: "create" };

/// The Lease from this process's side.
pub(in crate::kubernetes) struct Holder {
    elector: Elector,
    /// The object as last seen.
    lease: Option<Lease>,
}

impl Holder {
    /// One that has seen nothing.
    pub(in crate::kubernetes) fn new(holder: &str, run: &str) -> Self {
        Self { elector: Elector::new(holder, run), lease: None }
    }

    /// Asks and keeps asking; ends when the cluster does not answer.
    pub(in crate::kubernetes) async fn keep(&mut self, shared: &Shared, connection: &Connection) -> Failure {
        // Whatever was known is old: the Lease is looked at before anything is written.
        let mut look = true;
        loop {
            let pause = match self.turn(shared, connection, look).await {
                Ok(WriteLease::Held { .. }) => RENEW,
                Ok(_) => LOOK,
                Err(failure) if failure.kind == Kind::Away => return failure,
                Err(failure) if failure.kind == Kind::Moved || failure.kind == Kind::Missing => LOOK_AGAIN,
                Err(_) => LOOK,
            };
            look = pause != RENEW;
            tokio::time::sleep(pause).await;
        }
    }

    /// One look or one write, and what that means.
    async fn turn(&mut self, shared: &Shared, connection: &Connection, look: bool) -> Result<WriteLease, Failure> {
        let sent = shared.now();
        let outcome = self.advance(shared, connection, look).await;
        let said = match &outcome {
            Ok(Step::Create | Step::Take | Step::Renew) => WriteLease::Held { until: sent.plus(HELD) },
            Ok(Step::Wait) => self.elector.other(),
            Err(failure) => Self::failed(failure, shared),
        };
        shared.set_lease(said.clone());
        outcome.map(|_| said)
    }

    /// Looks if told to, decides, and writes.
    async fn advance(&mut self, shared: &Shared, connection: &Connection, look: bool) -> Result<Step, Failure> {
        if look {
            self.look(shared, connection).await?;
        }
        let step = self.elector.step(shared.now());
        let leases = leases(shared, connection);
        let written = match step {
            Step::Wait => return Ok(step),
            Step::Create => self.create(shared, connection, &leases).await?,
            Step::Take | Step::Renew => {
                let lease = self.ours(shared, step == Step::Take);
                connection.ask(WRITE, UPDATE, leases.replace(NAME, &parameters(), &lease)).await?
            }
        };
        self.saw(Some(written), shared.now());
        Ok(step)
    }

    async fn look(&mut self, shared: &Shared, connection: &Connection) -> Result<(), Failure> {
        let found = connection.ask(READ, GET, leases(shared, connection).get_opt(NAME)).await?;
        self.saw(found, shared.now());
        Ok(())
    }

    fn saw(&mut self, lease: Option<Lease>, now: Boot) {
        self.elector.saw(lease.as_ref().map(record), now);
        self.lease = lease;
    }

    /// A new Lease, and the namespace if it is missing.
    async fn create(&self, shared: &Shared, connection: &Connection, leases: &Api<Lease>) -> Result<Lease, Failure> {
        let lease = self.ours(shared, true);
        match connection.ask(WRITE, CREATE, leases.create(&parameters(), &lease)).await {
            Err(failure) if failure.kind == Kind::Missing => make_namespace(shared, connection).await?,
            answer => return answer,
        }
        connection.ask(WRITE, CREATE, leases.create(&parameters(), &lease)).await
    }

    /// The Lease as it is to be while it is ours.
    fn ours(&self, shared: &Shared, taken: bool) -> Lease {
        let before = self.lease.clone().unwrap_or_default();
        let old = before.spec.clone().unwrap_or_default();
        let now = Some(MicroTime(wall_time()));
        let transitions = old.lease_transitions.unwrap_or(0);
        let mut metadata = before.metadata;
        metadata.name = Some(NAME.to_owned());
        metadata.namespace = Some(shared.settings.namespace.clone());
        metadata.managed_fields = None;
        let run = (RUN.to_owned(), self.elector.run.clone());
        metadata.annotations.get_or_insert_with(BTreeMap::new).extend([run]);
        Lease {
            metadata,
            spec: Some(LeaseSpec {
                holder_identity: Some(self.elector.holder.clone()),
                lease_duration_seconds: Some(seconds(DURATION)),
                acquire_time: if taken { now.clone() } else { old.acquire_time.clone() },
                renew_time: now,
                lease_transitions: Some(if taken { transitions.saturating_add(1) } else { transitions }),
                ..old
            }),
        }
    }

    /// What a failure means for the right to write: what was held stays held until it runs out, unless somebody else
    /// wrote or removed the Lease.
    fn failed(failure: &Failure, shared: &Shared) -> WriteLease {
        match (&failure.kind, shared.lease()) {
            (Kind::Moved | Kind::Missing, WriteLease::Held { .. }) => WriteLease::Asking,
            (_, held @ WriteLease::Held { .. }) => held,
            (Kind::Away | Kind::Busy(_) | Kind::Moved, _) => WriteLease::Asking,
            (Kind::Denied | Kind::Refused | Kind::Missing, _) => {
                WriteLease::Refused { why: failure.why.clone(), hint: failure.hint.clone() }
            }
        }
    }

    /// Gives it back, after nothing is written any more. Others would wait for half a minute otherwise.
    pub(in crate::kubernetes) async fn release(&mut self, shared: &Shared) {
        let held = matches!(shared.lease(), WriteLease::Held { .. });
        shared.set_lease(WriteLease::Asking);
        let Some(connection) = shared.connection().filter(|_| held) else { return };
        if tokio::time::timeout(FAREWELL, self.give_back(shared, &connection)).await.is_err() {
            tracing::debug!("the Lease was not given back: it runs out by itself");
        }
    }

    async fn give_back(&mut self, shared: &Shared, connection: &Connection) {
        // What is being written now is finished first.
        let _quiet = shared.writes.write().await;
        // A renewal may have been cut off on its way: the version is read again.
        if self.look(shared, connection).await.is_err() || self.elector.step(shared.now()) != Step::Renew {
            return;
        }
        let mut lease = self.ours(shared, false);
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = Some(String::new());
            spec.lease_duration_seconds = Some(1);
        }
        let leases = leases(shared, connection);
        if let Err(failure) = connection.ask(WRITE, UPDATE, leases.replace(NAME, &parameters(), &lease)).await {
            tracing::debug!(why = failure.why, "the Lease was not given back: it runs out by itself");
        }
    }
}

fn leases(shared: &Shared, connection: &Connection) -> Api<Lease> {
    Api::namespaced(connection.client.clone(), &shared.settings.namespace)
}

fn parameters() -> PostParams {
    PostParams { dry_run: false, field_manager: Some("coordinator".to_owned()) }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

fn record(lease: &Lease) -> Record {
    let spec = lease.spec.as_ref();
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    let run = lease.metadata.annotations.as_ref().and_then(|all| all.get(RUN)).cloned();
    Record {
        holder: spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default(),
        run: run.unwrap_or_default(),
        duration: Duration::from_secs(seconds.unwrap_or(0)),
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
    }
}

/// The namespace of the Lease. A right to make namespaces is not expected: it is one line for a person.
async fn make_namespace(shared: &Shared, connection: &Connection) -> Result<(), Failure> {
    let name = &shared.settings.namespace;
    let namespaces: Api<Namespace> = Api::all(connection.client.clone());
    let wanted = Namespace {
        metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
        ..Namespace::default()
    };
    let made = connection.ask(WRITE, NAMESPACE, namespaces.create(&parameters(), &wanted)).await;
    made.map(|_| ()).map_err(|failure| match failure.kind {
        Kind::Denied => Failure {
            why: format!("the namespace {name} is missing and the coordinator may not make it"),
            hint: Some(format!("kubectl create namespace {name}")),
            ..failure
        },
        Kind::Moved | Kind::Missing | Kind::Refused | Kind::Busy(_) | Kind::Away => failure,
    })
}
