//! `answers.json`: what a recorded host answers where a tree of files cannot.
//!
//! An answer is the value, or `{"unknown": {"state": …, "message": …}}`. A call that is not listed has no answer, and
//! asking for it is an error, never a default.

use std::collections::BTreeMap;

use coord_model::{
    Reading, Unknown,
    section::{Certificate, Codecs, DockerContainer, Guest, Snapshot},
};
use serde::{Deserialize, Serialize};

use super::{Folder, Ping};

/// The only schema that this version reads.
pub(crate) const SCHEMA: u32 = 1;

/// One recorded answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Answer<T> {
    /// The call failed.
    Unknown {
        /// How.
        unknown: Unknown,
    },
    /// The call succeeded.
    Value(T),
}

impl<T: Clone> Answer<T> {
    /// As a probe sees it.
    pub(crate) fn reading(&self) -> Reading<T> {
        match self {
            Self::Unknown { unknown } => Err(unknown.clone()),
            Self::Value(value) => Ok(value.clone()),
        }
    }
}

impl<T> From<Reading<T>> for Answer<T> {
    fn from(reading: Reading<T>) -> Self {
        match reading {
            Ok(value) => Self::Value(value),
            Err(unknown) => Self::Unknown { unknown },
        }
    }
}

/// Answers by path or address.
pub(crate) type Table<T> = BTreeMap<String, Answer<T>>;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Answers {
    /// Always [`SCHEMA`].
    pub(crate) schema: u32,
    /// The user that the agent ran as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<Answer<User>>,
    /// uname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kernel: Option<Answer<Kernel>>,
    /// adjtimex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clock: Option<Answer<Clock>>,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wall: Option<Answer<f64>>,
    /// Boots and clean stops in wtmp, oldest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boots: Option<Answer<Vec<BootRecord>>>,
    /// tailscaled's local API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tailscale: Option<Answer<Tailscale>>,
    /// The largest packet by address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) path_mtu: Table<u32>,
    /// getifaddrs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) addresses: Option<Answer<BTreeMap<String, Vec<String>>>>,
    /// Reads that failed otherwise than by absence, by path: a tree cannot hold a refusal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) refused: BTreeMap<String, Refused>,
    /// statvfs by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) space: Table<Space>,
    /// stat by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) node: Table<Node>,
    /// faccessat by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) access: Table<Access>,
    /// Plain HTTP by address and path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) http: Table<HttpAnswer>,
    /// HTTPS by address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) https: Table<TlsAnswer>,
    /// Sample lines of etcd's metrics by address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metrics: Table<Vec<String>>,
    /// Unix sockets by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) sockets: Table<bool>,
    /// fdatasync of the file system below k3s' data; recorded where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sync_latency: Option<Answer<SyncLatency>>,
    /// File servers by `ADDRESS:PORT/VERSION`, or `/smb`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) pings: Table<Ping>,
    /// What lies below a folder, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) folders: Table<Folder>,
    /// `k3s --version`, the version alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) k3s_version: Option<Answer<String>>,
    /// What the root helper of that host answered; absent where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) helper: Option<HelperAnswers>,
}

/// A read that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    /// How.
    pub(crate) unknown: Unknown,
}

/// statvfs(3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Space {
    pub(crate) size_bytes: u64,
    /// Free for root.
    pub(crate) free_bytes: u64,
    /// Free for everybody.
    pub(crate) available_bytes: u64,
    /// Zero on file systems that make inodes as needed.
    pub(crate) inodes: u64,
    pub(crate) inodes_free: u64,
    pub(crate) read_only: bool,
    /// How long the answer took, in seconds.
    #[serde(default)]
    pub(crate) seconds: f64,
}

/// stat(2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Node {
    /// `char`, `block`, `file`, `dir`, `socket` or `fifo`.
    pub(crate) kind: String,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) user: u32,
    pub(crate) group: u32,
    /// Of the device that it is, not of the one that it lies on.
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) size: u64,
    /// Since its content changed.
    pub(crate) age_seconds: f64,
}

/// faccessat(2) for reading and writing with the effective ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Access {
    /// `None` where it is allowed, else the name of the errno.
    pub(crate) errno: Option<String>,
}

/// The effective user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) name: String,
    /// Supplementary groups, the primary one included.
    pub(crate) groups: Vec<u32>,
}

/// uname(2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Kernel {
    pub(crate) release: String,
    pub(crate) machine: String,
    pub(crate) host_name: String,
}

/// adjtimex(2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Clock {
    pub(crate) synchronised: bool,
    pub(crate) offset_seconds: f64,
}

/// What fdatasync took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyncLatency {
    /// The folder that was written to.
    pub(crate) path: String,
    /// The 99th percentile.
    pub(crate) seconds: f64,
}

