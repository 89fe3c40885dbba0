//! The section `kubernetes` as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The k3s cluster.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kubernetes {
    /// k3s version of every node, for instance `v1.34.3+k3s1`.
    pub version: String,
    /// The address through which every node joins, for instance `https://192.168.1.100:6443`.
    pub endpoint: String,
    /// Who holds the virtual address of that endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vip: Option<VirtualAddress>,
    /// k3s's own keys, equal on every server.
    #[serde(default)]
    pub server_config: BTreeMap<String, Value>,
    /// k3s's own keys, equal on every agent.
    #[serde(default)]
    pub agent_config: BTreeMap<String, Value>,
    /// Where snapshots go before every server change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Snapshots>,
    /// How long a joined server must be healthy before the next change, for instance `120s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_soak: Option<String>,
}

/// Who holds the virtual address.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualAddress {
    /// Which program.
    pub provider: VirtualAddressProvider,
    /// Whether Coord installs and looks after it.
    #[serde(default)]
    pub manage: bool,
}

/// Which program holds the virtual address.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum VirtualAddressProvider {
    /// kube-vip on the servers.
    KubeVip,
    /// Something outside the cluster.
    External,
    /// There is none.
    None,
}

/// Where snapshots go.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshots {
    /// `coordinator`, or an absolute folder.
    pub to: String,
}
