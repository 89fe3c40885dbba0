//! `coord-agent join` with a token on standard input, as a script would do it.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use crate::lab::{Lab, hosts, program};

/// Joins as the recorded host k3s-w2 and returns how that went.
///
/// # Panics
/// When the program cannot be run.
#[must_use]
pub fn join(lab: &Lab, name: &str, token: &str) -> Output {
    let mut command = Command::new(program("coord-agent"));
    command.arg("join").arg("--name").arg(name).arg("--state").arg(lab.path(&format!("{name}.state")));
    command.arg("--root").arg(hosts().join("k3s-w2"));
    with_input(command, token)
}

/// `coordctl context add NAME` with a token on standard input.
///
/// # Panics
/// When the program cannot be run.
#[must_use]
pub fn context(lab: &Lab, name: &str, token: &str) -> Output {
    let mut command = Command::new(program("coordctl"));
    command.args(["context", "add", name]).env("HOME", lab.folder.path()).env("NO_COLOR", "1");
    command.env("XDG_CONFIG_HOME", lab.path("config")).env("XDG_STATE_HOME", lab.path("state"));
    with_input(command, token)
}

fn with_input(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that refuses before it reads closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What a failed command said on standard error.
///
/// # Panics
/// When it did not fail with exit code 1.
#[must_use]
pub fn refusal(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    error
}
