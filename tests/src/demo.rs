//! A home on one machine: a real coordinator, nine real agents over mutual TLS, eight of them on recorded hosts.
//!
//! Talk goes to standard error and the screens of coordctl to standard output, so that both can be piped.

use std::{
    fs,
    io::Write,
    process::ExitCode,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use crate::{
    control_plane::ControlPlane,
    lab::{Lab, Running},
};

mod fleet;
mod interrupt;
mod kubernetes;
mod tour;

/// A livelier pace than at home, so that what is tried out shows within seconds.
const CONFIGURATION: &str = "heartbeat: 2s\nfacts: 20s\nreconnectCap: 2s\nlostAfter: 60s\n";

/// What is declared of the home.
const CLUSTER: &str = include_str!("../examples/homelab.yaml");

const USAGE: &str =
    "usage: demo [--once] [--kubernetes]   (coordinator, coord-agent and coordctl must be built: make demo)";

/// Why the demonstration ended early.
#[derive(Debug)]
enum Stopped {
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Something did not work; the folder with the logs is kept.
    Failed(String),
}

/// Runs it; the arguments are those after the program's name.
pub fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    let arguments: Vec<String> = arguments.collect();
    if arguments.iter().any(|argument| !["--once", "--kubernetes"].contains(&argument.as_str())) {
        say(USAGE);
        return ExitCode::from(2);
    }
    let wants = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let once = wants("--once");
    std::panic::set_hook(Box::new(|panic| say(&format!("error: {}", panic.payload_as_str().unwrap_or("unknown")))));
    let interrupts = interrupt::listen();
    let plane = match wants("--kubernetes").then(kubernetes::start).transpose() {
        Ok(plane) => plane,
        Err(reason) => {
            say(&format!("error: {reason}"));
            return ExitCode::FAILURE;
        }
    };
    let mut lab = Lab::prepare(&configuration(plane.as_ref()));
    if let Err(error) = fs::write(lab.path("cluster.yaml"), CLUSTER) {
        say(&format!("error: cannot write the cluster file: {error}"));
        return ExitCode::FAILURE;
    }
    let mut agents = Vec::new();
    let mut home = Home { lab: &mut lab, agents: &mut agents, plane: plane.as_ref() };
    let ended = run(&mut home, &interrupts, once);
    stop(&mut lab, &mut agents);
    match ended {
        Ok(()) | Err(Stopped::Interrupted) => {
            say("stopped; the temporary folder is removed");
            ExitCode::SUCCESS
        }
        Err(Stopped::Failed(message)) => {
            lab.folder.disable_cleanup(true);
            say(&format!("error: {message}\nhint: the logs are kept: ls {}", lab.folder.path().display()));
            ExitCode::FAILURE
        }
    }
}

/// What runs.
struct Home<'a> {
    lab: &'a mut Lab,
    agents: &'a mut Vec<Running>,
    plane: Option<&'a ControlPlane>,
}

/// With the way to the control plane, where there is one.
fn configuration(plane: Option<&ControlPlane>) -> String {
    let kubeconfig = plane.map(|plane| format!("kubeconfig: {}\n", plane.kubeconfig().display()));
    format!("{CONFIGURATION}{}", kubeconfig.unwrap_or_default())
}

fn run(home: &mut Home<'_>, interrupts: &Receiver<()>, once: bool) -> Result<(), Stopped> {
    let began = Instant::now();
    let Home { lab, agents, plane } = home;
    say(&format!("demo: everything lies in {}", lab.folder.path().display()));
    say(&format!("demo: coordinator on free ports, {} for agents, {} for HTTP", lab.listen, lab.http));
    lab.start_coordinator();
    let names = fleet::start(lab, agents, interrupts)?;
    fleet::wait(lab, &names, agents, interrupts)?;
    say(&format!("demo: all {} nodes are in after {} s", names.len(), began.elapsed().as_secs()));
    fleet::check(lab)?;
    tour::show(lab)?;
    if let Some(plane) = plane {
        kubernetes::show(lab, plane, interrupts)?;
    }
    if once {
        return Ok(());
    }
    tour::next(lab, plane.as_deref());
    // The sender lives as long as the program, so an end of the channel means the same.
    let _ = interrupts.recv();
    Err(Stopped::Interrupted)
}

/// Asks all agents to stop, ends those that do not hear, then stops the coordinator.
fn stop(lab: &mut Lab, agents: &mut Vec<Running>) {
    for agent in agents.iter() {
        agent.signal(nix::sys::signal::Signal::SIGTERM);
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while agents.iter_mut().any(|agent| matches!(agent.0.try_wait(), Ok(None))) && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    agents.clear();
    lab.stop_coordinator();
}

/// Waits a moment, unless somebody wants to stop.
fn pause(interrupts: &Receiver<()>) -> Result<(), Stopped> {
    match interrupts.recv_timeout(Duration::from_millis(100)) {
        Err(RecvTimeoutError::Timeout) => Ok(()),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(Stopped::Interrupted),
    }
}

/// Talk. A reader that left is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
