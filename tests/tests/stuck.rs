//! This machine with a `/proc/meminfo` that never opens and mounts that never answer: each costs itself, the rest is told
//! in time, and all is well again when they are gone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use coord_model::{
    Health, Report, SectionKind, ValueState,
    section::{Mount, MountState},
};
use coord_tests::{
    bystander::{events, times},
    fuse::{Fuse, Shape, own_namespace},
    lab::{Lab, Running, program, wait_within},
    skip::skipped,
};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

const MEMINFO: &str = "/proc/meminfo";
/// A suspect is asked again after 30 s at the earliest.
const RECOVERY: Duration = Duration::from_secs(180);

/// What is stuck, in the namespace of the thread that made it.
struct Stuck {
    /// A file that is bound over /proc/meminfo, and two folders.
    fuses: Vec<Fuse>,
    /// Whoever asks it cannot be ended.
    taken: PathBuf,
    /// Whoever asks it waits.
    deaf: PathBuf,
}

impl Stuck {
    /// Makes all; the reason why not, for a skip.
    fn make(below: &Path) -> Result<Self, String> {
        let [file, taken, deaf] = ["meminfo", "taken", "deaf"].map(|name| below.join(name));
        fs::write(&file, "").unwrap();
        fs::create_dir(&taken).unwrap();
        fs::create_dir(&deaf).unwrap();
        let fuses = vec![
            Fuse::over(&file, Shape::StuckFile)?,
            Fuse::over(&taken, Shape::StuckFolder)?,
            Fuse::over(&deaf, Shape::DeafFolder)?,
        ];
        // /proc takes no FUSE mount by itself everywhere, a bind mount it does.
        mount(Some(&file), MEMINFO, None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .map_err(|error| format!("cannot bind over {MEMINFO}: {error}"))?;
        Ok(Self { fuses, taken, deaf })
    }

    /// Takes all away.
    fn end(self) {
        umount2(MEMINFO, MntFlags::MNT_DETACH).unwrap();
        umount2(&self.taken, MntFlags::MNT_DETACH).unwrap();
        umount2(&self.deaf, MntFlags::MNT_DETACH).unwrap();
        drop(self.fuses);
    }
}

/// The sections that failed.
fn failed(report: &Report) -> Vec<SectionKind> {
    report.sections().filter(|section| section.failure().is_some()).map(|section| section.kind()).collect()
}

/// The mount at `place`.
fn at<'a>(report: &'a Report, place: &Path) -> Option<&'a Mount> {
    let rows = report.mounts.as_ref()?.facts.as_ref()?.mounts.as_ref()?;
    rows.iter().find(|mount| mount.paths.iter().flatten().any(|path| Path::new(path) == place))
}

/// The stuck file costs its section, the stuck mount its row, and everything else is there.
fn told(report: &Report, stuck: &Stuck) {
    assert_eq!(report.sections().count(), SectionKind::ALL.len());
    assert_eq!(failed(report), [SectionKind::System]);
    let reason = report.sections().find_map(|section| section.failure().map(|failure| failure.reason));
    assert_eq!(reason, Some(ValueState::Timeout));
    for (place, state) in [(&stuck.taken, MountState::Leaked), (&stuck.deaf, MountState::Stuck)] {
        let row = at(report, place).unwrap();
        assert_eq!((row.state, row.unknown["availableBytes"].state), (Some(state), ValueState::Timeout), "{row:?}");
    }
    let asked: Vec<bool> = stuck.fuses.iter().map(|fuse| fuse.taken() > 0).collect();
    assert_eq!(asked, [true, true, false]);
}

#[test]
fn check_tells_all_but_what_is_stuck() {
    let folder = tempfile::tempdir().unwrap();
    let stuck = match own_namespace().and_then(|()| Stuck::make(folder.path())) {
        Ok(stuck) => stuck,
        Err(reason) => return skipped("check_tells_all_but_what_is_stuck", &reason),
    };
    let began = Instant::now();
    let output = Command::new(program("coord-agent")).args(["check", "-o", "json"]).output().unwrap();
    // 5 s for the section, 3 s for each mount, a second each for what cannot be ended.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let mut document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    told(&serde_json::from_value(document["report"].take()).unwrap(), &stuck);
    stuck.end();
}

fn report(lab: &Lab) -> Report {
    let text = lab.told(&["-o", "json", "describe", "node", "live"]);
    serde_json::from_str::<coord_model::NodeDetail>(&text).unwrap().report
}

#[test]
fn a_running_agent_is_heard_while_it_hangs_and_recovers() {
    let lab = Lab::start();
    if let Err(reason) = own_namespace() {
        return skipped("a_running_agent_is_heard_while_it_hangs_and_recovers", &reason);
    }
    let mut command = lab.agent_command("live");
    let mut agent = Running(command.arg("--token-file").arg(lab.token_file("live")).spawn().unwrap());
    lab.wait_reported("live");
    assert_eq!(failed(&report(&lab)), []);
    let stuck = match Stuck::make(lab.folder.path()) {
        Ok(stuck) => stuck,
        Err(reason) => return skipped("a_running_agent_is_heard_while_it_hangs_and_recovers", &reason),
    };
    let heard = || {
        let node = lab.wait_reported("live");
        assert!(!matches!(node.health, Health::Silent | Health::Lost), "{node:?}");
    };
    wait_within(RECOVERY, "all to be told", || {
        heard();
        let report = report(&lab);
        let state = |place| at(&report, place).and_then(|row| row.state);
        let all = !failed(&report).is_empty() && state(&stuck.taken).is_some() && state(&stuck.deaf).is_some();
        all.then_some(())
    });
    told(&report(&lab), &stuck);
    let places = [stuck.taken.clone(), stuck.deaf.clone()];
    stuck.end();
    wait_within(RECOVERY, "everything to be well", || {
        heard();
        let report = report(&lab);
        (failed(&report).is_empty() && places.iter().all(|place| at(&report, place).is_none())).then_some(())
    });
    assert_eq!(times(&lab, "live", "session began"), 1, "{:?}", events(&lab, "live"));
    assert!(agent.stop().success());
}
