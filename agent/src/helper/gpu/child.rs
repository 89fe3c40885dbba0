//! One child of the helper: started, read until its end or its deadline, and killed.

use std::{
    io::Read,
    os::fd::AsFd,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown, ValueState};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::attempt::Attempt;

/// This program, whatever its path is now.
const ITSELF: &str = "/proc/self/exe";
/// The most that is read of what a child says.
const LARGEST: usize = 64 << 10;
/// How long a killed child may take to go.
const LAST: Duration = Duration::from_millis(200);

/// What `coord-helper try ATTEMPT NODE` says.
pub(super) fn attempt(attempt: Attempt, node: &str, limit: Duration) -> Reading<String> {
    let mut command = Command::new(ITSELF);
    command.arg("try").arg(attempt.name()).arg(node);
    run(command, limit)
}

/// Runs `command` without our environment, and ends it when its time is over.
fn run(mut command: Command, limit: Duration) -> Reading<String> {
    let end = Instant::now() + limit;
    command.env_clear().current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| Unknown::error(format!("cannot start a child: {error}")))?;
    let said = read(&mut child, end, limit);
    // It has said all that is wanted. Killing fails only when it has ended already.
    drop(child.kill());
    reap(&mut child);
    said
}

/// Waits a moment for a killed child. One that sleeps in the kernel stays behind, and init takes it.
fn reap(child: &mut Child) {
    let end = Instant::now() + LAST;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < end {
        thread::sleep(Duration::from_millis(1));
    }
}

fn read(child: &mut Child, end: Instant, limit: Duration) -> Reading<String> {
    let broken = |error: &dyn std::fmt::Display| Unknown::error(format!("cannot read what a child says: {error}"));
    let Some(pipe) = child.stdout.as_mut() else { return Err(Unknown::error("a child has no output")) };
    let mut text = Vec::new();
    let mut part = [0; 4096];
    while text.len() < LARGEST {
        let left = PollTimeout::try_from(end.saturating_duration_since(Instant::now())).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], left) {
            Ok(0) => {
                let message = format!("no answer in {} s", limit.as_secs_f32());
                return Err(Unknown::new(ValueState::Timeout, message));
            }
            Ok(_) => match pipe.read(&mut part).map_err(|error| broken(&error))? {
                0 => break,
                count => text.extend_from_slice(&part[..count]),
            },
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(broken(&errno)),
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script);
        command
    }

    #[test]
    fn what_it_says_comes_back_without_our_environment() {
        let said = run(shell("echo ok; echo \"$HOME\""), Duration::from_secs(20));
        assert_eq!(said.unwrap(), "ok\n\n");
    }

    #[test]
    fn a_child_that_hangs_is_ended() {
        let began = Instant::now();
        let reason = run(shell("exec sleep 600"), Duration::from_millis(50)).unwrap_err();
        assert_eq!(reason.state, ValueState::Timeout);
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_child_that_never_stops_talking_is_cut_off() {
        let said = run(shell("while :; do echo yes yes yes yes yes yes; done"), Duration::from_secs(60)).unwrap();
        assert!((LARGEST..LARGEST + 4096).contains(&said.len()), "{}", said.len());
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let reason = run(Command::new("/nonexistent/program"), Duration::from_secs(5)).unwrap_err();
        assert_eq!(reason.state, ValueState::Error);
    }
}
