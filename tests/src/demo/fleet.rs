//! The agents of the demonstration: this machine as it is, and every node of the example home from its recording.

use std::{
    process::Command,
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use coord_model::{NodeDetail, SectionKind};

use super::{Stopped, pause, say};
use crate::lab::{Lab, Running, hosts};

/// The nodes of `tests/examples/homelab.yaml`, each with a folder below `tests/hosts`.
const RECORDED: [&str; 8] =
    ["k3s-cp1", "k3s-w1", "k3s-w3", "k3s-cp2", "k3s-w2", "k3s-cp3", "unraid", "proxmox"];

/// How long all of them together may take; a dead NFS server costs one of them a few seconds.
const PATIENCE: Duration = Duration::from_secs(100);

/// Starts an agent for each node, each with a token of its own, and says who they are.
pub(super) fn start(lab: &Lab, agents: &mut Vec<Running>, interrupts: &Receiver<()>) -> Result<Vec<String>, Stopped> {
    let own = own_name();
    say(&format!("demo: agent {own} reads this machine, as the user who runs this"));
    let mut command = lab.agent_command(&own);
    command.arg("--token-file").arg(lab.token_file(&own));
    agents.push(started(&own, &mut command)?);
    let mut names = vec![own];
    for name in RECORDED {
        pause(interrupts)?;
        say(&format!("demo: agent {name} reads tests/hosts/{name}"));
        let mut command = lab.agent_command(name);
        command.arg("--token-file").arg(lab.token_file(name)).arg("--root").arg(hosts().join(name));
        agents.push(started(name, &mut command)?);
        names.push(name.to_owned());
    }
    Ok(names)
}

fn started(name: &str, command: &mut Command) -> Result<Running, Stopped> {
    let child = command.spawn().map_err(|error| Stopped::Failed(format!("agent {name} does not start: {error}")))?;
    Ok(Running(child))
}

/// Waits until every node has told every section once.
pub(super) fn wait(lab: &Lab, names: &[String], interrupts: &Receiver<()>) -> Result<(), Stopped> {
    let deadline = Instant::now() + PATIENCE;
    let mut missing: Vec<&String> = names.iter().collect();
    loop {
        missing.retain(|name| {
            let complete = is_complete(lab, name);
            if complete {
                say(&format!("demo: {name} has reported"));
            }
            !complete
        });
        if missing.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Stopped::Failed(who_is_missing(lab, &missing)));
        }
        pause(interrupts)?;
    }
}

fn is_complete(lab: &Lab, name: &str) -> bool {
    let output = lab.ask(&["-o", "json", "describe", "node", name]);
    let node: Option<NodeDetail> = serde_json::from_slice(&output.stdout).ok();
    node.is_some_and(|node| node.report.sections().count() == SectionKind::ALL.len())
}

fn who_is_missing(lab: &Lab, missing: &[&String]) -> String {
    let mut text = format!("{} nodes have not reported within {} s", missing.len(), PATIENCE.as_secs());
    for name in missing {
        let log = lab.agent_log(name);
        let last = log.lines().last().unwrap_or("nothing was logged");
        text.push_str(&format!("\n  {name}: {}: {last}", lab.path(&format!("{name}.log")).display()));
    }
    text
}

/// The host name as a node's name; something else where that would be one of the recorded hosts, or no name at all.
fn own_name() -> String {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    let short = host.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let usable = !short.is_empty()
        && short.len() <= 63
        && short.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        && !short.starts_with('-')
        && !short.ends_with('-')
        && !RECORDED.contains(&short.as_str());
    if usable { short } else { "this-machine".to_owned() }
}
