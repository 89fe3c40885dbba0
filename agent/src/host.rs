//! The seam through which every fact is read: this machine, this machine while a tape runs, or a recorded host.
//!
//! Probes know nothing else of the outside, so that a recorded machine is a test of the same code.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use coord_model::{Reading, Unknown};

use crate::latency;

mod address;
mod answers;
mod error;
mod fetch;
#[cfg(test)]
pub(crate) mod fixture;
mod folder;
mod helper_line;
mod k3s_version;
mod kernel_call;
mod live;
mod metrics;
mod path_mtu;
mod ping;
mod recorded;
mod root;
pub(crate) mod rpc;
mod tailscale;
mod tape;
mod tls;
mod unix_socket;
mod wtmp;

pub(crate) use answers::{
    Access, Answer, Answers, BootEvent, BootRecord, Clock, DrmClient, DrmTwice, GpuAnswers, HelperAnswers, HelperGpu,
    HttpAnswer, Kernel, KernelLog, Node, Space, SyncLatency, Tailscale, TlsAnswer, User,
};

pub(crate) use error::{HostError, unknown_io};
pub(crate) use folder::Folder;
pub(crate) use helper_line::{FactsRequest, GpuRequest, HelperLine, LARGEST_REPLY, Reply, Request};
pub(crate) use kernel_call::{clock as kernel_clock, forget_text};

pub(crate) use k3s_version::{BinaryStamp, KnownVersion};
pub(crate) use ping::{Ping, Protocol, Server};
pub(crate) use tape::{Tape, Taped};

/// What says that a fact waits for the root helper, and how it is turned on.
pub(crate) const NEEDS_HELPER: &str = "needs coord-helper: systemctl enable --now coord-helper.socket";

/// Where packages put vainfo.
pub(crate) const VAINFO: [&str; 2] = ["/usr/bin/vainfo", "/usr/local/bin/vainfo"];

/// Where facts are read.
#[derive(Clone)]
pub(crate) enum Host {
    /// This machine, and the way to its root helper.
    Live(Arc<HelperLine>),
    /// This machine, with everything that is read kept on a tape.
    Taped(Arc<Tape>),
    /// A recorded host below a folder.
    Recorded(Arc<recorded::Recording>),
}

impl Host {
    /// This machine.
    pub(crate) fn live(line: HelperLine) -> Self {
        Self::Live(Arc::new(line))
    }

    /// This machine without its root helper.
    #[cfg(test)]
    pub(crate) fn here() -> Self {
        Self::live(HelperLine::new("/nonexistent/coord-helper.sock".into(), FactsRequest::default()))
    }

    /// This machine, with everything that is read kept on `tape`.
    pub(crate) fn taped(tape: Arc<Tape>) -> Self {
        Self::Taped(tape)
    }

    /// The host recorded in `folder`: `folder/root/…` and `folder/answers.json`.
    pub(crate) fn recorded(folder: &Path) -> Result<Self, HostError> {
        recorded::Recording::open(folder).map(|recording| Self::Recorded(Arc::new(recording)))
    }

    /// The recorded host below `folder`, or this machine without one.
    pub(crate) fn below(folder: Option<&Path>, line: &HelperLine) -> Result<Self, HostError> {
        folder.map_or_else(|| Ok(Self::live(line.clone())), Self::recorded)
    }

    /// The folder of the recorded host as it was given; `None` on a live machine.
    pub(crate) fn recorded_from(&self) -> Option<&str> {
        match self {
            Self::Live(_) | Self::Taped(_) => None,
            Self::Recorded(recording) => Some(recording.name()),
        }
    }

    /// The whole file at `path`, up to 1 MiB (mountinfo and mountstats: 16 MiB).
    pub(crate) fn read(&self, path: &str) -> Reading<Vec<u8>> {
        match self {
            Self::Live(_) => live::read(path),
            Self::Taped(tape) => tape.read(path),
            Self::Recorded(recording) => recording.read(path),
        }
    }

    /// The file at `path` as text, without white space and NULs at its end.
    pub(crate) fn text(&self, path: &str) -> Reading<String> {
        let bytes = self.read(path)?;
        let text = String::from_utf8(bytes).map_err(|_| Unknown::error(format!("not UTF-8: {path}")))?;
        Ok(text.trim_end_matches(|character: char| character == '\0' || character.is_whitespace()).to_string())
    }

    /// The names in the folder at `path`, sorted; names that are not UTF-8 are left out.
    pub(crate) fn list(&self, path: &str) -> Reading<Vec<String>> {
        match self {
            Self::Live(_) => live::list(path),
            Self::Taped(tape) => tape.list(path),
            Self::Recorded(recording) => recording.list(path),
        }
    }

    /// What the symbolic link at `path` says.
    pub(crate) fn link(&self, path: &str) -> Reading<String> {
        match self {
            Self::Live(_) => live::link(path),
            Self::Taped(tape) => tape.link(path),
            Self::Recorded(recording) => recording.link(path),
        }
    }

    /// `path` with its links resolved, as seen inside the root.
    pub(crate) fn real(&self, path: &str) -> Reading<String> {
        match self {
            Self::Live(_) => live::real(path),
            Self::Taped(tape) => tape.real(path),
            Self::Recorded(recording) => recording.real(path),
        }
    }

