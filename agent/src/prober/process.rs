//! One probing child with a deadline for each step.
//!
//! Its lines do not wake this process: they are read when the child ends, and else at a slow turn that judges the
//! deadlines. A healthy child costs one wakeup.

use std::{process::ExitStatus, time::Duration};

use tokio::{
    process::{Child, Command},
    time::{Instant, timeout},
};

use super::{
    line::{Domain, Line},
    output::Output,
};

/// How often a child that has not ended is listened to. What it says meanwhile waits in the pipe.
const TURN: Duration = Duration::from_millis(250);

/// How long each step may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// One section.
    pub(crate) section: Duration,
    /// One superblock.
    pub(crate) space: Duration,
    /// Until a killed child is gone.
    pub(crate) reap: Duration,
    /// In a round in which superblocks hang: how long children for single ones are started.
    pub(crate) hanging: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            section: Duration::from_secs(5),
            space: Duration::from_secs(3),
            reap: Duration::from_secs(1),
            hanging: Duration::from_secs(2),
        }
    }
}

/// How a child came to its end.
pub(super) enum End {
    /// It told everything.
    Finished,
    /// A step took too long: which, and the child if it cannot be ended.
    Late(Option<Domain>, Option<Child>),
    /// It ended during a step, and how.
    Broken(Option<Domain>, String),
    /// It could not be started, and why.
    Refused(String),
}

/// Runs `command` and hands each result to `found`.
pub(super) async fn run(command: &mut Command, limits: Limits, mut found: impl FnMut(Line)) -> End {
    let (mut child, mut output) = match start(command) {
        Ok(started) => started,
        Err(error) => return End::Refused(format!("cannot start a probe: {error}")),
    };
    let mut step = Step { during: None, patience: limits.section };
    loop {
        let exit = step.turn(&mut child).await;
        let Ok(lines) = output.lines() else { return unreadable(step, child, limits).await };
        for line in lines {
            let Ok(line) = line else { return unreadable(step, child, limits).await };
            if line == Line::End {
                finish(child, limits.reap).await;
                return End::Finished;
            }
            step.advance(&line, limits);
            match line {
                result @ (Line::Done(_) | Line::Space { .. } | Line::Memory(_) | Line::Stopped) => found(result),
                Line::Start(_) | Line::End => {}
            }
        }
        match exit {
            Some(status) => return End::Broken(step.during, how(status)),
            None if output.closed() => return End::Broken(step.during, ended(child, limits.reap).await),
            None if step.patience.is_zero() => return End::Late(step.during, kill(child, limits.reap).await),
            None => {}
        }
    }
}

/// What a child does now, and for how much longer it may.
struct Step {
    during: Option<Domain>,
    /// Counts from when the step was heard of, which is after it began: nothing is blamed too early.
    patience: Duration,
}

impl Step {
    /// Waits until the child has ended or a turn is over.
    ///
    /// A turn counts for at most twice its length: when this process and its child were both stopped for a minute,
    /// the child has not been slow.
    async fn turn(&mut self, child: &mut Child) -> Option<std::io::Result<ExitStatus>> {
        let began = Instant::now();
        let turn = self.patience.min(TURN);
        let exit = timeout(turn, child.wait()).await.ok();
        self.patience = self.patience.saturating_sub(began.elapsed().min(turn * 2));
        exit
    }

    fn advance(&mut self, line: &Line, limits: Limits) {
        self.patience = limits.section;
        match line {
            Line::Start(domain) => {
                self.patience = match domain {
                    Domain::Space { .. } => limits.space,
                    Domain::Section(_) => limits.section,
                };
                self.during = Some(domain.clone());
            }
            Line::Done(_) | Line::Space { .. } | Line::Memory(_) | Line::Stopped | Line::End => self.during = None,
        }
    }
}

fn start(command: &mut Command) -> std::io::Result<(Child, Output)> {
    let mut child = command.spawn()?;
    let pipe = child.stdout.take().ok_or_else(|| std::io::Error::other("it has no output"))?;
    Ok((child, Output::new(pipe.into_owned_fd()?)?))
}

/// After words that this process does not understand.
async fn unreadable(step: Step, child: Child, limits: Limits) -> End {
    kill(child, limits.reap).await;
    End::Broken(step.during, "the probe wrote something unreadable".to_string())
}

/// Waits until a child that has told everything is gone.
async fn finish(mut child: Child, patience: Duration) {
    if timeout(patience, child.wait()).await.is_err() {
        kill(child, patience).await;
    }
}

/// Ends the child; gives it back if it is still there after `patience`.
async fn kill(mut child: Child, patience: Duration) -> Option<Child> {
    // It fails only when the child has ended, and then waiting succeeds.
    drop(child.start_kill());
    match timeout(patience, child.wait()).await {
        Ok(_) => None,
        Err(_) => Some(child),
    }
}

/// Why a child closed its output.
async fn ended(mut child: Child, patience: Duration) -> String {
    if let Ok(status) = timeout(patience, child.wait()).await {
        return how(status);
    }
    kill(child, patience).await;
    "the probe closed its output".to_string()
}

/// How a child that had not told everything ended.
fn how(status: std::io::Result<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status {
        Ok(status) => match (status.signal(), status.code()) {
            (Some(signal), _) => format!("the probe ended with signal {signal}"),
            (None, code) => format!("the probe ended with code {}", code.unwrap_or(-1)),
        },
        Err(error) => format!("the probe was lost: {error}"),
    }
}
