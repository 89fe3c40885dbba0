//! The prober against children that answer, hang, crash and talk nonsense.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use coord_model::section::{Mount, MountState, Mounts};

use super::{line::Line, *};

const AGENT: &str = r#"{"agent":{"source":"test","ageSeconds":0.0,"facts":{"version":"1"}}}"#;
const MOUNTS: &str = r#"{"mounts":{"source":"test","ageSeconds":0.0,"facts":{"mounts":[{"deviceNumber":"0:45","paths":["/dead"]},{"deviceNumber":"0:46","paths":["/good"]}]}}}"#;
const START_GPU: &str = r#"{"start":{"section":"gpu"}}"#;
const START_SPACE: &str = r#"{"start":{"space":{"device":"0:45","path":"/dead"}}}"#;
const SPACE: &str = r#"{"start":{"space":{"device":"0:46","path":"/good"}}}
{"space":{"device":"0:46","answer":{"sizeBytes":9,"freeBytes":5,"availableBytes":4,"inodes":1,"inodesFree":1,"readOnly":false}}}"#;
const HANG: &str = "exec sleep 600";

/// A prober whose child is a shell script; `$*` are the names that it is asked for.
pub(crate) fn prober(script: &str) -> (tempfile::TempDir, Prober) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("child");
    fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let limits = Limits {
        section: Duration::from_secs(3),
        space: Duration::from_secs(2),
        reap: Duration::from_secs(20),
        hanging: Duration::from_secs(60),
    };
    (folder, Prober::with_program(path.into_os_string(), None, Setting::default(), limits))
}

/// Lines that say it; a line that is a section becomes the two lines with which a child tells one.
fn say(lines: &str) -> String {
    let said: Vec<String> = lines.lines().map(|line| done(line).unwrap_or_else(|| line.to_string())).collect();
    format!("cat <<'LINES'\n{}\nLINES", said.join("\n"))
}

fn done(line: &str) -> Option<String> {
    let section: AnySection = serde_json::from_str(line).ok()?;
    let start = Line::Start(Domain::Section(section.kind()));
    let done = Line::Done(Box::new(section));
    Some(format!("{}\n{}", serde_json::to_string(&start).ok()?, serde_json::to_string(&done).ok()?))
}

async fn read(prober: &mut Prober, kinds: &[SectionKind]) -> Vec<AnySection> {
    prober.read(kinds).await
}

fn mounts(sections: &[AnySection]) -> &Mounts {
    let found = sections.iter().find_map(|section| match section {
        AnySection::Mounts(section) => section.facts.as_ref(),
        _ => None,
    });
    found.expect("a section of mounts")
}

fn states(mounts: &Mounts) -> Vec<Option<MountState>> {
    mounts.mounts.iter().flatten().map(|mount: &Mount| mount.state).collect()
}

#[tokio::test]
async fn a_healthy_child_gives_everything() {
    let (_folder, mut prober) = prober(&say(&format!("{AGENT}\n\"end\"")));
    let sections = read(&mut prober, &[SectionKind::Agent]).await;
    let [AnySection::Agent(agent)] = sections.as_slice() else { panic!("{sections:?}") };
    assert_eq!(agent.facts.as_ref().unwrap().version.as_deref(), Some("1"));
    assert!(agent.facts.as_ref().unwrap().started_seconds.is_some());
}

#[tokio::test]
async fn a_section_that_hangs_costs_itself_and_is_not_asked_again_at_once() {
    let script = format!(
        "case \"$*\" in *gpu*)\n{}\n{HANG}\n;;\n*)\n{}\n;;\nesac",
        say(&format!("{AGENT}\n{START_GPU}")),
        say(&format!("{AGENT}\n\"end\""))
    );
    let (_folder, mut prober) = prober(&script);
    for _ in 0..2 {
        let sections = read(&mut prober, &[SectionKind::Agent, SectionKind::Gpu]).await;
        assert_eq!(sections.len(), 2);
        assert!(sections[0].failure().is_none());
        assert_eq!(sections[1].failure().unwrap().reason, ValueState::Timeout);
    }
    assert_eq!(prober.suspects.len(), 1);
}

