//! Real mounts in a mount namespace of the test: one that stops answering and answers again, one that is bound to two
//! places, one that comes, turns read-only and goes, and declared ones that are there, missing, or something else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use base64::Engine as _;
use coord_model::{
    AnySection, NodeDetail, Report,
    section::{Mount, MountState, Mounts},
};
use coord_proto::border::decode_section;
use coord_tests::{
    bystander::times,
    fuse::{Fuse, Shape, own_namespace, small_disk},
    lab::{Lab, Running, program, wait_for, wait_within},
    skip::skipped,
};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// From the first probe that meets it until it is told.
const STUCK_WITHIN: Duration = Duration::from_secs(10);
/// A service manager waits so long for the end of an agent.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A mount that is bound to another place, for as long as this lives.
struct Bound(PathBuf);

impl Bound {
    fn new(from: &Path, to: &Path) -> Self {
        fs::create_dir_all(to).unwrap();
        mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        Self(to.to_owned())
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

fn at<'a>(mounts: &'a Mounts, place: &Path) -> Option<&'a Mount> {
    mounts.mounts.iter().flatten().find(|mount| mount.paths.iter().flatten().any(|path| Path::new(path) == place))
}

fn report(lab: &Lab) -> Report {
    let text = lab.told(&["-o", "json", "describe", "node", "live"]);
    serde_json::from_str::<NodeDetail>(&text).unwrap().report
}

/// The row of a running agent at `place`.
fn row(lab: &Lab, place: &Path) -> Option<Mount> {
    at(report(lab).mounts.as_ref()?.facts.as_ref()?, place).cloned()
}

fn live_agent(lab: &Lab) -> Running {
    let mut command = lab.agent_command("live");
    Running(command.arg("--token-file").arg(lab.token_file("live")).spawn().unwrap())
}

#[test]
fn a_mount_at_two_places_costs_one_process_and_is_told_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let (place, second) = (folder.path().join("one"), folder.path().join("a/second"));
    fs::create_dir(&place).unwrap();
    let fuse = match own_namespace().and_then(|()| Fuse::over(&place, Shape::StuckFolder)) {
        Ok(fuse) => fuse,
        Err(reason) => return skipped("a_mount_at_two_places_costs_one_process_and_is_told_in_time", &reason),
    };
    let _bound = Bound::new(&place, &second);
    let began = Instant::now();
    let output = Command::new(program("coord-agent")).args(["check", "-o", "json"]).output().unwrap();
    assert!(began.elapsed() < STUCK_WITHIN, "{:?}", began.elapsed());
    let mut document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let report: Report = serde_json::from_value(document["report"].take()).unwrap();
    let mounts = report.mounts.unwrap().facts.unwrap();
    let row = at(&mounts, &place).unwrap();
    assert_eq!((row.state, row.paths.as_ref().unwrap().len()), (Some(MountState::Leaked), 2), "{row:?}");
    assert_eq!(at(&mounts, &second), Some(row));
    assert_eq!(fuse.taken(), 1);
}

#[test]
fn an_agent_tells_what_hangs_stops_in_time_and_hears_when_it_answers_again() {
    let name = "an_agent_tells_what_hangs_stops_in_time_and_hears_when_it_answers_again";
    let lab = Lab::start();
    let place = lab.path("share");
    fs::create_dir(&place).unwrap();
    if let Err(reason) = own_namespace() {
        return skipped(name, &reason);
    }
    let mut first = live_agent(&lab);
    lab.wait_reported("live");
    let fuse = match Fuse::over(&place, Shape::StuckFolder) {
        Ok(fuse) => fuse,
        Err(reason) => return skipped(name, &reason),
    };
    let state = || row(&lab, &place).and_then(|row| row.state);
    wait_within(Duration::from_secs(30), "the mount to be told", || {
        (state() == Some(MountState::Leaked)).then_some(())
    });
    assert_eq!(times(&lab, "live", "session began"), 1);
    let began = Instant::now();
    assert!(first.stop().success());
    assert!(began.elapsed() < STOP_WITHIN, "{:?}", began.elapsed());
    // The next one meets the same mount, and its own process hangs too.
    let mut second = Running(lab.agent_command("live").spawn().unwrap());
    wait_within(Duration::from_secs(60), "the second agent to hang", || (fuse.taken() == 2).then_some(()));
    wait_for("it to be told again", || (state() == Some(MountState::Leaked)).then_some(()));
    fuse.heal();
    let well = wait_for("it to be well", || row(&lab, &place).filter(|row| row.state == Some(MountState::Ok)));
    assert!(well.state_seconds.is_some());
    assert_eq!(fuse.taken(), 2);
    assert!(second.stop().success());
}

