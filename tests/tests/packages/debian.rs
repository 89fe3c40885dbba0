//! The life of the Debian packages on a machine: installed, joined, hung, upgraded, damaged, removed, purged.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Instant,
};

use coord_tests::{lab::wait_for, machine::Machine, skip::skipped};
use serde_json::Value;

use crate::{file, shell};

const IDENTITY: &str = "/var/lib/coord-agent/identity.json";
/// Nothing of the machine is beyond loopback, so the coordinator has to say where it is.
const COORDINATOR: &str = "advertise: ['127.0.0.1:7443']\nheartbeat: 1s\nreconnectCap: 1s\n";

#[test]
fn packages_live_and_leave_on_a_real_systemd() {
    let machine = match Machine::boot() {
        Ok(machine) => machine,
        Err(reason) => return skipped("packages_live_and_leave_on_a_real_systemd", &reason),
    };
    for name in ["coord-agent", "coordinator", "coordctl"] {
        machine.copy(&file(&format!("{name}_*_amd64.deb")), &format!("/root/{name}.deb"));
    }
    let _keep = newer(&machine);
    installing_leaves_nothing_failed(&machine);
    joining_is_one_line(&machine);
    the_journal_has_fields(&machine);
    the_helper_refuses(&machine);
    an_agent_that_hangs_returns(&machine);
    an_upgrade_keeps_identity_and_restarts_once(&machine);
    a_full_disk_keeps_the_old_version(&machine);
    bad_settings_stop_nobody(&machine);
    a_second_copy_is_told(&machine);
    a_removal_keeps_what_a_return_needs(&machine);
    a_read_only_system_is_refused(&machine);
    a_purge_leaves_nothing(&machine);
}

/// The same package with a higher version, as a release would bring it.
fn newer(machine: &Machine) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("newer.deb");
    let script = "dpkg-deb -R \"$1\" \"$2/tree\" && sed -i 's/^Version: .*/Version: 999.0.0/' \"$2/tree/DEBIAN/control\" \
                  && dpkg-deb --root-owner-group -b \"$2/tree\" \"$3\"";
    shell(script, &[&file("coord-agent_*_amd64.deb"), folder.path(), &built]);
    machine.copy(&built, "/root/newer.deb");
    folder
}

fn dpkg(machine: &Machine, words: &[&str]) -> String {
    let noninteractive = ["env", "DEBIAN_FRONTEND=noninteractive", "dpkg"];
    machine.run(&[&noninteractive[..], words].concat())
}

