//! What agent and coordinator say to each other on the session stream.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{AnySection, SectionKind, words::words};

/// The protocol that this version speaks. One apart works (DESIGN section 11).
pub const PROTOCOL: u32 = 1;

/// What a machine shows of itself. Evidence, never identity: a node is its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MachineEvidence {
    /// `/etc/machine-id`, or the flash GUID on Unraid; empty where there is none.
    pub machine_id: String,
    /// The DMI product UUID; empty where it cannot be read.
    pub dmi_uuid: String,
    /// MAC addresses of the physical or paravirtual interfaces.
    pub macs: Vec<String>,
    /// The host name.
    pub host_name: String,
}

/// The agent's first message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The newest protocol that the agent speaks.
    pub protocol: u32,
    /// Names of optional abilities.
    pub features: Vec<String>,
    /// The agent's version.
    pub version: String,
    /// What the machine shows of itself.
    pub evidence: MachineEvidence,
    /// The kernel's boot id.
    pub boot_id: String,
    /// Drawn at random when the agent's process started: tells a clone from a reconnect.
    pub process_number: u64,
    /// The newest command generation that the agent has seen; zero for none.
    pub newest_generation: u64,
    /// The newest epoch that the agent has seen; zero for none.
    pub newest_epoch: u64,
}

/// The coordinator's answer to Hello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Welcome {
    /// The protocol of this session: the smaller of the two.
    pub protocol: u32,
    /// Names of optional abilities.
    pub features: Vec<String>,
    /// The coordinator's version.
    pub version: String,
    /// Which coordinator this is; made with its data folder.
    pub instance: String,
    /// Raised by a restore; agents obey no older one.
    pub epoch: u64,
    /// The node's name as the coordinator knows it.
    pub name: String,
    /// Whether the node waits for `coordctl node approve`.
    pub pending: bool,
    /// How often the agent says that it lives.
    pub heartbeat: Duration,
    /// How often slow facts are read again.
    pub facts: Duration,
    /// The longest wait before a reconnect.
    pub reconnect_cap: Duration,
    /// Where coordinators listen, best first; remembered by the agent.
    pub coordinators: Vec<String>,
}

/// A network file system that the cluster file declares for a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedMount {
    /// Its name in the cluster file.
    pub name: String,
    /// Where it must be mounted.
    pub path: String,
    /// The server's name or address; empty for any.
    pub server: String,
    /// The exported folder; empty for any.
    pub export: String,
    /// Whether it must be writable.
    pub writable: bool,
    /// A file below `path` that is there only when the right thing is mounted; empty for none.
    pub sentinel: String,
    /// Mounted by the kubelet only while a pod runs: any superblock of that server and export counts, at any path.
    pub volume: bool,
}

/// What the coordinator expects to be true on a node; replaced whole, kept while disconnected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Expect {
    /// Network file systems that must be mounted.
    pub mounts: Vec<ExpectedMount>,
    /// Containers whose state is reported.
    pub containers: Vec<String>,
    /// The cluster's virtual address; empty where none is declared.
    pub virtual_address: String,
}

words! {
    /// Something that is measured on demand only, because it costs time or writes.
    pub enum Measure {
        /// fdatasync of the file system below k3s's data, as etcd would feel it. Writes up to 22 MiB.
        DiskLatency = 1 => "disk-latency",
        /// Largest packet to the coordinator.
        PathMtu = 2 => "path-mtu",
        /// How busy the video engines are; wakes nothing.
        GpuBusy = 3 => "gpu-busy",
    }
}

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandAction {
    /// Read these sections now and send them; all when empty.
    Refresh {
        /// Which ones.
        sections: Vec<SectionKind>,
        /// What is measured for it; an agent that does not know a measure leaves it out.
        measures: Vec<Measure>,
    },
    /// Something that only a newer version knows.
    Unrecognised(u32),
}

/// One order to one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Names the work: the same key again is the same work.
    pub key: String,
    /// Grows with each command of a node; an agent refuses older ones.
    pub generation: u64,
    /// The coordinator's epoch when it gave the command.
    pub epoch: u64,
    /// How long the agent may take, from when it receives the command.
    pub deadline: Duration,
    /// What to do.
    pub action: CommandAction,
}

words! {
    /// How a command ended.
    pub enum OutcomeResult {
        /// It was done.
        Done = 1 => "done",
        /// It was tried and failed.
        Failed = 2 => "failed",
        /// This agent does not know such commands, or reads a recorded host.
        Unsupported = 3 => "unsupported",
        /// Its generation or epoch was older than what the agent has seen.
        Stale = 4 => "stale",
        /// Its deadline passed.
        TimedOut = 5 => "timed-out",
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The command's key.
    pub key: String,
    /// The command's generation.
    pub generation: u64,
    /// How it ended.
    pub result: OutcomeResult,
    /// One sentence; may be empty.
    pub message: String,
}

words! {
    /// Why the coordinator ends a stream.
    pub enum EndReason {
        /// The identity was revoked.
        Revoked = 1 => "revoked",
        /// A newer session of the same process took over.
        Replaced = 2 => "replaced",
        /// The coordinator stops.
        Stopping = 3 => "stopping",
        /// More than 64 commands waited.
        TooSlow = 4 => "too-slow",
        /// Nothing was heard for three intervals.
        Silent = 5 => "silent",
        /// The certificate ran out.
        CertificateExpired = 6 => "certificate-expired",
        /// The peer broke the rules of the conversation.
        Misbehaved = 7 => "misbehaved",
    }
}

/// A section, or a field of a message, that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which section.
    pub section: SectionKind,
    /// Path of the field, for instance `devices[2].address`; empty for the whole.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// From agent to coordinator.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentMessage {
    /// First of all.
    Hello(Hello),
    /// Sections that changed, or all of them after a connect.
    Sections {
        /// Grows by one with each such message of a session.
        sequence: u64,
        /// Whether these are all sections that the agent has.
        whole: bool,
        /// What was read.
        sections: Vec<AnySection>,
        /// Sections that could not be decoded. Never sent; filled by the border when it reads.
        refused: Vec<Refusal>,
        /// How many sections only a newer version knows. Never sent; filled by the border.
        unknown: u32,
    },
    /// I live.
    Heartbeat {
        /// Grows by one.
        number: u64,
    },
    /// What became of a command.
    Outcome(Outcome),
    /// Something that only a newer version says.
    Unrecognised,
}

/// From coordinator to agent.
#[derive(Clone, Debug, PartialEq)]
pub enum CoordinatorMessage {
    /// First of all.
    Welcome(Welcome),
    /// What must be true.
    Expect(Expect),
    /// Do this.
    Command(Command),
    /// I heard your heartbeat.
    HeartbeatHeard {
        /// Its number.
        number: u64,
    },
    /// A message of sections was taken in.
    SectionsHeard {
        /// Its sequence number.
        sequence: u64,
    },
    /// One section could not be used.
    SectionRefused(Refusal),
    /// An outcome was stored.
    OutcomeHeard {
        /// The command's key.
        key: String,
    },
    /// The stream ends now.
    End {
        /// Why.
        reason: EndReason,
        /// The same for people.
        message: String,
    },
    /// Something that only a newer version says.
    Unrecognised,
}
