//! The settings: flag over environment over `/etc/coord/coordinator.yaml` over default.
//!
//! Each source is a [`Layer`] of what it says; layers are laid over each other and checked once, as [`Settings`].

use std::{net::SocketAddr, path::PathBuf, time::Duration};

mod error;
mod layer;
mod span;
mod text;

pub use error::ConfigError;
pub use layer::{Layer, LifetimesLayer};
pub use span::{Lifetime, SHORTEST_LIFETIME, Span, WrongSpan};

use serde::Deserialize;

/// Where the file is.
pub const DEFAULT_FILE: &str = "/etc/coord/coordinator.yaml";

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Errors only.
    Error,
    /// And warnings.
    Warn,
    /// And what an owner wants to know.
    #[default]
    Info,
    /// And what a developer wants to know.
    Debug,
    /// And every message.
    Trace,
}

/// Whether the kernel's word on synchronisation counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockSource {
    /// It does.
    #[default]
    TrustKernel,
    /// The clock is always taken for synchronised, for machines whose time is kept in ways that the kernel does not know.
    AssumeSynchronised,
}

/// How long what is issued lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A token.
    pub token: Duration,
    /// A node's certificate.
    pub certificate: Duration,
    /// An operator's certificate.
    pub operator_certificate: Duration,
    /// A rejoin credential.
    pub rejoin: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            token: Duration::from_secs(15 * 60),
            certificate: Duration::from_secs(24 * HOUR),
            operator_certificate: Duration::from_secs(90 * 24 * HOUR),
            rejoin: Duration::from_secs(90 * 24 * HOUR),
        }
    }
}

/// Where what is declared stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterSource {
    /// In the cluster file.
    #[default]
    File,
    /// In the custom resource `clusters.coord.homelab` of the Kubernetes cluster.
    Resource,
}

/// Everything that can be set, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The data folder.
    pub data: PathBuf,
    /// Where agents and remote coordctl connect.
    pub listen: SocketAddr,
    /// Where health, metrics and the page are.
    pub http: SocketAddr,
    /// The socket for coordctl on the same machine.
    pub socket: PathBuf,
    /// The addresses, `HOST:PORT`, that tokens and agents are told; empty for the machine's own.
    pub advertise: Vec<String>,
    /// How long what is issued lives.
    pub lifetimes: Lifetimes,
    /// How often an agent says that it lives.
    pub heartbeat: Duration,
    /// How often slow facts are read again.
    pub facts: Duration,
    /// The longest wait of an agent before it connects again.
    pub reconnect_cap: Duration,
    /// So many missed heartbeats make a node silent.
    pub silent_after: u32,
    /// So long without a sign makes a node lost.
    pub lost_after: Duration,
    /// How much is logged.
    pub log: LogLevel,
    /// Whether the kernel's word on synchronisation counts.
    pub clock: ClockSource,
    /// The cluster file, which need not exist.
    pub cluster: PathBuf,
    /// Where what is declared stands.
    pub cluster_source: ClusterSource,
    /// How the Kubernetes cluster is reached, where this does not run in it.
    pub kubeconfig: Option<PathBuf>,
    /// The namespace of the coordinator's own objects: its Lease.
    pub namespace: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: "/var/lib/coordinator".into(),
            listen: SocketAddr::from(([0, 0, 0, 0], 7443)),
            http: SocketAddr::from(([127, 0, 0, 1], 7444)),
            socket: "/run/coordinator/control.sock".into(),
            advertise: Vec::new(),
            lifetimes: Lifetimes::default(),
            heartbeat: Duration::from_secs(10),
            facts: Duration::from_secs(60),
            reconnect_cap: Duration::from_secs(8),
            silent_after: 3,
            lost_after: Duration::from_secs(5 * 60),
            log: LogLevel::Info,
            clock: ClockSource::TrustKernel,
            cluster: "/etc/coord/cluster.yaml".into(),
            cluster_source: ClusterSource::File,
            kubeconfig: None,
            namespace: "coord-system".into(),
        }
    }
}

impl Settings {
    /// The settings that `layer` and the defaults give together.
    ///
    /// # Errors
    /// When two of them contradict each other.
    pub fn check(layer: Layer) -> Result<Self, ConfigError> {
        let default = Self::default();
        let lifetimes = layer.lifetimes.unwrap_or_default();
        let settings = Self {
            data: layer.data.unwrap_or(default.data),
            listen: layer.listen.unwrap_or(default.listen),
            http: layer.http.unwrap_or(default.http),
            socket: layer.socket.unwrap_or(default.socket),
            advertise: layer.advertise.unwrap_or(default.advertise),
            lifetimes: lifetimes.or(default.lifetimes),
            heartbeat: layer.heartbeat.map_or(default.heartbeat, |span| span.0),
            facts: layer.facts.map_or(default.facts, |span| span.0),
            reconnect_cap: layer.reconnect_cap.map_or(default.reconnect_cap, |span| span.0),
            silent_after: layer.silent_after.unwrap_or(default.silent_after),
            lost_after: layer.lost_after.map_or(default.lost_after, |span| span.0),
            log: layer.log.unwrap_or(default.log),
            clock: layer.clock.unwrap_or(default.clock),
            cluster: layer.cluster.unwrap_or(default.cluster),
            cluster_source: layer.cluster_source.unwrap_or(default.cluster_source),
            kubeconfig: layer.kubeconfig.or(default.kubeconfig),
            namespace: layer.namespace.unwrap_or(default.namespace),
        };
        settings.consistent()
    }

    fn consistent(self) -> Result<Self, ConfigError> {
        if self.silent_after == 0 {
            return Err(ConfigError::contradiction("silentAfter is 0: at least one heartbeat must be missed"));
        }
        let silent = self.heartbeat.saturating_mul(self.silent_after);
        if self.lost_after < silent {
            let text =
                format!("lostAfter is shorter than {} heartbeats, after which a node is silent", self.silent_after);
            return Err(ConfigError::contradiction(&text));
        }
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.namespace.is_empty() || self.namespace.len() > 63 || !self.namespace.bytes().all(letter) {
            let text = format!("namespace: {:?} is not a namespace's name", self.namespace);
            return Err(ConfigError::contradiction(&text));
        }
        if let Some(wrong) = self.advertise.iter().find(|address| !is_address(address)) {
            return Err(ConfigError::contradiction(&format!("advertise: {wrong:?} is not HOST:PORT")));
        }
        Ok(self)
    }
}

/// `HOST:PORT`, or `[ADDRESS]:PORT` for IPv6.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let bare = host.starts_with('[') && host.ends_with(']') || !host.contains(':');
    !host.is_empty() && bare && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests;
