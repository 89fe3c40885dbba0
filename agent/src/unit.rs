//! What runs the agent: its systemd unit, or the script of Unraid, which has no systemd. Started after a join, stopped
//! before leaving, where there is either.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// The unit that runs the agent.
const UNIT: &str = "coord-agent.service";
/// This folder exists exactly when systemd is the running init (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
/// What starts and stops the agent on Unraid.
pub(crate) const SCRIPT: &str = "/etc/rc.d/rc.coord-agent";

/// What became of a wish about the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitAnswer {
    /// It was done.
    Done,
    /// There is nothing that runs agents.
    None,
    /// It refused.
    Refused,
}

/// Starts the agent now and at every boot.
pub(crate) fn enable() -> UnitAnswer {
    ask(&["enable", "--now", UNIT], "enable")
}

/// Makes a running agent take in a new identity.
pub(crate) fn restart() -> UnitAnswer {
    ask(&["try-restart", UNIT], "restart")
}

/// Stops the agent now and at every boot.
pub(crate) fn disable() -> UnitAnswer {
    ask(&["disable", "--now", UNIT], "disable")
}

/// Removes the copy of the identity that outlives a boot, where the agent's own folder does not.
pub(crate) fn forget() -> UnitAnswer {
    if booted() { UnitAnswer::None } else { script("forget") }
}

/// The line that says how the agent is.
pub(crate) fn status_line() -> String {
    if booted() { "systemctl status coord-agent".to_owned() } else { format!("{SCRIPT} status") }
}

/// The line that stops it.
pub(crate) fn stop_line() -> String {
    if booted() { "systemctl disable --now coord-agent".to_owned() } else { format!("{SCRIPT} disable") }
}

fn booted() -> bool {
    Path::new(BOOTED).exists()
}

fn ask(systemctl: &[&str], verb: &str) -> UnitAnswer {
    if !booted() {
        return script(verb);
    }
    if !succeeds("systemctl", &["cat", UNIT]) {
        return UnitAnswer::None;
    }
    answer(succeeds("systemctl", systemctl))
}

fn script(verb: &str) -> UnitAnswer {
    if Path::new(SCRIPT).exists() { answer(succeeds(SCRIPT, &[verb])) } else { UnitAnswer::None }
}

fn answer(done: bool) -> UnitAnswer {
    if done { UnitAnswer::Done } else { UnitAnswer::Refused }
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
