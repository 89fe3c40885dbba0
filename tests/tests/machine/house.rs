//! A machine that runs a coordinator, the agent and its helper as their units say, and exports a folder to itself.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use coord_model::{EventRow, List, NodeDetail, section::Mount};
use coord_tests::{
    lab::wait_within,
    virtual_machine::{VirtualMachine, put_programs},
};

/// Everything is emulated: what takes a second on iron takes some here. The kernel's NFS client by itself waits up to a
/// minute before it connects again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// Figures that move by themselves come rarely, so that what arrives earlier was seen by an event.
const COORDINATOR: &str =
    "heartbeat: 5s\nfacts: 10m\nreconnectCap: 1s\nlostAfter: 60s\nadvertise: ['127.0.0.1:7443']\n";

/// Installs the programs and their units, makes an NFS server and starts everything.
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
systemctl enable -q --now coord-helper.socket
systemctl start coordinator
mkdir -p /srv/export /mnt/four /mnt/three
echo '/srv/export 127.0.0.1(rw,no_subtree_check,no_root_squash,fsid=1)' >/etc/exports
exportfs -ra
mount -t nfs -o vers=4.2 127.0.0.1:/srv/export /mnt/four
mount -t nfs -o vers=3,nolock 127.0.0.1:/srv/export /mnt/three
fallocate -l 160M /root/disk
mkfs.ext4 -q /root/disk
mkdir /mnt/disk
mount -o loop /root/disk /mnt/disk
coordctl token create --node machine | coord-agent join
"#;

/// Where the two NFS mounts are.
pub(crate) const MOUNTS: [&str; 2] = ["/mnt/four", "/mnt/three"];

/// The machine with all that runs on it.
pub(crate) struct House {
    /// Declared first, so that it has ended before the folder is removed.
    pub(crate) machine: VirtualMachine,
    _shared: tempfile::TempDir,
}

impl House {
    /// Starts the machine and everything on it.
    pub(crate) fn build() -> Result<Self, String> {
        let shared = tempfile::tempdir().map_err(|error| error.to_string())?;
        put_programs(shared.path())?;
        put_units(&shared.path().join("systemd")).map_err(|error| format!("systemd/: {error}"))?;
        fs::write(shared.path().join("coordinator.yaml"), COORDINATOR).map_err(|error| error.to_string())?;
        let house = Self { machine: VirtualMachine::boot(shared.path())?, _shared: shared };
        let installed = house.machine.run(INSTALL);
        // 3: it is in, and something is wrong with the machine.
        if !matches!(installed.code, 0 | 3) {
            return Err(format!("{}{}{}", installed.output, installed.error, house.logs()));
        }
        house.wait("the first report", |detail| mounts(detail).len() >= MOUNTS.len());
        Ok(house)
    }

    /// What the coordinator knows of it.
    pub(crate) fn detail(&self) -> Option<NodeDetail> {
        let answer = self.machine.run("coordctl -o json describe node machine");
        serde_json::from_str(&answer.output).ok()
    }

    /// Waits until what is known is `good`.
    pub(crate) fn wait(&self, what: &str, good: impl Fn(&NodeDetail) -> bool) -> NodeDetail {
        wait_within(PATIENCE, what, || self.detail().filter(&good))
    }

    /// Lets the agent read everything again, and says how long that took.
    pub(crate) fn refresh(&self) -> Duration {
        let began = Instant::now();
        let answer = self.machine.run("coordctl check --node machine");
        assert!(matches!(answer.code, 0 | 3), "{}{}", answer.output, answer.error);
        began.elapsed()
    }

    /// How many sessions have begun so far, and how often the agent was missed.
    pub(crate) fn sessions(&self) -> (u64, u64) {
        let text = self.machine.told("coordctl -o json get events machine");
        let events = serde_json::from_str::<List<EventRow>>(&text).unwrap().items;
        let count = |good: &dyn Fn(&str) -> bool| {
            events.iter().filter(|event| good(&event.message)).map(|event| event.count).sum()
        };
        let missed = |message: &str| message.contains("silent") || message.contains("lost");
        (count(&|message| message.starts_with("session began")), count(&missed))
    }

    /// What the programs said.
    pub(crate) fn logs(&self) -> String {
        let answer = self.machine.run("journalctl --no-pager -n 60 -u coordinator -u coord-agent -u 'coord-helper*'");
        format!("{}\n{}", answer.output, self.machine.console())
    }
}

/// Copies the units of the project.
pub(crate) fn put_units(to: &Path) -> std::io::Result<()> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd");
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The two NFS mounts, in the order of [`MOUNTS`].
pub(crate) fn mounts(detail: &NodeDetail) -> Vec<&Mount> {
    let facts = detail.report.mounts.as_ref().and_then(|section| section.facts.as_ref());
    let rows = facts.and_then(|facts| facts.mounts.as_deref()).unwrap_or_default();
    let at = |place: &str| rows.iter().find(|row| row.paths.iter().flatten().any(|path| path == place));
    MOUNTS.iter().filter_map(|place| at(place)).collect()
}
