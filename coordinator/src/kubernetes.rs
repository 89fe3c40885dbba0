//! The Kubernetes edge: what the cluster shows goes in as the planner's types, and the planner's actions go out.
//!
//! Types of the client stay below this module. It works with no cluster and with one that comes and goes.

use std::{path::PathBuf, sync::Arc};

use coord_planner::{Action, KubernetesObserved, LABEL_MANAGER, LabelAt};
use tokio_util::sync::CancellationToken;

mod adopt;
mod apply;
pub(crate) mod cluster_resource;
mod connect;
mod events;
mod failure;
mod fields;
mod lease;
mod patience;
mod reduce;
mod seen;
mod session;
mod state;
mod survey;
mod taints;
mod virtual_address;
mod watch;
mod write;

use apply::Decided;
use events::Happened;
use state::Shared;
use write::TAINT_MANAGER;

/// The namespace of what is the coordinator's own, where nothing else is said.
pub const DEFAULT_NAMESPACE: &str = "coord-system";

/// Where the cluster is and who asks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How to reach it; without one, the pod's own account, if this is a pod.
    pub kubeconfig: Option<PathBuf>,
    /// The namespace of the write Lease.
    pub namespace: String,
    /// Who this coordinator is, as the Lease says it: the same after a restart.
    pub holder: String,
}

/// Something was not written, as far as anybody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}{}", hint.as_ref().map(|hint| format!(" (hint: {hint})")).unwrap_or_default())]
pub struct Refused {
    /// One sentence.
    pub why: String,
    /// What to type or change.
    pub hint: Option<String>,
    /// Whether it passes by itself, so that the next turn simply decides again: a Node that changed in between, a busy
    /// or silent cluster, a Lease that is not here yet. Nobody needs to be told.
    pub again: bool,
    /// The request may have been carried out all the same: its answer was lost, or was an error of the server.
    pub sent: bool,
}

impl Refused {
    /// Somebody has to do something about it.
    fn new(why: impl Into<String>, hint: Option<String>) -> Self {
        Self { why: why.into(), hint, again: false, sent: false }
    }

    /// It passes.
    fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), hint: None, again: true, sent: false }
    }
}

/// A handle on the cluster; all clones are one.
#[derive(Clone)]
pub struct Kubernetes {
    shared: Arc<Shared>,
}

impl Kubernetes {
    /// Nothing is asked or sent before [`Self::run`].
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        // Two processes with the same name that start in the same nanosecond with the same number do not happen.
        let run = format!("{:x}-{:x}", std::process::id(), crate::clock::now().boot.0.as_nanos());
        Self { shared: Arc::new(Shared::new(settings, run)) }
    }

    /// Connects, watches and keeps the Lease until told to stop, and calls `wake` after each change that matters.
    /// Where no cluster is configured it only waits.
    pub async fn run(&self, stop: CancellationToken, wake: impl Fn() + Send + Sync + 'static) {
        self.shared.wakes(wake);
        if !connect::is_configured(&self.shared.settings) {
            stop.cancelled().await;
            return;
        }
        session::run(&self.shared, &stop).await;
    }

    /// What is known now. Nodes are shared, not copied.
    #[must_use]
    pub fn observed(&self) -> KubernetesObserved {
        self.shared.observed()
    }

    /// Does exactly what `action` says, if the world is still the one that it was decided for.
    ///
    /// A Node that changed in between is no refusal that is remembered: its next version wakes the caller. What RBAC or
    /// admission refuses stands in [`KubernetesObserved::refusals`] until a write to that Node is carried out. After an
    /// answer that passes (overload, errors, silence) the Node, or all of them, are left alone for a while, in which
    /// this refuses at once.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn carry_out(&self, action: &Action) -> Result<(), Refused> {
        let _quiet = self.shared.writes.read().await;
        self.shared.patient(action.node())?;
        let connection = self.shared.writer()?;
        let outcome = match action {
            Action::ApplyLabels { node, uid, resource_version, set, changes: _ } => {
                let decided = Decided { node, uid, version: resource_version };
                Box::pin(apply::labels(&connection, decided, set)).await
            }
            Action::WriteTaints { node, uid, resource_version, set, remove, owned, changes: _ } => {
                let decided = Decided { node, uid, version: resource_version };
                match Box::pin(taints::prepare(&connection, decided, taints::Order { set, remove, owned })).await {
                    // The Lease may have gone while the Node was read.
                    Ok(body) => taints::patch(&self.shared.writer()?, node, body, TAINT_MANAGER).await,
                    Err(failure) => Err(failure),
                }
            }
        };
        let uid = outcome.as_ref().ok().and_then(|node| node.metadata.uid.clone()).unwrap_or_default();
        self.shared.concluded(action.node(), outcome)?;
        self.tell(action, &uid);
        Ok(())
    }

    /// Has the users of these labels looked for; answers come in [`KubernetesObserved::surveys`] and stay for ten
    /// minutes. Asking again while an answer is fresh or on its way costs nothing.
    pub fn ask(&self, questions: Vec<LabelAt>) {
        let now = self.shared.now();
        if self.shared.known().surveys.ask(questions, now) {
            self.shared.asked.notify_one();
        }
    }

    /// Makes Coord the only manager of these labels of a Node. Their values stay.
    ///
    /// # Errors
    /// No such Node or label, no Lease, or the cluster refused.
    pub async fn adopt_labels(&self, node: &str, keys: &[String]) -> Result<(), Refused> {
        let _quiet = self.shared.writes.read().await;
        let connection = self.shared.writer()?;
        let body = Box::pin(adopt::labels(&connection, node, keys)).await?;
        // The Lease may have gone while the Node was read.
        let adopted = adopt::write(&self.shared.writer()?, node, body, LABEL_MANAGER).await?;
        self.shared.saw(reduce::reduce(adopted));
        Ok(())
    }

    /// Lists the taints with this key of a Node as Coord's own. They stay as they are.
    ///
    /// # Errors
    /// No such Node or taint, no Lease, or the cluster refused.
    pub async fn adopt_taint(&self, node: &str, key: &str) -> Result<(), Refused> {
        let _quiet = self.shared.writes.read().await;
        let connection = self.shared.writer()?;
        let body = Box::pin(adopt::taint(&connection, node, key)).await?;
        let adopted = adopt::write(&self.shared.writer()?, node, body, TAINT_MANAGER).await?;
        self.shared.saw(reduce::reduce(adopted));
        Ok(())
    }

    fn tell(&self, action: &Action, uid: &str) {
        for change in action.changes() {
            if self.shared.happened.try_send(Happened::new(change, uid)).is_err() {
                tracing::debug!("too many Events wait: one is left out");
            }
        }
    }
}

/// The wall clock, for times that only people read.
fn wall_time() -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(crate::clock::now().wall.0).unwrap_or_default()
}