#[tokio::test]
async fn a_mount_that_hangs_is_stuck_and_its_neighbour_is_fine() {
    let hangs = say(&format!("{MOUNTS}\n{START_SPACE}"));
    let rest = say(&format!("{SPACE}\n\"end\""));
    let after = say(&format!("{MOUNTS}\n{SPACE}\n\"end\""));
    let script = format!(
        "case \"$*\" in\n\"probe space=0:46 briefed\")\n{rest}\n;;\n*except=0:45*)\n{after}\n;;\n*)\n{hangs}\n{HANG}\n;;\nesac"
    );
    let (_folder, mut prober) = prober(&script);
    for _ in 0..2 {
        let sections = read(&mut prober, &[SectionKind::Mounts]).await;
        assert_eq!(states(mounts(&sections)), [Some(MountState::Stuck), Some(MountState::Ok)]);
    }
}

#[tokio::test]
async fn what_a_child_had_no_time_for_is_asked_apart() {
    let slow = SPACE.replace("0:46", "0:45").replace("/good", "/dead");
    let script = format!(
        "case \"$*\" in\n\"probe space=0:46 briefed\")\n{}\n;;\n*)\n{}\n;;\nesac",
        say(&format!("{SPACE}\n\"end\"")),
        say(&format!("{MOUNTS}\n{slow}\n\"stopped\"\n\"end\"")),
    );
    let (_folder, mut prober) = prober(&script);
    let sections = read(&mut prober, &[SectionKind::Mounts]).await;
    assert_eq!(states(mounts(&sections)), [Some(MountState::Ok), Some(MountState::Ok)]);
    assert!(prober.suspects.is_empty());
}

