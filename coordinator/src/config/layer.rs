//! What one source says: the file, or the flags and the environment. Everything may be left out.

use std::{fs, io, net::SocketAddr, path::Path, path::PathBuf};

use serde::Deserialize;

use super::{ClockSource, ClusterSource, ConfigError, Lifetime, Lifetimes, LogLevel, Span};

/// What one source says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Layer {
    /// The data folder.
    pub data: Option<PathBuf>,
    /// Where agents and remote coordctl connect.
    pub listen: Option<SocketAddr>,
    /// Where health, metrics and the page are.
    pub http: Option<SocketAddr>,
    /// The socket for coordctl on the same machine.
    pub socket: Option<PathBuf>,
    /// The addresses that tokens and agents are told.
    pub advertise: Option<Vec<String>>,
    /// How long what is issued lives.
    pub lifetimes: Option<LifetimesLayer>,
    /// How often an agent says that it lives.
    pub heartbeat: Option<Span>,
    /// How often slow facts are read again.
    pub facts: Option<Span>,
    /// The longest wait of an agent before it connects again.
    pub reconnect_cap: Option<Span>,
    /// So many missed heartbeats make a node silent.
    pub silent_after: Option<u32>,
    /// So long without a sign makes a node lost.
    pub lost_after: Option<Span>,
    /// How much is logged.
    pub log: Option<LogLevel>,
    /// Whether the kernel's word on synchronisation counts.
    pub clock: Option<ClockSource>,
    /// The cluster file.
    pub cluster: Option<PathBuf>,
    /// Where what is declared stands.
    pub cluster_source: Option<ClusterSource>,
    /// How the Kubernetes cluster is reached.
    pub kubeconfig: Option<PathBuf>,
    /// The namespace of the coordinator's own objects.
    pub namespace: Option<String>,
}

/// What one source says about lifetimes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LifetimesLayer {
    /// A token.
    pub token: Option<Lifetime>,
    /// A node's certificate.
    pub certificate: Option<Lifetime>,
    /// An operator's certificate.
    pub operator_certificate: Option<Lifetime>,
    /// A rejoin credential.
    pub rejoin: Option<Lifetime>,
}

impl LifetimesLayer {
    fn over(self, lower: Self) -> Self {
        Self {
            token: self.token.or(lower.token),
            certificate: self.certificate.or(lower.certificate),
            operator_certificate: self.operator_certificate.or(lower.operator_certificate),
            rejoin: self.rejoin.or(lower.rejoin),
        }
    }

    /// What is said here, and `default` for the rest.
    pub(super) fn or(self, default: Lifetimes) -> Lifetimes {
        Lifetimes {
            token: self.token.map_or(default.token, |lifetime| lifetime.0),
            certificate: self.certificate.map_or(default.certificate, |lifetime| lifetime.0),
            operator_certificate: self.operator_certificate.map_or(default.operator_certificate, |lifetime| lifetime.0),
            rejoin: self.rejoin.map_or(default.rejoin, |lifetime| lifetime.0),
        }
    }
}

impl Layer {
    /// Reads the file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, has an unknown key or a wrong value.
    pub fn load(path: &Path) -> Result<Option<Self>, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ConfigError::File { path: path.into(), source }),
        }
    }

    /// Reads the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// When it has an unknown key or a wrong value.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let says_something = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if text.lines().find(says_something).is_none() {
            return Ok(Self::default());
        }
        serde_saphyr::from_str(text).map_err(|error| ConfigError::in_text(&error, path))
    }

    /// This source over a weaker one.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        let lifetimes = match (self.lifetimes, lower.lifetimes) {
            (Some(own), Some(other)) => Some(own.over(other)),
            (own, other) => own.or(other),
        };
        Self {
            data: self.data.or(lower.data),
            listen: self.listen.or(lower.listen),
            http: self.http.or(lower.http),
            socket: self.socket.or(lower.socket),
            advertise: self.advertise.or(lower.advertise),
            lifetimes,
            heartbeat: self.heartbeat.or(lower.heartbeat),
            facts: self.facts.or(lower.facts),
            reconnect_cap: self.reconnect_cap.or(lower.reconnect_cap),
            silent_after: self.silent_after.or(lower.silent_after),
            lost_after: self.lost_after.or(lower.lost_after),
            log: self.log.or(lower.log),
            clock: self.clock.or(lower.clock),
            cluster: self.cluster.or(lower.cluster),
            cluster_source: self.cluster_source.or(lower.cluster_source),
            kubeconfig: self.kubeconfig.or(lower.kubeconfig),
            namespace: self.namespace.or(lower.namespace),
        }
    }
}