    /// Whether something is at `path`.
    pub(crate) fn exists(&self, path: &str) -> bool {
        match self {
            Self::Live(_) => live::exists(path),
            Self::Taped(tape) => tape.exists(path),
            Self::Recorded(recording) => recording.exists(path),
        }
    }

    /// Space of the file system at `path` (statvfs).
    pub(crate) fn space(&self, path: &str) -> Reading<Space> {
        match self {
            Self::Live(_) => live::space(path),
            Self::Taped(tape) => tape.answer(path, live::space(path), |answers| &mut answers.space),
            Self::Recorded(recording) => recording.answer("statvfs", path, |answers| &answers.space),
        }
    }

    /// Kind, owner and mode of what is at `path` (stat, links followed).
    pub(crate) fn node(&self, path: &str) -> Reading<Node> {
        match self {
            Self::Live(_) => live::node(path),
            Self::Taped(tape) => tape.answer(path, live::node(path), |answers| &mut answers.node),
            Self::Recorded(recording) => recording.answer("stat", path, |answers| &answers.node),
        }
    }

    /// Whether `path` may be opened for reading and writing (faccessat); never touches the device.
    pub(crate) fn access(&self, path: &str) -> Reading<Access> {
        match self {
            Self::Live(_) => live::access(path),
            Self::Taped(tape) => tape.answer(path, live::access(path), |answers| &mut answers.access),
            Self::Recorded(recording) => recording.answer("faccessat", path, |answers| &answers.access),
        }
    }

    /// The effective user.
    pub(crate) fn user(&self) -> Reading<User> {
        match self {
            Self::Live(_) => live::user(),
            Self::Taped(tape) => tape.single(live::user(), |answers| &mut answers.user),
            Self::Recorded(recording) => recording.single("user", |answers| answers.user.as_ref()),
        }
    }

    /// What uname says.
    pub(crate) fn kernel(&self) -> Reading<Kernel> {
        match self {
            Self::Live(_) => live::kernel(),
            Self::Taped(tape) => tape.single(live::kernel(), |answers| &mut answers.kernel),
            Self::Recorded(recording) => recording.single("kernel", |answers| answers.kernel.as_ref()),
        }
    }

    /// What the kernel says of its clock (adjtimex).
    pub(crate) fn clock(&self) -> Reading<Clock> {
        match self {
            Self::Live(_) => kernel_clock(),
            Self::Taped(tape) => tape.single(kernel_clock(), |answers| &mut answers.clock),
            Self::Recorded(recording) => recording.single("clock", |answers| answers.clock.as_ref()),
        }
    }

    /// Addresses with prefix by interface (getifaddrs).
    pub(crate) fn addresses(&self) -> Reading<BTreeMap<String, Vec<String>>> {
        match self {
            Self::Live(_) => address::addresses(),
            Self::Taped(tape) => tape.single(address::addresses(), |answers| &mut answers.addresses),
            Self::Recorded(recording) => recording.single("addresses", |answers| answers.addresses.as_ref()),
        }
    }

    /// `GET path` over plain HTTP from `address`, for instance `127.0.0.1:10248`; within 2 s.
    pub(crate) fn http_get(&self, address: &str, path: &str) -> Reading<HttpAnswer> {
        let key = format!("{address}{path}");
        match self {
            Self::Live(_) => fetch::http_get(address, path),
            Self::Taped(tape) => tape.answer(&key, fetch::http_get(address, path), |answers| &mut answers.http),
            Self::Recorded(recording) => recording.answer("http", &key, |answers| &answers.http),
        }
    }

    /// TLS handshake with `address` and `GET /readyz`, the certificate read and not verified; within 2 s.
    pub(crate) fn https_answer(&self, address: &str) -> Reading<TlsAnswer> {
        match self {
            Self::Live(_) => tls::https_answer(address),
            Self::Taped(tape) => tape.answer(address, tls::https_answer(address), |answers| &mut answers.https),
            Self::Recorded(recording) => recording.answer("https", address, |answers| &answers.https),
        }
    }

    /// The sample lines of etcd's metrics that Coord asks for, `GET /metrics` from `address`; within 2 s.
    pub(crate) fn metrics(&self, address: &str) -> Reading<Vec<String>> {
        match self {
            Self::Live(_) => metrics::metrics(address),
            Self::Taped(tape) => tape.answer(address, metrics::metrics(address), |answers| &mut answers.metrics),
            Self::Recorded(recording) => recording.answer("metrics", address, |answers| &answers.metrics),
        }
    }

    /// Whether something listens on the Unix socket at `path`.
    pub(crate) fn connects(&self, path: &str) -> Reading<bool> {
        match self {
            Self::Live(_) => live::connects(path),
            Self::Taped(tape) => tape.answer(path, live::connects(path), |answers| &mut answers.sockets),
            Self::Recorded(recording) => recording.answer("connect", path, |answers| &answers.sockets),
        }
    }

