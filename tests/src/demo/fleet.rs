//! The agents of the demonstration: this machine as it is, and every node of the example home from its recording.

use std::{
    process::Command,
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use coord_model::{Code, NodeDetail, SectionKind};

use super::{Stopped, pause, say};
use crate::lab::{Lab, Running, hosts};

/// The nodes of `tests/examples/homelab.yaml`, each with a folder below `tests/hosts`.
const RECORDED: [&str; 8] = ["k3s-cp1", "k3s-w1", "k3s-w3", "k3s-cp2", "k3s-w2", "k3s-cp3", "unraid", "proxmox"];

/// What must be wrong: who does not see this reads recordings that lost something on the way here.
const WRONG: [(&str, Code); 2] = [("k3s-w3", Code::GpuDeviceCgroup), ("k3s-w2", Code::MountServerDown)];

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

/// Waits until every node has told every section once. The agents come in the order of the names.
pub(super) fn wait(
    lab: &Lab,
    names: &[String],
    agents: &mut [Running],
    interrupts: &Receiver<()>,
) -> Result<(), Stopped> {
    let deadline = Instant::now() + PATIENCE;
    let mut missing: Vec<(&String, &mut Running)> = names.iter().zip(agents).collect();
    loop {
        missing.retain(|(name, _)| {
            let complete = is_complete(lab, name);
            if complete {
                say(&format!("demo: {name} has reported"));
            }
            !complete
        });
        if missing.is_empty() {
            return Ok(());
        }
        let ended = missing.iter_mut().any(|(_, agent)| !matches!(agent.0.try_wait(), Ok(None)));
        if ended || Instant::now() >= deadline {
            return Err(Stopped::Failed(who_is_missing(lab, &mut missing)));
        }
        pause(interrupts)?;
    }
}

fn is_complete(lab: &Lab, name: &str) -> bool {
    let output = lab.ask(&["-o", "json", "describe", "node", name]);
    let node: Option<NodeDetail> = serde_json::from_slice(&output.stdout).ok();
    node.is_some_and(|node| node.report.sections().count() == SectionKind::ALL.len())
}

/// Each with how its agent is doing, where its log lies and how that ends.
fn who_is_missing(lab: &Lab, missing: &mut [(&String, &mut Running)]) -> String {
    let mut text = format!("{} nodes have not reported", missing.len());
    for (name, agent) in missing {
        let state = match agent.0.try_wait() {
            Ok(Some(status)) => format!("its agent ended with {status}"),
            Ok(None) => "its agent runs".to_owned(),
            Err(error) => format!("its agent is unknown: {error}"),
        };
        text.push_str(&format!("\n  {name}: {state}, see {}", lab.path(&format!("{name}.log")).display()));
        let log = lab.agent_log(name);
        let lines: Vec<&str> = log.lines().collect();
        for line in &lines[lines.len().saturating_sub(3)..] {
            text.push_str(&format!("\n    {line}"));
        }
    }
    text
}

/// Checks that the bad hosts are as bad as they were recorded.
pub(super) fn check(lab: &Lab) -> Result<(), Stopped> {
    let status = lab.status();
    for (name, code) in WRONG {
        let node = status.nodes.iter().find(|node| node.name == name);
        if !node.is_some_and(|node| node.problems.iter().any(|problem| problem.code == code)) {
            return Err(Stopped::Failed(format!(
                "{name} does not show {code}\nhint: does this checkout keep symbolic links? git status tests/hosts"
            )));
        }
    }
    Ok(())
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
