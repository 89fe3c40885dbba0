//! The disk latency test, by hand and on demand: the real `coord-agent` writes, measures and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

/// The agent that the same build made: it lies beside the folder of this test's own binary.
fn agent() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().and_then(Path::parent).unwrap().join("coord-agent")
}

/// A folder on the disk that holds the build, and not in memory.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(agent().parent().unwrap()).unwrap()
}

fn test(arguments: &[&str]) -> Output {
    Command::new(agent()).args(["check", "--disk-latency"]).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_whole_test_tells_its_figures_and_leaves_nothing_behind() {
    let folder = folder();
    let output = test(&[folder.path().to_str().unwrap(), "-o", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((found["kind"].as_str(), found["apiVersion"].as_str()), (Some("DiskLatency"), Some("coord.homelab/v1")));
    let writes = found["writes"].as_u64().unwrap();
    assert!((1..=10_000).contains(&writes) && found["tookSeconds"].as_f64().unwrap() < 60.0, "{found}");
    let figures = ["p50Seconds", "p99Seconds", "p999Seconds", "maxSeconds"].map(|name| found[name].as_f64().unwrap());
    assert!(figures[0] > 0.0 && figures.is_sorted(), "{found}");
    let unfit = found["verdict"] == "unfit";
    assert_eq!(output.status.code(), Some(if unfit { 3 } else { 0 }));
    assert_eq!(unfit, figures[1] > 0.1);
    assert_eq!(files(folder.path()), 0);
}

#[test]
fn a_signal_ends_it_and_takes_its_file_with_it() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let folder = folder();
        let mut child = Command::new(agent())
            .args(["check", "--disk-latency"])
            .arg(folder.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // It runs as soon as its file is there; a disk that is done before can only have removed it by itself.
        let began = Instant::now();
        while files(folder.path()) == 0 && child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(60), "no file was made");
            std::thread::yield_now();
        }
        let number = Pid::from_raw(child.id().try_into().unwrap());
        let sent = kill(number, signal).is_ok() && child.try_wait().unwrap().is_none();
        let errors: Vec<String> = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
        let status = child.wait().unwrap();
        assert_eq!(files(folder.path()), 0);
        if sent && !matches!(status.code(), Some(0 | 3)) {
            assert_eq!(status.code(), Some(130), "{errors:?}");
            assert!(errors.iter().any(|line| line == "error: interrupted; the test file is gone"), "{errors:?}");
        }
    }
}

#[test]
fn what_cannot_be_tested_is_refused_with_a_hint() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "kept").unwrap();
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts/k3s-cp1");
    for (arguments, part) in [
        (vec!["/nonexistent/folder"], "cannot be used"),
        (vec![file.to_str().unwrap()], "cannot be used"),
        (vec!["/proc/self"], "has 0 MiB free"),
        (vec!["/", "--root", hosts.to_str().unwrap()], "a recorded host has no disk"),
    ] {
        let output = test(&arguments);
        let errors = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""), "{arguments:?}: {errors}");
        assert!(errors.starts_with("error: ") && errors.contains("\nhint: "), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
}
