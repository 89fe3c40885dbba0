//! Power cuts: the machine is ended at once while its node enrols, and while it renews its certificate, on a disk that keeps
//! what was flushed to it. Each time the node gets in again.

use std::{fs, path::Path};

use coord_model::{Health, NodeDetail};
use coord_tests::{
    lab::wait_within,
    virtual_machine::{VirtualMachine, own_disk, put_programs},
};

use crate::house::{PATIENCE, put_units};

/// A certificate is renewed after half a minute.
const COORDINATOR: &str = "heartbeat: 1s\nreconnectCap: 1s\nlostAfter: 60s\nadvertise: ['127.0.0.1:7443']\n\
                           clock: assume-synchronised\nlifetimes:\n  certificate: 1m\n";
/// Programs, units and settings, on the disk for good.
const INSTALL: &str = r#"
set -e
install -m 0755 /host/coord-agent /host/coord-helper /host/coordinator /host/coordctl /usr/bin/
install -m 0644 /host/systemd/*.service /host/systemd/*.socket /etc/systemd/system/
install -D -m 0644 /host/systemd/coord-agent.sysusers /usr/lib/sysusers.d/coord-agent.conf
install -D -m 0644 /host/systemd/coordinator.sysusers /usr/lib/sysusers.d/coordinator.conf
systemd-sysusers
install -d -o coord-agent -g coord-agent -m 0700 /var/lib/coord-agent
install -D -m 0644 /host/coordinator.yaml /etc/coord/coordinator.yaml
systemctl daemon-reload
systemctl enable -q --now coordinator
sync
"#;
/// Joins beside what follows.
const JOIN: &str = "coordctl token create --node machine >/run/token\ncoord-agent join </run/token >/dev/null 2>&1 &\n";
/// Joins, unless the node is in already: with 3 something is wrong with the machine and nothing with the node.
const RETURN: &str = "until coordctl get tokens >/dev/null 2>&1; do :; done\n\
                      [ -e /var/lib/coord-agent/identity.json ] && exit\n\
                      coordctl token create --node machine | coord-agent join; [ $? -eq 0 ] || [ $? -eq 3 ]";
/// As a machine that was never in, whatever the coordinator has.
const LEAVE: &str = "coord-agent leave; coordctl node forget machine; sync";
/// Moments of an enrolment: it has begun, its first file is there, its identity is there.
const ENROLMENTS: [&str; 3] = [
    "until pidof coord-agent; do :; done",
    "until [ -n \"$(ls -A /var/lib/coord-agent)\" ]; do :; done",
    "until [ -e /var/lib/coord-agent/identity.json ]; do :; done",
];
/// Moments of a renewal: its first file is there, its identity was exchanged.
const RENEWALS: [&str; 2] = [
    "cd /var/lib/coord-agent; was=$(stat -c %i identity.json); \
     until [ -e identity.json.new ] || [ \"$(stat -c %i identity.json)\" != \"$was\" ]; do :; done",
    "cd /var/lib/coord-agent; was=$(stat -c %i identity.json); \
     until [ \"$(stat -c %i identity.json 2>/dev/null)\" != \"$was\" ]; do :; done",
];

pub(crate) fn a_power_cut_while_it_enrols_or_renews_shuts_nobody_out() {
    let shared = tempfile::tempdir().unwrap();
    put_programs(shared.path()).unwrap();
    put_units(&shared.path().join("systemd")).unwrap();
    fs::write(shared.path().join("coordinator.yaml"), COORDINATOR).unwrap();
    let disk = own_disk(shared.path()).unwrap();
    let mut machine = boot(shared.path(), &disk);
    machine.told(INSTALL);
    for moment in ENROLMENTS {
        let _ = machine.run(LEAVE);
        machine = cut(machine, &format!("{JOIN}{moment}"), shared.path(), &disk);
        machine.told(RETURN);
        heard(&machine, moment);
    }
    for moment in RENEWALS {
        machine = cut(machine, moment, shared.path(), &disk);
        heard(&machine, moment);
    }
}

fn boot(shared: &Path, disk: &Path) -> VirtualMachine {
    VirtualMachine::boot_on(shared, disk).unwrap()
}

/// Waits for the moment, cuts the power, and starts the machine anew.
fn cut(machine: VirtualMachine, moment: &str, shared: &Path, disk: &Path) -> VirtualMachine {
    machine.told(moment);
    drop(machine);
    boot(shared, disk)
}

fn heard(machine: &VirtualMachine, moment: &str) {
    let good = |detail: &NodeDetail| matches!(detail.node.health, Health::Ready | Health::Degraded);
    wait_within(PATIENCE, &format!("the node to be heard after a power cut at: {moment}"), || {
        let answer = machine.run("coordctl -o json describe node machine");
        serde_json::from_str(&answer.output).ok().filter(good)
    });
}