fn installing_leaves_nothing_failed(machine: &Machine) {
    let began = Instant::now();
    machine.write("/etc/coord/coordinator.yaml", COORDINATOR);
    dpkg(machine, &["-i", "--force-confold", "/root/coordinator.deb", "/root/coordctl.deb", "/root/coord-agent.deb"]);
    for unit in ["coordinator.service", "coord-agent.service", "coord-helper.socket"] {
        assert_eq!(machine.run(&["systemctl", "is-active", unit]).trim(), "active", "{unit}");
        assert_eq!(machine.run(&["systemctl", "is-enabled", unit]).trim(), "enabled", "{unit}");
    }
    assert_eq!(machine.run(&["systemctl", "list-units", "--failed", "--no-legend", "coord*"]), "");
    for page in ["coord-agent.8", "coord-helper.8", "coordinator.8"] {
        assert!(machine.place(&format!("/usr/share/man/man8/{page}.gz")).exists(), "{page}");
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

fn joining_is_one_line(machine: &Machine) {
    let began = Instant::now();
    machine.run(&["sh", "-c", "coordctl token create --node here | coord-agent join"]);
    assert_eq!(node(machine)["name"], "here");
    wait_for("the node in the overview", || Some(node(machine)).filter(heard));
    assert!(began.elapsed().as_secs() <= 10, "the first report took {:?}", began.elapsed());
}

/// The only node of `coordctl status`.
fn node(machine: &Machine) -> Value {
    let output = machine.output(&["coordctl", "status", "-o", "json"]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    status["nodes"][0].clone()
}

fn heard(node: &Value) -> bool {
    !matches!(node["health"].as_str(), None | Some("unknown" | "silent" | "lost"))
}

fn the_journal_has_fields(machine: &Machine) {
    let text = machine.run(&["journalctl", "-u", "coord-agent", "-o", "json", "--no-pager"]);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let connected = lines.iter().find(|line| line["MESSAGE"] == "connected").expect("a line about the connection");
    assert_eq!((&connected["F_NAME"], &connected["PRIORITY"]), (&"here".into(), &"5".into()), "{connected}");
}

fn the_helper_refuses(machine: &Machine) {
    let mut stream = UnixStream::connect(machine.place("/run/coord-helper.sock")).unwrap();
    stream.write_all(b"{\"verb\":\"reboot\"}\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("{\"refused\":"), "{reply}");
    let stranger = machine.output(&["runuser", "-u", "nobody", "--", "coord-agent", "check", "-o", "json"]);
    assert!(String::from_utf8_lossy(&stranger.stdout).contains("Permission denied"));
}

fn process(machine: &Machine) -> String {
    machine.run(&["systemctl", "show", "-P", "MainPID", "coord-agent"]).trim().to_owned()
}

fn an_agent_that_hangs_returns(machine: &Machine) {
    let before = process(machine);
    machine
        .write("/run/systemd/system/coord-agent.service.d/hasty.conf", "[Service]\nWatchdogSec=2\nTimeoutStopSec=1\n");
    machine.run(&["systemctl", "daemon-reload"]);
    machine.run(&["systemctl", "restart", "coord-agent"]);
    let hung = process(machine);
    assert_ne!(before, hung);
    machine.run(&["kill", "-STOP", &hung]);
    wait_for("another agent", || (![hung.as_str(), "0"].contains(&process(machine).as_str())).then_some(()));
    wait_for("it to be heard", || heard(&node(machine)).then_some(()));
    machine.run(&["rm", "-r", "/run/systemd/system/coord-agent.service.d"]);
    machine.run(&["systemctl", "daemon-reload"]);
}

fn key(machine: &Machine) -> Value {
    let text = fs::read_to_string(machine.place(IDENTITY)).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["key"].clone()
}

fn starts(machine: &Machine) -> usize {
    let log = machine.run(&["journalctl", "-u", "coord-agent", "-o", "cat", "--no-pager"]);
    log.matches("Started coord-agent.service").count()
}

fn an_upgrade_keeps_identity_and_restarts_once(machine: &Machine) {
    let (before, count, old) = (key(machine), starts(machine), process(machine));
    assert!(!before.is_null());
    machine.write("/etc/coord/agent.yaml", "name: here\n");
    for package in ["/root/newer.deb", "/root/coord-agent.deb"] {
        dpkg(machine, &["-i", "--force-confold", "--force-downgrade", package]);
    }
    wait_for("two starts more", || (starts(machine) == count + 2).then_some(()));
    assert_ne!(process(machine), old);
    assert_eq!(key(machine), before);
    assert_eq!(fs::read_to_string(machine.place("/etc/coord/agent.yaml")).unwrap(), "name: here\n");
    wait_for("it to be heard", || heard(&node(machine)).then_some(()));
    machine.run(&["systemctl", "disable", "-q", "--now", "coord-helper.socket"]);
    dpkg(machine, &["-i", "--force-confold", "/root/newer.deb"]);
    let enabled = machine.output(&["systemctl", "is-enabled", "coord-helper.socket"]);
    assert_eq!(String::from_utf8_lossy(&enabled.stdout).trim(), "disabled", "an upgrade has turned it on");
    machine.run(&["systemctl", "enable", "-q", "--now", "coord-helper.socket"]);
}

/// The folder of one file of the package is full; dpkg gives up, and what ran goes on.
fn a_full_disk_keeps_the_old_version(machine: &Machine) {
    let version = || machine.run(&["dpkg-query", "-W", "-f", "${Version} ${Status}", "coord-agent"]);
    let before = version();
    let fill = "cp -a /usr/lib/sysusers.d /run/kept && mount -t tmpfs -o size=64k full /usr/lib/sysusers.d \
                && cp -a /run/kept/. /usr/lib/sysusers.d && cat /dev/zero >/usr/lib/sysusers.d/fill";
    let _ = machine.output(&["sh", "-c", fill]);
    let output = machine.output(&["dpkg", "-i", "--force-confold", "--force-downgrade", "/root/coord-agent.deb"]);
    assert!(!output.status.success(), "there was room");
    machine.run(&["umount", "/usr/lib/sysusers.d"]);
    assert_eq!(version(), before);
    wait_for("it to be heard", || heard(&node(machine)).then_some(()));
}

fn bad_settings_stop_nobody(machine: &Machine) {
    machine.write("/etc/coord/agent.yaml", "name: here\nfromTheFuture: [1\n");
    dpkg(machine, &["-i", "--force-confold", "--force-downgrade", "/root/coord-agent.deb"]);
    let why = wait_for("the coordinator to know", || {
        let why = machine.output(&["coordctl", "why", "here"]);
        Some(String::from_utf8_lossy(&why.stdout).into_owned()).filter(|why| why.contains("config-invalid"))
    });
    assert!(why.contains("agent.yaml:2") || why.contains("agent.yaml:3"), "{why}");
    machine.write("/etc/coord/agent.yaml", "name: here\n");
}

/// Two agents with one identity push each other out; the coordinator says so, and the one that is left is heard.
fn a_second_copy_is_told(machine: &Machine) {
    machine.run(&["systemd-run", "-q", "--unit=second", "--uid=coord-agent", "coord-agent", "run"]);
    wait_for("the coordinator to know", || {
        let why = machine.output(&["coordctl", "why", "here"]);
        String::from_utf8_lossy(&why.stdout).contains("cloned-identity").then_some(())
    });
    machine.run(&["systemctl", "stop", "second"]);
    // When the copy is gone, a person says so.
    machine.run(&["coordctl", "node", "approve", "here"]);
    wait_for("it to be heard", || heard(&node(machine)).then_some(()));
}

fn a_removal_keeps_what_a_return_needs(machine: &Machine) {
    let before = key(machine);
    dpkg(machine, &["-r", "coord-agent"]);
    assert!(!running(machine).contains("coord-agent"), "{}", running(machine));
    assert!(machine.place("/etc/coord/agent.yaml").exists());
    assert_eq!(key(machine), before);
    dpkg(machine, &["-i", "--force-confold", "/root/coord-agent.deb"]);
    assert_eq!(machine.run(&["systemctl", "is-enabled", "coord-agent"]).trim(), "enabled");
    wait_for("it to be heard", || heard(&node(machine)).then_some(()));
}

fn running(machine: &Machine) -> String {
    machine.run(&["ps", "-eo", "comm"])
}

fn a_read_only_system_is_refused(machine: &Machine) {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../packaging/install.sh");
    machine.copy(&script, "/root/install.sh");
    let read_only = "mount --bind /usr /usr && mount -o remount,bind,ro /usr && exec sh /root/install.sh coord-agent";
    let output = machine.output(&["unshare", "-m", "sh", "-c", read_only]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("/usr is read-only"), "{said}");
}

fn a_purge_leaves_nothing(machine: &Machine) {
    dpkg(machine, &["-P", "coord-agent", "coordctl", "coordinator"]);
    let left = "find / -xdev \\( -path /proc -o -path /sys -o -path /root -o -path /var/log/journal -o -path /run/log \\
                -o -path /tmp \\) -prune -o -name '*coord*' -print";
    let left = machine.run(&["sh", "-c", left]);
    assert_eq!(left.trim(), "", "a purge leaves files");
    assert!(!running(machine).contains("coord"), "{}", running(machine));
    assert_eq!(machine.run(&["systemctl", "list-units", "--all", "--no-legend", "coord*"]), "");
    let users = fs::read_to_string(machine.place("/etc/passwd")).unwrap();
    assert!(users.contains("coord-agent"), "the user stays, as Debian has it");
}