    /// fdatasync of the file system below k3s' data, measured for at most `time` in `state`, the agent's own folder, or
    /// in k3s' folder where that may be written.
    pub(crate) fn sync_latency(&self, state: Option<&Path>, time: Duration) -> Reading<SyncLatency> {
        match self {
            Self::Live(_) => latency::below_k3s(state, time),
            Self::Taped(tape) => tape.single(latency::below_k3s(state, time), |answers| &mut answers.sync_latency),
            Self::Recorded(recording) => recording.single("fdatasync", |answers| answers.sync_latency.as_ref()),
        }
    }

    /// Seconds since 1970 by the wall clock, to make ages of what other programs wrote down.
    pub(crate) fn wall(&self) -> Reading<f64> {
        match self {
            Self::Live(_) => live::wall(),
            Self::Taped(tape) => tape.single(live::wall(), |answers| &mut answers.wall),
            Self::Recorded(recording) => recording.single("wall clock", |answers| answers.wall.as_ref()),
        }
    }

    /// Boots and clean stops, oldest first (wtmp(5)); ask only where `/var/log/wtmp` is there.
    pub(crate) fn boots(&self) -> Reading<Vec<BootRecord>> {
        match self {
            Self::Live(_) => wtmp::boots(),
            Self::Taped(tape) => tape.single(wtmp::boots(), |answers| &mut answers.boots),
            Self::Recorded(recording) => recording.single("boots", |answers| answers.boots.as_ref()),
        }
    }

    /// What tailscaled says of itself; within 2 s.
    pub(crate) fn tailscale(&self) -> Reading<Tailscale> {
        match self {
            Self::Live(_) => tailscale::tailscale(),
            Self::Taped(tape) => tape.single(tailscale::tailscale(), |answers| &mut answers.tailscale),
            Self::Recorded(recording) => recording.single("tailscale", |answers| answers.tailscale.as_ref()),
        }
    }

    /// The largest packet that is known to arrive at `address`, for instance `192.168.1.10:7443`; within 2 s.
    pub(crate) fn path_mtu(&self, address: &str) -> Reading<u32> {
        match self {
            Self::Live(_) => path_mtu::path_mtu(address),
            Self::Taped(tape) => tape.answer(address, path_mtu::path_mtu(address), |answers| &mut answers.path_mtu),
            Self::Recorded(recording) => recording.answer("path MTU", address, |answers| &answers.path_mtu),
        }
    }

    /// Whether a file server answers (an RPC NULL call, or a connection for SMB); within 2 s.
    pub(crate) fn ping(&self, server: &Server) -> Reading<Ping> {
        let key = server.to_string();
        match self {
            Self::Live(_) => ping::ping(server),
            Self::Taped(tape) => tape.answer(&key, ping::ping(server), |answers| &mut answers.pings),
            Self::Recorded(recording) => recording.answer("ping", &key, |answers| &answers.pings),
        }
    }

    /// How much lies below the folder at `path`, counted with bounds; never on another file system. `mounts` are the
    /// paths at which one is known to be: they are not even looked at.
    pub(crate) fn folder(&self, path: &str, mounts: &BTreeSet<&str>) -> Reading<Folder> {
        match self {
            Self::Live(_) => folder::folder(path, mounts),
            Self::Taped(tape) => tape.answer(path, folder::folder(path, mounts), |answers| &mut answers.folders),
            Self::Recorded(recording) => recording.answer("folder", path, |answers| &answers.folders),
        }
    }

    /// Which k3s binary lies on this machine; recorded hosts have none that could be run.
    pub(crate) fn k3s_binary(&self) -> Reading<BinaryStamp> {
        match self {
            Self::Live(_) | Self::Taped(_) => k3s_version::stamp(),
            Self::Recorded(_) => Err(Unknown::not_applicable("nothing of a recorded host is run")),
        }
    }

    /// What `k3s --version` says, unless `known` knows it; within 2 s.
    pub(crate) fn k3s_version(&self, known: Option<&KnownVersion>) -> Reading<String> {
        match self {
            Self::Live(_) => k3s_version::version(known),
            Self::Taped(tape) => tape.single(k3s_version::version(known), |answers| &mut answers.k3s_version),
            Self::Recorded(recording) => recording.single("k3s --version", |answers| answers.k3s_version.as_ref()),
        }
    }

    /// Which vainfo lies on this machine; recorded hosts have none that could be run.
    pub(crate) fn vainfo_binary(&self) -> Reading<BinaryStamp> {
        match self {
            Self::Live(_) | Self::Taped(_) => k3s_version::first_of(&VAINFO),
            Self::Recorded(_) => Err(Unknown::not_applicable("nothing of a recorded host is run")),
        }
    }

    /// Seconds on the boot clock, which counts suspend; of a recorded host its uptime.
    pub(crate) fn boot_seconds(&self) -> Reading<f64> {
        match self {
            Self::Live(_) | Self::Taped(_) => live::boot_seconds(),
            Self::Recorded(_) => {
                let text = self.text("/proc/uptime")?;
                let seconds = text.split_whitespace().next().and_then(|word| word.parse().ok());
                seconds.ok_or_else(|| Unknown::error("/proc/uptime makes no sense"))
            }
        }
    }
}
