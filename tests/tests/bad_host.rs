//! Machines that answer badly: what is bad costs its own value or section and is named there, the rest is told in time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use coord_model::{Report, SectionKind, ValueState};
use coord_tests::{
    fuse::own_namespace,
    lab::{hosts, program},
    skip::skipped,
};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// Far above what a check takes, far below what a person waits.
const CHECK: Duration = Duration::from_secs(60);

/// What `coord-agent check` reports, of this machine or of a recorded one.
fn check(root: Option<&Path>) -> Report {
    let mut command = Command::new(program("coord-agent"));
    command.args(["check", "-o", "json"]);
    if let Some(root) = root {
        command.arg("--root").arg(root);
    }
    let began = Instant::now();
    let output = command.output().unwrap();
    assert!(began.elapsed() < CHECK, "{:?}", began.elapsed());
    let mut document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(document["report"].take()).unwrap()
}

/// The sections that failed, and why.
fn failed(report: &Report) -> Vec<(SectionKind, ValueState)> {
    let reason = |section: &coord_model::AnySection| section.failure().map(|failure| (section.kind(), failure.reason));
    report.sections().filter_map(|section| reason(&section)).collect()
}

/// The memory of a process is a file whose beginning cannot be read: EIO, as of an attribute whose device failed.
#[test]
fn an_attribute_that_answers_an_io_error_costs_itself() {
    let attribute = "/sys/devices/system/cpu/online";
    let memory = format!("/proc/{}/mem", std::process::id());
    let bound = own_namespace().and_then(|()| {
        mount(Some(memory.as_str()), attribute, None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .map_err(|error| format!("cannot bind over {attribute}: {error}"))
    });
    if let Err(reason) = bound {
        return skipped("an_attribute_that_answers_an_io_error_costs_itself", &reason);
    }
    assert_eq!(fs::read(attribute).unwrap_err().raw_os_error(), Some(nix::libc::EIO));
    let report = check(None);
    umount2(attribute, MntFlags::MNT_DETACH).unwrap();
    assert_eq!(failed(&report), []);
    let facts = report.system.unwrap().facts.unwrap();
    let reason = &facts.unknown["processors"];
    assert_eq!((facts.processors, &reason.state), (None, &ValueState::Error), "{reason:?}");
    assert!(reason.message.contains(attribute), "{reason:?}");
    assert!(facts.memory_total_bytes.is_some());
}

/// A copy of a recorded host with this mount table.
fn with_mounts(lines: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = hosts().join("k3s-w1");
    let copied = Command::new("cp").arg("-a").arg(source.join(".")).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    let table = folder.path().join("root/proc/self/mountinfo");
    let mut text = fs::read_to_string(&table).unwrap();
    for number in 0..lines {
        let minor = number + 100;
        writeln!(text, "{minor} 27 0:{minor} / /run/{number} rw - tmpfs tmpfs rw").unwrap();
    }
    fs::write(table, text).unwrap();
    folder
}

#[test]
fn a_table_of_a_hundred_thousand_mounts_is_read() {
    let folder = with_mounts(100_000);
    let report = check(Some(folder.path()));
    assert_eq!(failed(&report), []);
    let usual = check(Some(&hosts().join("k3s-w1")));
    let rows = |report: &Report| report.mounts.as_ref().unwrap().facts.as_ref().unwrap().mounts.as_ref().unwrap().len();
    assert_eq!(rows(&report), rows(&usual));
}

#[test]
fn a_table_of_a_million_mounts_is_refused_and_the_rest_is_told() {
    let folder = with_mounts(1_000_000);
    let report = check(Some(folder.path()));
    let failed = failed(&report);
    assert!(failed.contains(&(SectionKind::Mounts, ValueState::Error)), "{failed:?}");
    assert!(failed.iter().all(|(kind, _)| matches!(kind, SectionKind::Mounts | SectionKind::Disk)), "{failed:?}");
    let failure = report.mounts.as_ref().and_then(|section| section.failure.clone()).unwrap();
    assert!(failure.message.contains("/proc/self/mountinfo"), "{failure:?}");
    assert_eq!(report.sections().count(), SectionKind::ALL.len());
    assert!(report.system.unwrap().facts.unwrap().memory_total_bytes.is_some());
}