/// A section of mounts with these device numbers.
fn rows(devices: &[&str]) -> String {
    let rows: Vec<String> =
        devices.iter().map(|device| format!(r#"{{"deviceNumber":"{device}","paths":["/{device}"]}}"#)).collect();
    let (section, _) = MOUNTS.split_once("[{").unwrap();
    format!("{section}[{}]}}}}}}", rows.join(","))
}

#[tokio::test]
async fn many_mounts_that_hang_cost_one_round_and_each_has_one_child() {
    let devices = ["0:45", "0:47", "0:48", "0:49", "0:50"];
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log").display().to_string();
    let start = "{\"start\":{\"space\":{\"device\":\"'${2#space=}'\",\"path\":\"/dead\"}}}";
    let script = format!(
        "case \"$*\" in\n\"probe space=0:\"*)\necho $2 >>{log}\necho '{start}'\n{HANG}\n;;\n*except=*)\n{}\n;;\n*)\n{}\n{HANG}\n;;\nesac",
        say(&format!("{}\n\"end\"", rows(&devices))),
        say(&format!("{}\n{START_SPACE}", rows(&devices))),
    );
    let (_folder, mut prober) = prober(&script);
    let began = Instant::now();
    for _ in 0..2 {
        let sections = read(&mut prober, &[SectionKind::Mounts]).await;
        assert_eq!(states(mounts(&sections)), [Some(MountState::Stuck); 5]);
    }
    // Two seconds for the first, two for all others together, and nothing the second time.
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    let mut asked: Vec<String> = fs::read_to_string(log).unwrap().lines().map(str::to_string).collect();
    asked.sort();
    assert_eq!(asked, ["space=0:47", "space=0:48", "space=0:49", "space=0:50"]);
}

#[tokio::test]
async fn a_round_in_which_everything_hangs_ends() {
    let devices: Vec<String> = (50..80).map(|minor| format!("0:{minor}")).collect();
    let devices: Vec<&str> = devices.iter().map(String::as_str).collect();
    let script = format!(
        "case \"$*\" in\n\"probe space=0:\"*)\n{HANG}\n;;\n*)\n{}\n{HANG}\n;;\nesac",
        say(&format!("{}\n{}", rows(&devices), START_SPACE.replace("0:45", "0:50"))),
    );
    let (_folder, mut prober) = prober(&script);
    prober.limits.hanging = Duration::from_secs(1);
    prober.limits.section = Duration::from_secs(2);
    let sections = read(&mut prober, &[SectionKind::Mounts]).await;
    let unknown = states(mounts(&sections)).iter().filter(|state| state.is_none()).count();
    // One for the first child, four that began before the round was over.
    assert_eq!(unknown, 25);
}

#[tokio::test]
async fn what_is_settled_without_asking_is_never_asked() {
    let down = MOUNTS.replace(r#""deviceNumber":"0:45""#, r#""deviceNumber":"0:45","state":"server-down""#);
    let script = format!(
        "case \"$*\" in\n*space=0:45*)\nexit 9\n;;\n*)\n{}\n;;\nesac",
        say(&format!("{down}\n{SPACE}\n\"end\""))
    );
    let (_folder, mut prober) = prober(&script);
    let late = Domain::Space { device: "0:45".to_string(), path: "/dead".to_string() };
    let long_ago = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
    prober.suspects.insert(late, Suspect::new(long_ago, None));
    let sections = read(&mut prober, &[SectionKind::Mounts]).await;
    assert_eq!(states(mounts(&sections)), [Some(MountState::ServerDown), Some(MountState::Ok)]);
    assert_eq!(prober.suspects.len(), 1, "it was not asked");
}

#[tokio::test]
async fn a_suspect_that_shows_life_is_asked_at_once_and_is_no_suspect() {
    let alone = SPACE.replace("0:46", "0:45");
    let memory = r#"{"mounts":{"seen":{"0:45":{"alive":true}}}}"#;
    let alive = serde_json::to_string(&Line::Memory(memory.to_string())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let life = folder.path().join("life").display().to_string();
    let script = format!(
        "case \"$*\" in\n\"probe space=0:45 briefed\")\n{}\n;;\n*except=0:45*)\n{}\n[ -e {life} ] && echo '{alive}'\necho '\"end\"'\n;;\n*)\n{}\n{HANG}\n;;\nesac",
        say(&format!("{alone}\n\"end\"")),
        say(&format!("{MOUNTS}\n{SPACE}")),
        say(&format!("{MOUNTS}\n{SPACE}\n{START_SPACE}"))
    );
    let (_folder, mut prober) = prober(&script);
    for _ in 0..2 {
        let sections = read(&mut prober, &[SectionKind::Mounts]).await;
        assert_eq!(states(mounts(&sections)), [Some(MountState::Stuck), Some(MountState::Ok)]);
    }
    fs::write(life, "").unwrap();
    let sections = read(&mut prober, &[SectionKind::Mounts]).await;
    assert_eq!(states(mounts(&sections)), [Some(MountState::Ok), Some(MountState::Ok)]);
    assert!(prober.suspects.is_empty());
}

#[tokio::test]
async fn a_crash_costs_the_section_in_progress() {
    let script = format!(
        "case \"$*\" in *gpu*)\n{}\nkill -SEGV $$\n;;\n*)\n{}\n;;\nesac",
        say(START_GPU),
        say(&format!("{AGENT}\n\"end\""))
    );
    let (_folder, mut prober) = prober(&script);
    let sections = read(&mut prober, &[SectionKind::Agent, SectionKind::Gpu]).await;
    assert!(sections[0].failure().is_none(), "{sections:?}");
    assert_eq!(sections[1].failure().unwrap().message, "the probe ended with signal 11");
}

#[tokio::test]
async fn what_was_said_before_nonsense_or_a_cut_counts() {
    for (last, message) in
        [("echo garbage", "the probe wrote something unreadable"), ("printf '{\"do'", "the probe ended with code 0")]
    {
        let script = format!(
            "case \"$*\" in *gpu*)\n{}\n{last}\n;;\n*)\nexit 3\n;;\nesac",
            say(&format!("{AGENT}\n{START_GPU}"))
        );
        let (_folder, mut prober) = prober(&script);
        let sections = read(&mut prober, &[SectionKind::Agent, SectionKind::Gpu]).await;
        assert!(sections[0].failure().is_none(), "{sections:?}");
        assert_eq!(sections[1].failure().unwrap().message, message);
    }
}

#[tokio::test]
async fn a_child_that_says_nothing_or_nonsense_fails_every_section() {
    for script in ["exit 7", "echo garbage", "printf '{\"start\":'", HANG, "echo '\"end\"'"] {
        let (_folder, mut prober) = prober(script);
        let sections = read(&mut prober, &[SectionKind::Agent, SectionKind::Gpu]).await;
        assert_eq!(sections.len(), 2, "{script}");
        assert!(sections.iter().all(|section| section.failure().is_some()), "{script}: {sections:?}");
    }
}

#[tokio::test]
async fn a_program_that_cannot_be_started_fails_every_section() {
    let limits = Limits::default();
    let mut prober = Prober::with_program("/nonexistent/child".into(), None, Setting::default(), limits);
    let sections = prober.read(SectionKind::ALL).await;
    assert_eq!(sections.len(), SectionKind::ALL.len());
    assert!(sections.iter().all(|section| section.failure().unwrap().message.starts_with("cannot start a probe")));
}

/// How often this thread has gone to sleep of its own accord.
fn sleeps() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn the_lines_of_a_child_do_not_wake_its_parent() {
    let script = format!("for step in 1 2 3 4 5 6 7 8 9 10; do\n{}\nsleep 0.01\ndone\necho '\"end\"'", say(AGENT));
    let (_folder, mut prober) = prober(&script);
    let before = sleeps();
    let sections = read(&mut prober, &[SectionKind::Agent]).await;
    assert!(sections[0].failure().is_none(), "{sections:?}");
    let slept = sleeps() - before;
    // The start of the child, its end, and two for each turn of 250 ms that it lives on a slow machine.
    assert!(slept < 20, "{slept} wakeups for 20 lines");
}

#[tokio::test]
async fn a_child_may_say_more_than_the_pipe_holds() {
    let script = format!("yes '{START_GPU}' | head -n 40000\n{}", say(&format!("{AGENT}\n\"end\"")));
    let (_folder, mut prober) = prober(&script);
    let sections = read(&mut prober, &[SectionKind::Agent]).await;
    assert!(sections[0].failure().is_none(), "{sections:?}");
}

#[tokio::test]
async fn a_child_that_does_not_end_after_its_last_word_is_ended() {
    let script = format!("{}\nexec sleep 600", say(&format!("{AGENT}\n\"end\"")));
    let (_folder, mut prober) = prober(&script);
    prober.limits.reap = Duration::from_millis(300);
    let sections = read(&mut prober, &[SectionKind::Agent]).await;
    assert!(sections[0].failure().is_none(), "{sections:?}");
}

#[tokio::test]
async fn what_the_k3s_binary_said_is_told_to_the_next_child() {
    let memory = r#"{"k3s":{"version":"v1"}}"#;
    let section = r#"{"k3s":{"source":"test","ageSeconds":0.0,"facts":{"version":"v1"}}}"#;
    let told = serde_json::to_string(&Line::Memory(memory.to_string())).unwrap();
    let script = format!(
        "if grep -qxF '{memory}'; then\n{}\nelse\n{}\nfi",
        say("\"end\""),
        say(&format!("{section}\n{told}\n\"end\""))
    );
    let (_folder, mut prober) = prober(&script);
    assert!(read(&mut prober, &[SectionKind::K3s]).await[0].failure().is_none());
    let second = read(&mut prober, &[SectionKind::K3s]).await;
    assert_eq!(second[0].failure().unwrap().message, "the probe left it out");
}