/// One record of wtmp(5) that says something about boots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BootRecord {
    pub(crate) event: BootEvent,
    /// Since then, by the wall clock; negative when the clock was wrong.
    pub(crate) age_seconds: f64,
}

/// What such a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BootEvent {
    /// The system started.
    Boot,
    /// The system was stopped in order.
    CleanStop,
}

/// What tailscaled says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Tailscale {
    /// `Running`, `Stopped`, `NeedsLogin` and so on (ipn.State).
    pub(crate) state: String,
    /// This machine's own.
    pub(crate) addresses: Vec<String>,
    /// Whether its control server sees it.
    pub(crate) online: bool,
}

/// An answer over plain HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    /// At most 4 KiB.
    pub(crate) body: String,
}

/// An answer over TLS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TlsAnswer {
    /// HTTP status of `/readyz`; `None` when the server spoke TLS and nothing more.
    pub(crate) status: Option<u16>,
    /// Until the server's certificate ends; negative when it has.
    pub(crate) certificate_seconds_left: f64,
}

/// What the root helper answered: each part is a value or the reason for none; a part that is missing altogether was
/// not known to that helper's version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct HelperAnswers {
    /// /sys/class/dmi/id/product_uuid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dmi_uuid: Option<Answer<String>>,
    /// Guests of a hypervisor: /etc/pve, /etc/libvirt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) guests: Option<Answer<Vec<Guest>>>,
    /// Waiting requests by device number, from fusectl.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fuse_waiting: Option<Answer<BTreeMap<String, u64>>>,
    /// GPU nodes by path. Only recorded hosts carry it here: a live helper answers the verb `gpu`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gpu: Option<Answer<GpuAnswers>>,
    /// Version of the Docker engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) docker_version: Option<Answer<String>>,
    /// Containers that Coord was told to watch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) containers: Option<Answer<Vec<DockerContainer>>>,
    /// Certificate files of k3s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificates: Option<Answer<Vec<Certificate>>>,
    /// etcd snapshots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snapshots: Option<Answer<Vec<Snapshot>>>,
    /// Programs, by path of the device that they have open: /dev/dri/*, /dev/nvidia*, /dev/ttyUSB*, /dev/ttyACM*.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) open_devices: Option<Answer<BTreeMap<String, Vec<String>>>>,
    /// DRM clients of all processes, from their fdinfo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drm_clients: Option<Answer<Vec<DrmClient>>>,
    /// The same half a second later. Only recorded hosts carry it here: a live helper is asked twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drm_clients_later: Option<Answer<Vec<DrmClient>>>,
    /// What the kernel's log of this boot says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kernel_log: Option<Answer<KernelLog>>,
    /// The firmware's power flags of a Raspberry Pi (`get_throttled`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) throttled: Option<Answer<u32>>,
    /// adjtimex, which the agent's unit may not call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clock: Option<Answer<Clock>>,
}

/// GPU nodes by path.
pub(crate) type GpuAnswers = BTreeMap<String, HelperGpu>;

/// One GPU node as the helper tested it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HelperGpu {
    /// As root of this machine.
    pub(crate) as_root: Answer<Access>,
    /// With only the group that owns the node.
    pub(crate) as_group: Answer<Access>,
    /// The one real open, as that group; absent where it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open: Option<Answer<Access>>,
    /// What the driver says of its codecs; absent where nothing here can ask it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) codecs: Option<Answer<Codecs>>,
}

/// One client of a DRM device, as its fdinfo says (Documentation/gpu/drm-usage-stats.rst).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct DrmClient {
    /// PCI address (`drm-pdev`), else `226:MINOR` of the node that is open.
    pub(crate) device: String,
    /// `drm-client-id`: one client may be open in several processes.
    pub(crate) client: u64,
    /// Name of the program.
    pub(crate) program: String,
    /// Its process number.
    pub(crate) process: u32,
    /// Whether it runs in a pod of Kubernetes, by its cgroup.
    pub(crate) in_pod: bool,
    /// Nanoseconds so far by engine, for instance `video`; from xe cycles, as `cycles-vcs` and `total-cycles-vcs`.
    pub(crate) engines: BTreeMap<String, u64>,
    /// Engines of that class (`drm-engine-capacity-*`), one where nothing is said.
    pub(crate) capacity: BTreeMap<String, u32>,
}

/// Two readings of the clients of all DRM devices.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DrmTwice {
    /// The first.
    pub(crate) before: Vec<DrmClient>,
    /// The second.
    pub(crate) after: Vec<DrmClient>,
    /// Between them.
    pub(crate) seconds: f64,
}

/// What the kernel's log of this boot says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct KernelLog {
    /// RCU stalls, soft lockups and hung tasks.
    pub(crate) stalls: u32,
    /// I/O errors, all devices.
    pub(crate) io_errors: u32,
    /// I/O errors by disk.
    pub(crate) io_errors_by_disk: BTreeMap<String, u64>,
}
