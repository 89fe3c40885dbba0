//! The regular turn: looks at the clock, judges the fleet, notes what changed, and tells systemd that it lives.

use std::{sync::Arc, time::Duration};

use coord_model::Health;
use tokio_util::sync::CancellationToken;

use crate::{state::State, views::judgement};

/// How often a node's silence is looked for: a part of the three heartbeats that it takes.
const TURN: Duration = Duration::from_secs(2);

/// Turns until told to stop.
pub(super) async fn run(state: Arc<State>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TURN);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {},
            () = stop.cancelled() => return,
        }
        state.observe_clock().await;
        judge(&state);
        // Without a watchdog nobody listens.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
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
