//! `coord-helper supervise`: what systemd does for agent and helper, on machines without systemd such as Unraid.
//!
//! One process of root: it starts the agent as its own user and again when it ends, starts a helper for each connection
//! to the helper's socket, and keeps the agent's identity on a medium that survives a boot.

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    fcntl::{Flock, FlockArg},
    sys::prctl::set_no_new_privs,
    unistd::User,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::sleep,
};

use crate::{settings::STATE_FOLDER, telemetry};

mod agent;
mod kept;
mod questions;

use kept::Kept;
use questions::Questions;

/// The user that the agent runs as, and the group that may ask the helper.
const AGENT: &str = "coord-agent";
/// Process numbers and the lock; the script that starts this one makes it.
const RUN_FOLDER: &str = "/run/coord-agent";
/// How often a file that is waited for is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wishes {
    /// The agent is not started before this file is there.
    after: Option<PathBuf>,
    /// A folder that survives a boot, for the identity.
    keep: Option<PathBuf>,
}

/// Supervises until a signal.
pub(crate) fn main(arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let wishes = Wishes::parse(arguments)?;
    let user = User::from_name(AGENT)?.ok_or("there is no user coord-agent\nhint: /etc/rc.d/rc.coord-agent start")?;
    // No folder that somebody wants to unmount is kept busy.
    env::set_current_dir("/")?;
    // Inherited by agent and helper: nothing that they start can gain a right.
    set_no_new_privs()?;
    telemetry::start();
    let _lock = alone()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(supervise(&wishes, &user))
}

impl Wishes {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wishes = Self::default();
        while let Some(name) = arguments.next() {
            let wish = match name.as_str() {
                "--after" => &mut wishes.after,
                "--keep" => &mut wishes.keep,
                _ => return Err(format!("supervise does not take {name:?}\nhint: coord-helper --help")),
            };
            let value = arguments.next().ok_or(format!("{name} needs a path\nhint: coord-helper --help"))?;
            *wish = Some(value.into());
        }
        Ok(wishes)
    }
}

/// Holds the lock that only one can hold, and says who holds it.
fn alone() -> Result<Flock<File>, Box<dyn Error>> {
    let file = File::create(Path::new(RUN_FOLDER).join("supervisor.lock"))?;
    let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|_| "coord-agent runs already\nhint: /etc/rc.d/rc.coord-agent status")?;
    note_process("supervisor", std::process::id())?;
    Ok(lock)
}

/// Writes down the number of a process for the script that stops it.
fn note_process(name: &str, process: u32) -> io::Result<()> {
    File::create(Path::new(RUN_FOLDER).join(format!("{name}.pid")))?.write_all(format!("{process}\n").as_bytes())
}

async fn supervise(wishes: &Wishes, user: &User) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let questions = Questions::open(user.gid)?;
    let kept = wishes.keep.as_ref().map(|folder| Kept::new(Path::new(STATE_FOLDER), folder));
    if let Some(kept) = &kept {
        kept.restore();
    }
    let (tell, mut told) = watch::channel(false);
    let (account, after) = (user.clone(), wishes.after.clone());
    let agent = tokio::spawn(async move {
        tokio::select! {
            () = there(after.as_deref()) => agent::keep_running(&account, told).await,
            _ = told.changed() => {}
        }
    });
    tokio::select! {
        _ = terminate.recv() => {}
        () = questions.answer() => {}
        () = follow(kept.as_ref()) => {}
    }
    tracing::info!("told to stop");
    tell.send_replace(true);
    agent.await?;
    if let Some(kept) = &kept {
        kept.save()?;
    }
    for name in ["supervisor", "agent"] {
        // Whoever finds an old number compares it with the program that runs under it.
        let _ = fs::remove_file(Path::new(RUN_FOLDER).join(format!("{name}.pid")));
    }
    Ok(())
}

/// Waits for a file. At boot Unraid installs plugins before it writes down what the machine is.
async fn there(file: Option<&Path>) {
    let Some(file) = file else { return };
    if file.exists() {
        return;
    }
    tracing::info!(file = %file.display(), "the agent waits until the machine is known");
    while !file.exists() {
        sleep(LOOK).await;
    }
}

async fn follow(kept: Option<&Kept>) {
    match kept {
        Some(kept) => kept.follow().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Wishes, String> {
        Wishes::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn wishes_are_understood_and_nonsense_is_named() {
        let wishes = Wishes { after: Some("/a".into()), keep: Some("/k".into()) };
        assert_eq!(parsed("--after /a --keep /k"), Ok(wishes));
        assert_eq!(parsed(""), Ok(Wishes::default()));
        assert!(parsed("--keep").unwrap_err().contains("needs a path"));
        assert!(parsed("--user root").unwrap_err().contains("does not take \"--user\""));
    }
}
