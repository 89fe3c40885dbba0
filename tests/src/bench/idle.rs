//! Which calls an idle agent makes, counted by strace.

use std::{fs, process::Stdio, thread, time::Duration};

use super::{agent::PACE, process::installed};
use crate::lab::{Lab, Running, wait_for};

/// `strace -c -f` of the agent and its children for `length`, from its first report on.
#[must_use]
pub fn calls(length: Duration) -> String {
    if !installed("strace") {
        return "calls at rest: strace is missing\n".to_owned();
    }
    let lab = Lab::with(PACE);
    let mut command = lab.agent_command("idle");
    command.arg("--token-file").arg(lab.token_file("idle")).stderr(Stdio::null());
    let agent = Running(command.spawn().unwrap());
    lab.wait_reported("idle");
    let table = lab.path("calls");
    let mut strace = std::process::Command::new("strace");
    strace.args(["-c", "-f", "-qq", "-p", &agent.0.id().to_string(), "-o"]).arg(&table);
    let Ok(child) = strace.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
        return "calls at rest: strace cannot be started\n".to_owned();
    };
    let mut strace = Running(child);
    thread::park_timeout(length);
    strace.signal(nix::sys::signal::Signal::SIGINT);
    wait_for("strace to end", || strace.0.try_wait().unwrap());
    drop(agent);
    let text = fs::read_to_string(&table).unwrap_or_default();
    format!("calls of the agent and its children in {} s at rest:\n{text}", length.as_secs())
}
