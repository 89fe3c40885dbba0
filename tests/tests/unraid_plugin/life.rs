//! The plugin's life on a host: install, join, kills, boots, the array's stop, update, removal.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use coord_model::Health;
use coord_tests::{
    lab::{Lab, wait_for},
    skip::skipped,
};

use super::{VERSION, build, unraid::Unraid, unraid::programs};

/// Something to install, and a stick.
struct Home {
    folder: tempfile::TempDir,
    definition: PathBuf,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Self { definition: folder.path().join("out/coord-agent.plg"), folder };
        for name in ["binaries", "out", "stick/config/plugins/coord-agent"] {
            fs::create_dir_all(home.folder.path().join(name)).unwrap();
        }
        programs(&home.folder.path().join("binaries"));
        home.release(VERSION, 1_700_000_000);
        home
    }

    /// Builds a version and puts its package on the stick, since these hosts have no network to fetch it.
    fn release(&self, version: &str, epoch: u32) {
        let out = self.folder.path().join("out");
        build(&self.folder.path().join("binaries"), &out, version, epoch);
        let package = format!("coord-agent-{version}-x86_64-1.txz");
        fs::copy(out.join(&package), self.plugins().join("coord-agent").join(package)).unwrap();
    }

    fn stick(&self) -> PathBuf {
        self.folder.path().join("stick")
    }

    fn plugins(&self) -> PathBuf {
        self.stick().join("config/plugins")
    }

    fn boot(&self) -> Result<Unraid, String> {
        Unraid::boot(&self.stick())
    }

    /// What is left of us on the stick, without folders.
    fn left(&self) -> Vec<String> {
        let found = fs::read_dir(self.plugins().join("coord-agent")).into_iter().flatten().flatten();
        let mut names: Vec<String> = found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// A host on which the agent runs.
fn running(home: &Home, test: &str) -> Option<Unraid> {
    let unraid = home.boot().map_err(|reason| skipped(test, &reason)).ok()?;
    unraid.known("STARTED");
    unraid.install(&home.definition).unwrap();
    wait_agent(&unraid);
    Some(unraid)
}

fn wait_agent(unraid: &Unraid) -> String {
    wait_for("the agent to run", || unraid.process("agent"))
}

fn gone(unraid: &Unraid) {
    wait_for("nothing of ours to run", || unraid.ours().iter().all(|own| own.contains("/nothing")).then_some(()));
}

#[test]
fn it_runs_as_its_own_user_and_comes_back_after_a_kill() {
    let home = Home::new();
    let Some(unraid) = running(&home, "it_runs_as_its_own_user_and_comes_back_after_a_kill") else { return };
    let agent = wait_agent(&unraid);
    let status =
        unraid.sh(&format!("grep -E '^(Uid|CapEff|NoNewPrivs|Groups)' /proc/{agent}/status; id -u coord-agent"));
    let user = status.lines().last().unwrap().to_owned();
    assert!(user != "0" && status.contains(&format!("Uid:\t{user}\t{user}")), "{status}");
    assert!(status.contains("CapEff:\t0000000000000000") && status.contains("NoNewPrivs:\t1"), "{status}");
    wait_for("one clear line", || unraid.log().contains("not configured: run `coord-agent join`").then_some(()));
    // It is respawned, and the helper answers the agent's user and nobody else.
    unraid.sh(&format!("kill -9 {agent}"));
    let next = wait_for("another agent", || unraid.process("agent").filter(|next| *next != agent));
    let ask = |user: &str| unraid.sh(&format!("cd /; su -s /bin/sh {user} -c 'coord-agent check -o json'"));
    assert!(ask("coord-agent").contains("\"helper\": \"present\""), "{}", unraid.log());
    let stranger = ask("nobody");
    assert!(stranger.contains("\"helper\": \"missing\""), "{stranger}");
    // A supervisor that is killed leaves an agent behind; there is never a second one.
    let supervisor = unraid.process("supervisor").unwrap();
    unraid.sh(&format!("kill -9 {supervisor}"));
    wait_for("the supervisor to be gone", || unraid.process("supervisor").is_none().then_some(()));
    assert!(unraid.sh("/etc/rc.d/rc.coord-agent status").contains("does not run"));
    assert!(unraid.sh("/usr/local/emhttp/plugins/coord-agent/event/disks_mounted disks_mounted").is_empty());
    wait_for("one other agent", || unraid.process("agent").filter(|last| *last != next));
    let agents = unraid.ours().iter().filter(|own| own.ends_with("/coord-agent")).count();
    assert!(agents <= 2, "an agent and its child: {:?}", unraid.ours());
    two_copies(&unraid);
    the_status_is_cached(&unraid);
    stop(&unraid);
}

/// The page's status is asked as the agent's user, and not anew each time.
fn the_status_is_cached(unraid: &Unraid) {
    let script = "/usr/local/emhttp/plugins/coord-agent/scripts/status";
    let first: serde_json::Value = serde_json::from_str(&unraid.sh(script)).unwrap();
    assert_eq!(first.pointer("/report/agent/facts/user").unwrap(), "coord-agent");
    assert!(first["problems"].is_array());
    let second: serde_json::Value = serde_json::from_str(&unraid.sh(script)).unwrap();
    assert_eq!(first, second, "ages would differ");
    // A clock that went back does not keep it for ever.
    unraid.sh("touch -d 2100-01-01 /run/coord-agent/check.json");
    let third: serde_json::Value = serde_json::from_str(&unraid.sh(script)).unwrap();
    assert_ne!(first, third);
}

fn two_copies(unraid: &Unraid) {
    let supervisor = unraid.process("supervisor").unwrap();
    assert!(unraid.sh("/etc/rc.d/rc.coord-agent start").contains("runs already"));
    assert!(unraid.sh("coord-helper supervise").contains("coord-agent runs already"));
    assert_eq!(unraid.process("supervisor"), Some(supervisor));
}

fn stop(unraid: &Unraid) {
    assert_eq!(unraid.sh("/etc/rc.d/rc.coord-agent stop"), "coord-agent: stopped");
    gone(unraid);
    assert!(!unraid.place("/run/coord-helper.sock").exists());
    let check = unraid.sh("cd /; su -s /bin/sh coord-agent -c 'coord-agent check -o json'");
    assert!(check.contains("needs coord-helper: /etc/rc.d/rc.coord-agent start"), "{check}");
    let output = unraid.output(&["/etc/rc.d/rc.coord-agent", "status"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_array_can_stop() {
    let home = Home::new();
    let Some(unraid) = running(&home, "the_array_can_stop") else { return };
    let agent = wait_agent(&unraid);
    let busy = "for p in /proc/[0-9]*; do readlink $p/cwd $p/fd/*; done 2>/dev/null | grep '^/mnt'";
    assert_eq!(unraid.sh(busy), "", "something is open below /mnt");
    // Should a child of the agent ever hold something there, the event ends it and leaves the agent alone.
    let hold = "cd /mnt/disk1; su -s /bin/sh coord-agent -c 'exec sleep 1000' >/dev/null 2>&1 &";
    unraid.output(&["sh", "-c", hold]);
    wait_for("a busy disk", || unraid.sh("pgrep -u coord-agent -x sleep").parse::<u32>().ok());
    for event in ["stopping_svcs", "unmounting_disks"] {
        let said = unraid.sh(&format!("/usr/local/emhttp/plugins/coord-agent/event/{event} {event}"));
        assert_eq!(said, "", "emhttpd shows what a hook prints");
    }
    wait_for("a free disk", || unraid.sh("pgrep -u coord-agent -x sleep").is_empty().then_some(()));
    assert_eq!(unraid.process("agent"), Some(agent));
}

/// Joins as the page does: the token on standard input.
fn join(unraid: &Unraid, token: &Path) -> String {
    let mut command = unraid.command(&["/usr/local/emhttp/plugins/coord-agent/scripts/join"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(token).unwrap()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn it_joins_survives_boots_and_updates_and_goes_without_the_coordinator() {
    let home = Home::new();
    let name = "it_joins_survives_boots_and_updates_and_goes_without_the_coordinator";
    let Some(unraid) = running(&home, name) else { return };
    let mut lab = Lab::start();
    let said = join(&unraid, &lab.token_file("tower"));
    assert!(said.contains("service       coord-agent started and enabled"), "{said}");
    let first = lab.wait_reported("tower");
    let kept = home.plugins().join("coord-agent/state/identity.json");
    wait_for("the identity on the stick", || kept.exists().then_some(()));
    assert_eq!(fs::read_to_string(home.plugins().join("coord-agent/.gitignore")).unwrap(), "state\n");
    // A power cut; a clock that was wrong while the stick was written; no network to fetch anything.
    drop(unraid);
    lab.wait_node("tower", "to be missed", |node| matches!(node.health, Health::Silent | Health::Lost));
    for entry in
        fs::read_dir(home.plugins().join("coord-agent")).unwrap().chain(fs::read_dir(kept.parent().unwrap()).unwrap())
    {
        let wrong = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(4_000_000_000);
        fs::File::open(entry.unwrap().path()).unwrap().set_modified(wrong).unwrap();
    }
    let unraid = home.boot().unwrap();
    unraid.install(&home.plugins().join("coord-agent.plg")).unwrap();
    // Plugins come before emhttpd, and only that says which machine this is.
    wait_for("the wait", || unraid.log().contains("waits until the machine is known").then_some(()));
    assert_eq!(unraid.process("agent"), None);
    unraid.known("STARTED");
    wait_agent(&unraid);
    let again = lab.wait_node("tower", "to be back", |node| matches!(node.health, Health::Ready | Health::Degraded));
    assert_eq!(again.id, first.id);
    update(&home, &unraid);
    lab.stop_coordinator();
    removal(&home, &unraid);
}

fn update(home: &Home, unraid: &Unraid) {
    let before = unraid.process("agent");
    home.release("0.1.1", 1_700_086_400);
    unraid.install(&home.definition).unwrap();
    let after = wait_agent(unraid);
    assert_ne!(before, Some(after));
    assert!(!unraid.log().contains("runs already"), "{}", unraid.log());
    assert_eq!(home.left(), [".gitignore", "coord-agent-0.1.1-x86_64-1.txz", "state"]);
}

/// Nothing runs and nothing lies about but what the owner typed.
fn removal(home: &Home, unraid: &Unraid) {
    fs::write(home.plugins().join("coord-agent/coord-agent.cfg"), "NODE_NAME=\"tower\"\n").unwrap();
    let said = unraid.remove().unwrap();
    assert!(said.contains("coordctl node forget tower"), "{said}");
    assert_eq!(unraid.ours(), Vec::<String>::new());
    assert_eq!(home.left(), ["coord-agent.cfg"]);
    let found = unraid.sh("find / /usr/local -xdev -path /boot -prune -o -name '*coord-*' -print");
    assert_eq!(found, "", "left behind");
    assert_eq!(unraid.sh("grep coord-agent /etc/passwd /etc/group"), "");
    // Once more, as somebody does who tries whether that helps.
    fs::create_dir_all(home.plugins().join("coord-agent")).unwrap();
    home.release(VERSION, 1_700_000_000);
    unraid.install(&home.definition).unwrap();
    wait_agent(unraid);
    assert!(unraid.sh("/etc/rc.d/rc.coord-agent setting NODE_NAME").contains("tower"));
}

#[test]
fn settings_are_never_run_and_damage_costs_itself() {
    let home = Home::new();
    let Some(unraid) = running(&home, "settings_are_never_run_and_damage_costs_itself") else { return };
    let settings = home.plugins().join("coord-agent/coord-agent.cfg");
    let setting = |text: &str| {
        fs::write(&settings, text).unwrap();
        unraid.sh("/etc/rc.d/rc.coord-agent setting NODE_NAME; ls /pwned 2>/dev/null")
    };
    assert_eq!(setting("NODE_NAME=\"tower\"\r\n"), "tower");
    assert_eq!(setting("NODE_NAME=\"\"\n"), "");
    assert_eq!(setting("SERVICE=\"enable\"\n"), "", "the default");
    for hostile in ["$(touch /pwned)", "`touch /pwned`", "a\"; touch /pwned; \"", "a' b", "a\\nb"] {
        let said = setting(&format!("NODE_NAME=\"{hostile}\"\n"));
        assert!(said.contains("characters that it cannot have") && !said.contains("/pwned"), "{hostile}: {said}");
    }
    assert!(unraid.sh("/etc/rc.d/rc.coord-agent disable").contains("stopped"));
    gone(&unraid);
    assert!(fs::read_to_string(&settings).unwrap().contains("SERVICE=\"disable\""));
    assert!(unraid.sh("/etc/rc.d/rc.coord-agent start").contains("switched off in its settings"));
    // A configuration that makes no sense: the agent runs on its defaults.
    fs::write(home.plugins().join("coord-agent/agent.yaml"), "coordinatorz: [\n").unwrap();
    unraid.sh("/etc/rc.d/rc.coord-agent enable");
    wait_agent(&unraid);
    // A package that was damaged on the stick is not unpacked.
    let package = home.plugins().join(format!("coord-agent/coord-agent-{VERSION}-x86_64-1.txz"));
    fs::write(&package, "torn").unwrap();
    assert!(unraid.install(&home.definition).unwrap_err().contains("bad file SHA256"));
    assert!(unraid.process("agent").is_some());
}
