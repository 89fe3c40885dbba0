//! One probing child with a deadline for each step.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::{Instant, timeout, timeout_at},
};

use super::line::{Domain, Line};

/// The longest line: a section of 32 KiB with everything that JSON adds.
const LONGEST_LINE: u64 = 1 << 20;

/// How long each step may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// One section.
    pub(crate) section: Duration,
    /// One superblock.
    pub(crate) space: Duration,
    /// Until a killed child is gone.
    pub(crate) reap: Duration,
    /// All superblocks that hang in one round, together.
    pub(crate) hanging: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            section: Duration::from_secs(5),
            space: Duration::from_secs(3),
            reap: Duration::from_secs(1),
            hanging: Duration::from_secs(12),
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
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return End::Refused(format!("cannot start a probe: {error}")),
    };
    let Some(stdout) = child.stdout.take() else {
        return End::Refused("the probe has no output".to_string());
    };
    let mut reader = BufReader::new(stdout);
    let mut during = None;
    let mut deadline = Instant::now() + limits.section;
    loop {
        let line = match timeout_at(deadline, next(&mut reader)).await {
            Err(_) => return End::Late(during, kill(child, limits.reap).await),
            Ok(Err(_)) => {
                kill(child, limits.reap).await;
                return End::Broken(during, "the probe wrote something unreadable".to_string());
            }
            Ok(Ok(None)) => return End::Broken(during, ended(child, limits.reap).await),
            Ok(Ok(Some(line))) => line,
        };
        deadline = Instant::now() + limits.section;
        match line {
            Line::Start(domain) => {
                if let Domain::Space { .. } = domain {
                    deadline = Instant::now() + limits.space;
                }
                during = Some(domain);
            }
            Line::End => {
                kill(child, limits.reap).await;
                return End::Finished;
            }
            result @ (Line::Done(_) | Line::Space { .. }) => {
                during = None;
                found(result);
            }
        }
    }
}

/// The next line; `None` at the end of the output.
async fn next(reader: &mut BufReader<ChildStdout>) -> std::io::Result<Option<Line>> {
    let mut text = Vec::new();
    reader.take(LONGEST_LINE).read_until(b'\n', &mut text).await?;
    if text.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&text)?)) }
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
    use std::os::unix::process::ExitStatusExt;
    match timeout(patience, child.wait()).await {
        Ok(Ok(status)) => match (status.signal(), status.code()) {
            (Some(signal), _) => format!("the probe ended with signal {signal}"),
            (None, code) => format!("the probe ended with code {}", code.unwrap_or(-1)),
        },
        Ok(Err(error)) => format!("the probe was lost: {error}"),
        Err(_) => {
            kill(child, patience).await;
            "the probe closed its output".to_string()
        }
    }
}
