//! The regular turn: looks at the clock, judges the fleet, notes what changed, and tells systemd that it lives.

use std::{sync::Arc, time::Duration};

use coord_model::Health;
use tokio_util::sync::CancellationToken;

use crate::{state::State, store::in_flight, views::judgement};

/// How often a node's silence is looked for: a part of the three heartbeats that it takes.
const TURN: Duration = Duration::from_secs(2);

/// A turn that comes this late means that the process did not run.
const STOPPED: Duration = Duration::from_secs(10);

/// Turns until told to stop.
pub(super) async fn run(state: Arc<State>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TURN);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = state.boot();
    loop {
        tokio::select! {
            _ = ticks.tick() => {},
            () = stop.cancelled() => return,
        }
        let now = state.boot();
        if now.since(last) > STOPPED {
            state.registry.resumed(now);
        }
        last = now;
        state.observe_clock().await;
        forget_late(&state).await;
        look(&state).await;
        judge(&state);
        // Without a watchdog nobody listens.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
    }
}

/// Looks at the cluster file, off the runtime's threads: its folder may be slow.
async fn look(state: &Arc<State>) {
    let looking = Arc::clone(state);
    // A look that broke off is made again on the next turn.
    let noted = tokio::task::spawn_blocking(move || looking.declared.look()).await.unwrap_or_default();
    if let Some(note) = noted {
        state.event("cluster-file", &note);
    }
}

/// Commands whose asker went away before the answer came.
async fn forget_late(state: &State) {
    for (id, key) in state.registry.expire(state.boot()) {
        // A row that stays is taken away at the next start.
        let _ = state.store.call(move |database| in_flight::finish(database, &id, &key)).await;
    }
}

/// Notes every node whose health changed since the last turn.
fn judge(state: &State) {
    let fleet = judgement::fleet(state);
    let mut changes = Vec::new();
    {
        let now = state.boot();
        let mut registry = state.registry.fleet();
        for node in fleet.nodes {
            let Some(known) = registry.nodes.get_mut(&node.id) else { continue };
            if known.health != node.health {
                changes.push((node.name, known.health, node.health));
                known.health = node.health;
                known.health_since = now;
            }
        }
    }
    for (name, before, after) in changes {
        if before != Health::Unknown || after != Health::Ready {
            state.event(&format!("node/{name}"), &format!("{before} -> {after}"));
        }
        state.registry.touch();
    }
}
