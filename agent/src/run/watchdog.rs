//! Tells systemd that the daemon lives. A process that was stopped or hangs says nothing, and is started anew.

use tokio::time::{MissedTickBehavior, interval};

/// Says so for as long as the runtime turns, four times in each of the spans that the unit allows; without a watchdog
/// it does nothing.
pub(super) fn start() {
    let Some(allowed) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        let mut ticks = interval(allowed / 4);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Nobody who listens has gone for good: systemd keeps its socket.
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        }
    });
}
