//! The agent's systemd unit: started after a join, stopped before leaving, where there is one.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// The unit that runs the agent.
const UNIT: &str = "coord-agent.service";
/// This folder exists exactly when systemd is the running init (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// What became of a wish about the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitAnswer {
    /// It was done.
    Done,
    /// There is no systemd, or no such unit.
    None,
    /// systemctl refused.
    Refused,
}

/// Starts the unit now and at every boot.
pub(crate) fn enable() -> UnitAnswer {
    ask(&["enable", "--now", UNIT])
}

/// Makes a running unit take in a new identity.
pub(crate) fn restart() -> UnitAnswer {
    ask(&["try-restart", UNIT])
}

/// Stops the unit now and at every boot.
pub(crate) fn disable() -> UnitAnswer {
    ask(&["disable", "--now", UNIT])
}

fn ask(arguments: &[&str]) -> UnitAnswer {
    if !Path::new(BOOTED).exists() || !systemctl(&["cat", UNIT]) {
        return UnitAnswer::None;
    }
    if systemctl(arguments) { UnitAnswer::Done } else { UnitAnswer::Refused }
}

fn systemctl(arguments: &[&str]) -> bool {
    let mut command = Command::new("systemctl");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
