//! The agent's process: started as its own user, started again when it ends, stopped in order.

use std::{io, process::Stdio, time::Duration};

use coord_proto::random_number;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User},
};
use tokio::{
    process::{Child, Command},
    sync::watch::Receiver,
    time::{Instant, sleep, timeout},
};

use super::note_process;
use crate::backoff::Backoff;

/// The shortest and the longest pause before it is started again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// One that ran for so long was well.
const STEADY: Duration = Duration::from_secs(60);
/// How long it may take to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Keeps the agent running until `told` changes, then stops it.
pub(super) async fn keep_running(user: &User, mut told: Receiver<bool>) {
    let mut backoff = Backoff::default();
    loop {
        let began = Instant::now();
        match start(user) {
            Ok(mut child) => tokio::select! {
                ended = child.wait() => match ended {
                    Ok(status) => tracing::warn!(%status, "the agent ended by itself"),
                    Err(error) => tracing::error!(%error, "the agent cannot be waited for"),
                },
                _ = told.changed() => return stop(child).await,
            },
            Err(error) => tracing::error!(%error, "the agent cannot be started"),
        }
        if began.elapsed() >= STEADY {
            backoff.succeeded();
        }
        let pause = backoff.wait(LONGEST_PAUSE, random_number().unwrap_or(u64::MAX)).max(SHORTEST_PAUSE);
        tokio::select! {
            () = sleep(pause) => {}
            _ = told.changed() => return,
        }
    }
}

/// Starts the `coord-agent` that lies beside this program. Other groups of root are given up with the user.
fn start(user: &User) -> io::Result<Child> {
    let program = std::env::current_exe()?.with_file_name("coord-agent");
    let mut command = Command::new(program);
    command.arg("run").uid(user.uid.as_raw()).gid(user.gid.as_raw()).env("HOME", &user.dir);
    let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn()?;
    let process = child.id().unwrap_or_default();
    tracing::info!(process, "the agent is started");
    note_process("agent", process)?;
    Ok(child)
}

async fn stop(mut child: Child) {
    if let Some(process) = child.id().and_then(|process| i32::try_from(process).ok()) {
        // It may have ended meanwhile.
        let _ = kill(Pid::from_raw(process), Signal::SIGTERM);
    }
    if timeout(STOP_PATIENCE, child.wait()).await.is_err() {
        tracing::warn!("the agent did not stop in time and is killed");
        // A child that hangs in the kernel is left behind.
        let _ = child.start_kill();
        let _ = timeout(STOP_PATIENCE, child.wait()).await;
    }
}
