//! What this edge knows at one moment, shared by its tasks; locked for moments only, never across a wait.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use coord_model::Boot;
use coord_planner::{KubeNode, KubernetesObserved, Reach, VirtualAddressHolder, WriteLease, WriteRefusal};
use tokio::sync::{Notify, RwLock, mpsc};

use super::{
    Refused, Settings,
    cluster_resource::Found,
    connect::{Connection, is_configured},
    events::Happened,
    failure::Failure,
    patience::Patience,
    survey::Surveys,
};

/// A shorter absence is not worth a word: an API server that restarts, a watch that is made again.
const HICCUP: Duration = Duration::from_secs(3);
/// Refusals older than this say nothing about now.
const REFUSAL_LASTS: Duration = Duration::from_secs(600);

/// The shared state.
pub(super) struct Shared {
    /// As configured.
    pub(super) settings: Settings,
    /// Tells processes with the same name apart.
    pub(super) run: String,
    /// Writers hold it for reading: the Lease is given back when nobody does.
    pub(super) writes: RwLock<()>,
    /// Somebody asked a question.
    pub(super) asked: Notify,
    /// What was done, on its way to be told.
    pub(super) happened: mpsc::Sender<Happened>,
    /// Its other end; the task that tells has it.
    pub(super) telling: tokio::sync::Mutex<mpsc::Receiver<Happened>>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
    known: Mutex<Known>,
}

/// What is known.
#[derive(Default)]
pub(super) struct Known {
    pub(super) reach: Reach,
    /// Since when it does not answer, and why.
    trouble: Option<(Boot, Failure)>,
    pub(super) cluster: Option<String>,
    lease: WriteLease,
    pub(super) nodes: BTreeMap<String, Arc<KubeNode>>,
    pub(super) surveys: Surveys,
    pub(super) refusals: BTreeMap<String, WriteRefusal>,
    pub(super) vip: Option<VirtualAddressHolder>,
    /// The cluster resources; none while nobody knows.
    pub(super) resources: Option<Vec<Found>>,
    /// Why they cannot be read, until they are.
    pub(super) resource_failure: Option<Refused>,
    pub(super) patience: Patience,
    connection: Option<Connection>,
}

impl Shared {
    /// Nothing is known yet.
    pub(super) fn new(settings: Settings, run: String) -> Self {
        let reach = match is_configured(&settings) {
            true => Reach::Away { why: "not connected yet".to_owned(), hint: None },
            false => Reach::NotConfigured,
        };
        let (happened, telling) = mpsc::channel(super::events::MOST);
        Self {
            settings,
            run,
            writes: RwLock::default(),
            asked: Notify::new(),
            happened,
            telling: tokio::sync::Mutex::new(telling),
            wake: OnceLock::new(),
            known: Mutex::new(Known { reach, ..Known::default() }),
        }
    }

    /// Who is woken; the first one counts.
    pub(super) fn wakes(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.wake.set(Box::new(wake));
    }

    /// Something changed that matters.
    pub(super) fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }

    /// The boot clock.
    #[expect(clippy::unused_self, reason = "the one place where this edge asks for the time")]
    pub(super) fn now(&self) -> Boot {
        crate::clock::now().boot
    }

    /// What is known, for a moment.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        // A panic elsewhere leaves plain data that is still right.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the planner.
    pub(super) fn observed(&self) -> KubernetesObserved {
        let now = self.now();
        let mut known = self.known();
        known.surveys.forget_old(now);
        known.refusals.retain(|_, refusal| now.since(refusal.at) < REFUSAL_LASTS);
        KubernetesObserved {
            reach: known.reach_at(now),
            cluster: known.cluster.clone(),
            lease: known.lease_at(now),
            nodes: known.nodes.clone(),
            surveys: known.surveys.answers(),
            survey_refusal: known.surveys.refusal.clone(),
            refusals: known.refusals.clone(),
            vip: known.vip.clone(),
        }
    }

    /// The way to the cluster, while there is one.
    pub(super) fn connection(&self) -> Option<Connection> {
        self.known().connection.clone()
    }

    /// There is a way now, to this cluster. What was known of another cluster is forgotten.
    pub(super) fn connected(&self, connection: Connection, cluster: String) {
        let mut known = self.known();
        if known.cluster.as_ref() != Some(&cluster) {
            *known = Known::default();
            known.cluster = Some(cluster);
        }
        if known.reach != Reach::There {
            known.reach = Reach::Reading;
        }
        known.connection = Some(connection);
    }

    /// It does not answer any more, or still does not.
    pub(super) fn lost(&self, failure: Failure) {
        let now = self.now();
        let mut known = self.known();
        let since = known.trouble.as_ref().map_or(now, |(since, _)| *since);
        let news = known.trouble.as_ref().is_none_or(|(_, before)| *before != failure);
        if news {
            tracing::warn!(why = failure.why, hint = failure.hint, "the Kubernetes cluster cannot be used");
        }
        known.trouble = Some((since, failure));
        drop(known);
        self.wake();
    }

    /// Every Node is known.
    pub(super) fn complete(&self, nodes: BTreeMap<String, Arc<KubeNode>>) {
        let mut known = self.known();
        known.reach = Reach::There;
        known.nodes = nodes;
        drop(known);
        self.wake();
    }

    /// The watch stands: what was wrong before is over. A list alone proves nothing, the right to watch is another one.
    pub(super) fn stands(&self) {
        let mut known = self.known();
        let over = known.trouble.take().is_some();
        let nodes = known.nodes.len();
        drop(known);
        tracing::info!(nodes, "the Kubernetes cluster is there");
        if over {
            self.wake();
        }
    }

    /// The right to write.
    pub(super) fn lease(&self) -> WriteLease {
        let now = self.now();
        self.known().lease_at(now)
    }

    /// The right to write changed, or was renewed.
    pub(super) fn set_lease(&self, lease: WriteLease) {
        let mut known = self.known();
        let same = match (&known.lease, &lease) {
            (WriteLease::Held { .. }, WriteLease::Held { .. }) => true,
            (before, after) => before == after,
        };
        known.lease = lease;
        drop(known);
        if !same {
            self.wake();
        }
    }
}

impl Known {
    /// A hiccup of a cluster that was there is not an absence yet.
    fn reach_at(&self, now: Boot) -> Reach {
        match &self.trouble {
            Some((since, failure)) if self.reach != Reach::There || now.since(*since) >= HICCUP => {
                Reach::Away { why: failure.why.clone(), hint: failure.hint.clone() }
            }
            Some(_) | None => self.reach.clone(),
        }
    }

    fn lease_at(&self, now: Boot) -> WriteLease {
        match &self.lease {
            WriteLease::Held { until } if *until <= now => WriteLease::Asking,
            lease => lease.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
