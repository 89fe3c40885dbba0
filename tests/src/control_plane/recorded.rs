//! Nodes of recorded hosts: what a kubelet on that host would say of it.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::MadeNode;
use crate::lab::{hosts, program};

impl MadeNode {
    /// The Node of the host below `tests/hosts` of this name: machine-id, firmware's UUID, addresses and architecture as
    /// the agent reads them there.
    ///
    /// # Panics
    /// When there is no such host.
    #[must_use]
    pub fn recorded(name: &str) -> Self {
        let mut command = Command::new(program("coord-agent"));
        command.args(["check", "-o", "json", "--root"]).arg(hosts().join(name));
        // It says by its exit code that something is wrong there, which is as recorded.
        let output = command.stdin(Stdio::null()).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let platform = &report["report"]["platform"]["facts"];
        let text = |key: &str| platform[key].as_str().unwrap_or_default();
        let node = Self::new(name).machine_id(text("machineId")).system_uuid(text("dmiUuid"));
        let interfaces = report["report"]["network"]["facts"]["interfaces"].as_array().unwrap();
        let addresses = interfaces.iter().flat_map(|interface| interface["addresses"].as_array().into_iter().flatten());
        let addresses = addresses.filter_map(|address| address.as_str()?.split_once('/'));
        // An address of one host only is a virtual one.
        let own = addresses.filter(|(_, prefix)| !["32", "128"].contains(prefix));
        let architecture = if text("architecture") == "aarch64" { "arm64" } else { "amd64" };
        own.fold(node.architecture(architecture), |node, (address, _)| node.address(address))
    }
}
