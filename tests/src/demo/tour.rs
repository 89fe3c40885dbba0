//! What the demonstration shows, with the commands as one would type them, and what to type next.

use std::{
    io::{ErrorKind, Write},
    process::{Command, ExitStatus},
};

use super::{Stopped, say};
use crate::{
    control_plane::ControlPlane,
    lab::{Lab, program},
};

/// The commands that are shown and the exit codes that are right: some hosts are bad on purpose, so status says 3.
const SCREENS: [(&[&str], i32); 3] = [(&["status"], 3), (&["get", "gpus"], 0), (&["describe", "node", "k3s-w3"], 0)];

/// Runs them, with standard output as it is: colour and width are those of the terminal, if it is one.
pub(super) fn show(lab: &Lab) -> Result<(), Stopped> {
    SCREENS.iter().try_for_each(|(arguments, right)| screen(lab, arguments, *right))
}

/// One command, as it is typed and what it shows.
pub(super) fn screen(lab: &Lab, arguments: &[&str], right: i32) -> Result<(), Stopped> {
    let line = format!("coordctl {}", arguments.join(" "));
    print(&format!("\n$ {line}\n"))?;
    let status = coordctl(lab, arguments).status().map_err(|error| Stopped::Failed(format!("{line}: {error}")))?;
    if status.code() != Some(right) {
        return Err(ended_early(lab, &line, status, right));
    }
    if right == 3 {
        print("(exit code 3: not healthy, since some of these hosts are bad on purpose)\n")?;
    }
    Ok(())
}

/// Why a screen did not end as it should: coordctl says 0 when the reader of its output has left, and then so do we.
fn ended_early(lab: &Lab, line: &str, status: ExitStatus, right: i32) -> Stopped {
    if status.success() && !lab.status().healthy {
        return Stopped::Interrupted;
    }
    Stopped::Failed(format!("{line} ended with {status}, not with exit code {right}"))
}

/// Says how to go on in another terminal.
pub(super) fn next(lab: &Lab, plane: Option<&ControlPlane>) {
    let programs = program("coordctl");
    let folder = programs.parent().unwrap_or(&programs).display();
    say(&format!(
        "\nThe home keeps running until Ctrl-C. In another terminal, paste:\n\n  \
         export COORDCTL_SOCKET={} PATH={folder}:$PATH\n\n\
         then for instance:\n\n  \
         coordctl status --watch\n  \
         coordctl check\n  \
         coordctl why k3s-w3\n  \
         coordctl get mounts\n  \
         coordctl describe node k3s-w2\n  \
         coordctl explain gpu-device-cgroup\n  \
         coordctl events --follow\n  \
         curl -s http://{}/metrics\n",
        lab.socket().display(),
        lab.http,
    ));
    if let Some(plane) = plane {
        let kubectl = plane.kubectl_command(&[]);
        say(&format!(
            "  {} --kubeconfig {} label node k3s-w1 topology.kubernetes.io/zone=wrong --overwrite\n  \
             coordctl plan\n",
            kubectl.get_program().display(),
            plane.kubeconfig().display(),
        ));
    }
}

fn coordctl(lab: &Lab, arguments: &[&str]) -> Command {
    let mut command = lab.coordctl(arguments);
    // The lab asks for plain text; here the terminal decides.
    match std::env::var_os("NO_COLOR") {
        Some(value) => command.env("NO_COLOR", value),
        None => command.env_remove("NO_COLOR"),
    };
    command
}

/// A line of the tour, before the screen that follows it.
pub(super) fn print(text: &str) -> Result<(), Stopped> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Stopped::Interrupted,
        _ => Stopped::Failed(format!("cannot write to standard output: {error}")),
    })
}