#[test]
fn a_mount_that_comes_turns_read_only_and_goes_is_told_each_time() {
    let name = "a_mount_that_comes_turns_read_only_and_goes_is_told_each_time";
    // A pace at which nothing is read but because of an event.
    let lab = Lab::with("heartbeat: 500ms\nfacts: 1h\nreconnectCap: 1s\nlostAfter: 5s\n");
    let place = lab.path("share");
    fs::create_dir(&place).unwrap();
    if let Err(reason) = own_namespace() {
        return skipped(name, &reason);
    }
    let mut agent = live_agent(&lab);
    lab.wait_reported("live");
    let fuse = match Fuse::over(&place, Shape::Folder) {
        Ok(fuse) => fuse,
        Err(reason) => return skipped(name, &reason),
    };
    let wait = |what: &str, wanted: &dyn Fn(Option<Mount>) -> bool| {
        wait_for(what, || wanted(row(&lab, &place)).then_some(()));
    };
    wait("the mount", &|row| row.is_some_and(|row| row.state == Some(MountState::Ok) && row.read_only == Some(false)));
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(None::<&str>, &place, None::<&str>, flags, None::<&str>).unwrap();
    wait("it to be read-only", &|row| row.is_some_and(|row| row.read_only == Some(true)));
    umount2(&place, MntFlags::MNT_DETACH).unwrap();
    wait("it to be gone", &|row| row.is_none());
    drop(fuse);
    assert!(agent.stop().success());
}

/// What a probing child says of mounts that are declared as `expected`, and what each superblock answered.
fn probed(expected: &serde_json::Value) -> (Mounts, Vec<serde_json::Value>) {
    let briefing = serde_json::json!({ "expect": { "mounts": expected } });
    let mut child = Command::new(program("coord-agent"))
        .args(["probe", "mounts", "space=remote", "briefed"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(briefing.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let done = lines.iter().find_map(|line| line.get("done")).unwrap_or_else(|| panic!("no section in {text}"));
    let bytes = base64::engine::general_purpose::STANDARD.decode(done.as_str().unwrap()).unwrap();
    let AnySection::Mounts(section) = decode_section(&bytes).unwrap() else { panic!("{done}") };
    (section.facts.unwrap(), lines.iter().filter_map(|line| line.get("space").cloned()).collect())
}

#[test]
fn declared_mounts_are_found_missed_and_told_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    for name in ["share", "bare", "disk"] {
        fs::create_dir(place(name)).unwrap();
    }
    fs::write(place("bare/database"), "written while nothing was mounted").unwrap();
    let _fuse = match own_namespace().and_then(|()| Fuse::over(&place("share"), Shape::Folder)) {
        Ok(fuse) => fuse,
        Err(reason) => return skipped("declared_mounts_are_found_missed_and_told_from_others", &reason),
    };
    let _disk = small_disk(&place("disk"), "1m").unwrap();
    let declared =
        |name: &str, sentinel: &str| serde_json::json!({ "name": name, "path": place(name), "sentinel": sentinel });
    for (sentinel, there) in [("there", true), ("elsewhere", false)] {
        let expected = serde_json::json!([declared("share", sentinel), declared("bare", ""), declared("disk", "")]);
        let (mounts, spaces) = probed(&expected);
        let share = at(&mounts, &place("share")).unwrap();
        assert_eq!((share.name.as_deref(), share.state), (Some("share"), None), "{share:?}");
        let device = share.device_number.as_deref().unwrap();
        let answer = spaces.iter().find(|space| space["device"] == device).unwrap();
        assert_eq!(answer["sentinel"], there, "{answer}");
        let bare = at(&mounts, &place("bare")).unwrap();
        assert_eq!(bare.state, Some(MountState::Missing));
        assert_eq!((bare.shadow_files, bare.shadow_bytes), (Some(1), Some(33)));
        assert_eq!(at(&mounts, &place("disk")).unwrap().state, Some(MountState::WrongSource));
    }
}
