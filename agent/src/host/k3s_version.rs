//! What the k3s binary says of its version: it stands nowhere else. A run costs 50 ms of processor time, so a binary
//! whose version is known is run again only when it changed.

use std::{
    fs,
    io::Read,
    os::{fd::AsFd, unix::fs::MetadataExt},
    process::{ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown, ValueState};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};

use super::error::unknown_io;

/// Where k3s' installer puts the binary, and where packages do.
const BINARIES: [&str; 3] = ["/usr/local/bin/k3s", "/opt/bin/k3s", "/usr/bin/k3s"];
/// For starting, running and reading together.
const DEADLINE: Duration = Duration::from_secs(2);
/// The most that is read of what it prints.
const LARGEST: usize = 4096;

/// A binary as it lies on the disk; another one differs in at least one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BinaryStamp {
    path: String,
    size: u64,
    modified_seconds: i64,
    modified_nanoseconds: i64,
}

/// What a binary said when it was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KnownVersion {
    /// Which.
    pub(crate) stamp: BinaryStamp,
    /// Its version, for instance `v1.34.3+k3s1`.
    pub(crate) version: String,
}

/// The k3s binary of this machine.
pub(super) fn stamp() -> Reading<BinaryStamp> {
    first_of(&BINARIES)
}

/// The first of `paths` that is a file.
pub(super) fn first_of(paths: &[&str]) -> Reading<BinaryStamp> {
    for path in paths {
        match fs::metadata(path) {
            Ok(data) if data.is_file() => {
                return Ok(BinaryStamp {
                    path: (*path).to_string(),
                    size: data.size(),
                    modified_seconds: data.mtime(),
                    modified_nanoseconds: data.mtime_nsec(),
                });
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unknown_io(path, &error)),
        }
    }
    Err(Unknown::absent(format!("there is no {}", paths.join(" and no "))))
}

/// The version that is known of the binary, else what it says.
pub(super) fn version(known: Option<&KnownVersion>) -> Reading<String> {
    of(&stamp()?, known)
}

fn of(stamp: &BinaryStamp, known: Option<&KnownVersion>) -> Reading<String> {
    match known.filter(|known| known.stamp == *stamp) {
        Some(known) => Ok(known.version.clone()),
        None => run(&stamp.path),
    }
}

/// Runs `path --version`, without a shell and without our environment.
fn run(path: &str) -> Reading<String> {
    let end = Instant::now() + DEADLINE;
    let mut command = Command::new(path);
    command.arg("--version").env_clear().current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| unknown_io(path, &error))?;
    let text = child.stdout.take().map_or_else(|| Ok(Vec::new()), |pipe| read(path, pipe, end));
    // It has said all that is wanted. Both fail only when it has ended already.
    drop(child.kill());
    drop(child.wait());
    parse(&String::from_utf8_lossy(&text?)).ok_or_else(|| Unknown::error(format!("{path} --version names no version")))
}

/// What comes through `pipe` until its end, the limit or the deadline.
fn read(path: &str, mut pipe: ChildStdout, end: Instant) -> Reading<Vec<u8>> {
    let mut text = Vec::new();
    let mut part = [0; LARGEST];
    while text.len() < LARGEST {
        let left = PollTimeout::try_from(end.saturating_duration_since(Instant::now())).unwrap_or(PollTimeout::ZERO);
        let ready = poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], left);
        if ready.map_err(|errno| unknown_io(path, &errno.into()))? == 0 {
            return Err(Unknown::new(ValueState::Timeout, format!("{path} --version did not end in 2 s")));
        }
        match pipe.read(&mut part).map_err(|error| unknown_io(path, &error))? {
            0 => break,
            count => text.extend_from_slice(&part[..count]),
        }
    }
    Ok(text)
}

/// `k3s version v1.34.3+k3s1 (48ffa7b6)`.
fn parse(text: &str) -> Option<String> {
    let version = text.lines().find_map(|line| line.strip_prefix("k3s version "))?.split_whitespace().next()?;
    (version.len() <= 64).then(|| coord_model::clean(version))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program that notes each of its runs.
    fn program(folder: &tempfile::TempDir, script: &str) -> String {
        let path = folder.path().join("k3s");
        let runs = folder.path().join("runs");
        fs::write(&path, format!("#!/bin/sh\necho \"$1\" >> {}\n{script}\n", runs.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    fn runs(folder: &tempfile::TempDir) -> usize {
        fs::read_to_string(folder.path().join("runs")).unwrap_or_default().lines().count()
    }

    #[test]
    fn a_binary_is_run_once_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = program(&folder, "echo 'k3s version v1.34.3+k3s1 (48ffa7b6)'; echo 'go version go1.24'");
        let stamp = first_of(&["/nonexistent/k3s", &path]).unwrap();
        let version = of(&stamp, None).unwrap();
        assert_eq!((version.as_str(), runs(&folder)), ("v1.34.3+k3s1", 1));
        let known = KnownVersion { stamp: stamp.clone(), version };
        assert_eq!(of(&stamp, Some(&known)).unwrap(), "v1.34.3+k3s1");
        assert_eq!(runs(&folder), 1);
        program(&folder, "echo 'k3s version v1.35.0+k3s1 (0)'");
        let changed = first_of(&[&path]).unwrap();
        assert_eq!(of(&changed, Some(&known)).unwrap(), "v1.35.0+k3s1");
        assert_eq!(runs(&folder), 2);
    }

    #[test]
    fn a_binary_that_hangs_or_talks_for_ever_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let began = Instant::now();
        assert_eq!(run(&program(&folder, "exec /bin/sleep 600")).unwrap_err().state, ValueState::Timeout);
        assert_eq!(run(&program(&folder, "while :; do echo nothing; done")).unwrap_err().state, ValueState::Error);
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn no_binary_is_absence_and_one_that_may_not_run_is_denied() {
        let reason = first_of(&["/nonexistent/k3s"]).unwrap_err();
        assert_eq!(reason, Unknown::absent("there is no /nonexistent/k3s"));
        let folder = tempfile::tempdir().unwrap();
        let path = program(&folder, "");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(run(&path).unwrap_err().state, ValueState::Denied);
    }

    #[test]
    fn only_a_version_is_a_version() {
        assert_eq!(parse("k3s version v1.34.3+k3s1 (48ffa7b6)\n").as_deref(), Some("v1.34.3+k3s1"));
        for text in ["", "k3s version", "k3s version ", "usage: k3s\n", &format!("k3s version {}", "v".repeat(65))] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
