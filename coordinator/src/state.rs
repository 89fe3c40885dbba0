//! What every call of the coordinator shares.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use coord_model::{Boot, Moment, Wall};
use coord_proto::tls::Peer;

use crate::{
    authority::Authority,
    clock::{self, ClockTrust},
    config::{ClockSource, Settings},
    decisions::DecisionsKept,
    declared::Declared,
    kubernetes::Kubernetes,
    planned::Planned,
    registry::Registry,
    serve::{addresses::advertised, doors::Doors},
    store::{Store, events::NewEvent, meta},
};

/// One running coordinator.
pub(crate) struct State {
    /// What it was told.
    pub(crate) settings: Settings,
    /// What it must not forget.
    pub(crate) store: Store,
    /// What signs.
    pub(crate) authority: Authority,
    /// What it knows right now.
    pub(crate) registry: Registry,
    /// Connections by key.
    pub(crate) doors: Arc<Doors>,
    /// Which coordinator this is.
    pub(crate) instance: String,
    /// Raised by each restore.
    pub(crate) epoch: u64,
    /// Where it listens for agents.
    pub(crate) bound: SocketAddr,
    /// What is declared.
    pub(crate) declared: Declared,
    /// What people decided.
    pub(crate) decisions: DecisionsKept,
    /// The Kubernetes cluster, where there is one.
    pub(crate) kubernetes: Kubernetes,
    /// What the last turn planned; empty before the first.
    pub(crate) plan: Mutex<Arc<Planned>>,
    /// When it started.
    pub(crate) started: Moment,
    pub(crate) clock: Mutex<ClockTrust>,
}

/// What the kernel says of its clock, unless the settings know better.
pub(crate) fn synchronised(settings: &Settings) -> bool {
    match settings.clock {
        ClockSource::TrustKernel => clock::synchronised(),
        ClockSource::AssumeSynchronised => true,
    }
}

impl State {
    /// Now on the boot clock.
    pub(crate) fn boot(&self) -> Boot {
        clock::now().boot
    }

    /// Now on the wall clock.
    pub(crate) fn wall(&self) -> Wall {
        clock::now().wall
    }

    /// Now on both clocks.
    pub(crate) fn moment(&self) -> Moment {
        clock::now()
    }

    /// What the last turn planned.
    pub(crate) fn planned(&self) -> Arc<Planned> {
        Arc::clone(&self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another plan in its place; gives back the one before.
    pub(crate) fn publish(&self, planned: Planned) -> Arc<Planned> {
        std::mem::replace(&mut *self.plan.lock().unwrap_or_else(PoisonError::into_inner), Arc::new(planned))
    }

    /// Addresses that agents and tokens are told; asked anew each time, since a network may come up late.
    pub(crate) fn advertised(&self) -> Vec<String> {
        advertised(&self.settings.advertise, self.bound)
    }

    /// Why the wall clock cannot be believed, if so. Asked before every judgement, so that a jump is noticed before
    /// anything is judged by it, not at the next turn.
    pub(crate) fn distrust(&self) -> Option<String> {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.observe(clock::now(), synchronised(&self.settings));
        clock.distrust().map(|distrust| distrust.to_string())
    }

    /// Takes in what the clocks say now and remembers a trusted time on disk, rarely.
    pub(crate) async fn observe_clock(&self) {
        let remember = {
            let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
            clock.observe(clock::now(), synchronised(&self.settings));
            clock.to_remember()
        };
        let Some(time) = remember else { return };
        if self.store.call(move |database| meta::remember_trusted(database, time)).await.is_ok() {
            self.clock.lock().unwrap_or_else(PoisonError::into_inner).remembered(time);
        }
    }

    /// A person says that the clock is right.
    pub(crate) async fn accept_clock(&self) -> Result<Wall, crate::store::StoreError> {
        let now = clock::now();
        self.store.call(move |database| meta::remember_trusted(database, now.wall)).await?;
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.accept(now);
        clock.remembered(now.wall);
        Ok(now.wall)
    }

    /// Notes something that happened, for `coordctl events` and the log.
    pub(crate) fn event(&self, subject: &str, message: &str) {
        tracing::info!(subject, message);
        self.store.append(NewEvent::new(self.wall(), subject, message));
        self.registry.touch();
    }

    /// Whether this key may do nothing any more.
    pub(crate) fn is_revoked(&self, peer: &Peer) -> bool {
        self.registry.fleet().revoked.contains(&peer.key_id)
    }

    /// A key was revoked: its connections end now.
    pub(crate) fn revoked(&self, key_id: &str) {
        self.registry.fleet().revoked.insert(key_id.to_owned());
        self.registry.end_session(key_id, coord_model::EndReason::Revoked, "this identity was revoked");
        self.doors.close(key_id);
    }

    /// How long a certificate still lives, by a clock that can be believed.
    pub(crate) fn ends_in(&self, peer: &Peer) -> Option<Duration> {
        let end = Wall(peer.not_after.saturating_mul(1000));
        self.distrust().is_none().then(|| self.wall().until(end))
    }

    /// Whether a certificate ran out, by a clock that can be believed.
    pub(crate) fn certificate_is_over(&self, peer: &Peer) -> bool {
        self.ends_in(peer).is_some_and(|left| left.is_zero())
    }
}
