//! The example home as a whole: a real control plane with its six Nodes, a real coordinator, and real agents that read
//! the recorded hosts.

use std::{fs, path::PathBuf};

use coord_tests::{
    control_plane::{ControlPlane, MadeNode, Parts},
    lab::{Lab, Running, hosts, wait_for},
};
use serde_json::Value;

/// The cluster file of the example home.
pub(crate) const HOMELAB: &str = include_str!("../../examples/homelab.yaml");

/// The nodes with a k3s role, and their addresses.
pub(crate) const NODES: [(&str, &str); 6] = [
    ("k3s-cp1", "192.168.1.11"),
    ("k3s-w1", "192.168.1.12"),
    ("k3s-w3", "192.168.1.13"),
    ("k3s-cp2", "192.168.1.21"),
    ("k3s-w2", "192.168.1.22"),
    ("k3s-cp3", "192.168.1.30"),
];

/// The home. Its processes end with it.
pub(crate) struct Home {
    pub(crate) agents: Vec<Running>,
    pub(crate) lab: Lab,
    pub(crate) plane: ControlPlane,
}

/// The Node that k3s registers on a recorded host.
pub(crate) fn registered(name: &str, address: &str) -> MadeNode {
    let machine_id = fs::read_to_string(hosts().join(name).join("root/etc/machine-id")).unwrap();
    MadeNode::new(name).machine_id(machine_id.trim()).address(address)
}

impl Home {
    /// A control plane with the Nodes, and a coordinator that knows of it; no agent yet.
    pub(crate) fn build(parts: Parts) -> Result<Self, String> {
        let plane = ControlPlane::start(parts)?;
        plane.create_nodes(&NODES.map(|(name, address)| registered(name, address)));
        let mut lab = Lab::prepare(&configuration(&plane));
        fs::write(lab.path("cluster.yaml"), HOMELAB).unwrap();
        lab.start_coordinator();
        Ok(Self { agents: Vec::new(), lab, plane })
    }

    /// The same with an agent for every Node, and everything that waits approved.
    pub(crate) fn labelled(parts: Parts) -> Result<Self, String> {
        let mut home = Self::build(parts)?;
        for (name, _) in NODES {
            home.start_agent(name, hosts().join(name));
        }
        home.apply_when("the zones wait for approval", |plan| {
            NODES.iter().all(|(name, _)| plan.contains(&format!("label/{name}/topology.kubernetes.io/zone")))
        });
        for (name, _) in NODES {
            home.wait_label(name, "topology.kubernetes.io/zone", Some(""));
        }
        Ok(home)
    }

    /// Starts an agent that reads the recorded host at `root`.
    pub(crate) fn start_agent(&mut self, name: &str, root: PathBuf) {
        let mut command = self.lab.agent_command(name);
        command.arg("--token-file").arg(self.lab.token_file(name)).arg("--root").arg(root);
        self.agents.push(Running(command.spawn().unwrap()));
    }

    /// Waits until the plan is as it should be and approves all of it. A plan that changed in between is asked again.
    pub(crate) fn apply_when(&self, what: &str, right: impl Fn(&str) -> bool) {
        wait_for(what, || {
            let plan = self.plan();
            let id = plan["id"].as_str().unwrap_or_default().to_owned();
            let applied = right(&plan.to_string()) && self.lab.ask(&["apply", &id, "--yes"]).status.success();
            applied.then_some(())
        });
    }

    /// The plan as a document.
    pub(crate) fn plan(&self) -> Value {
        let output = self.lab.ask(&["-o", "json", "plan"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("no plan: {error}\n{}{}", String::from_utf8_lossy(&output.stderr), self.lab.log())
        })
    }

    /// Waits until a wait about `subject` has all of these words.
    pub(crate) fn wait_wait(&self, subject: &str, words: &[&str]) -> Value {
        wait_for(&format!("a wait about {subject} with {words:?}"), || {
            let plan = self.plan();
            let found = plan["waits"]
                .as_array()?
                .iter()
                .find(|wait| wait["subject"] == subject && words.iter().all(|word| wait.to_string().contains(word)));
            found.cloned()
        })
    }

    /// A label as the API server has it.
    pub(crate) fn label(&self, node: &str, key: &str) -> Option<String> {
        self.plane.node(node)["metadata"]["labels"][key].as_str().map(str::to_owned)
    }

    /// Waits until a label has this value, any at all (`Some("")`), or is not there.
    pub(crate) fn wait_label(&self, node: &str, key: &str, value: Option<&str>) {
        wait_for(&format!("{node} to have {key}={value:?}"), || {
            let live = self.label(node, key);
            let right = match value {
                Some("") => live.is_some(),
                wanted => live.as_deref() == wanted,
            };
            right.then_some(())
        });
    }

    /// The events as a document.
    pub(crate) fn events(&self) -> String {
        self.lab.told(&["-o", "json", "get", "events"])
    }

    /// The taints of a Node as `KEY=VALUE:EFFECT`, without those of the API server itself.
    pub(crate) fn taints(&self, node: &str) -> Vec<String> {
        let node = self.plane.node(node);
        let text = |taint: &Value| {
            let part = |name: &str| taint[name].as_str().unwrap_or_default().to_owned();
            format!("{}={}:{}", part("key"), part("value"), part("effect"))
        };
        let taints = node["spec"]["taints"].as_array().into_iter().flatten().map(text);
        taints.filter(|taint| !taint.starts_with("node.kubernetes.io/")).collect()
    }

    /// Changes the cluster file.
    pub(crate) fn declare(&self, text: &str) {
        fs::write(self.lab.path("cluster.yaml.new"), text).unwrap();
        fs::rename(self.lab.path("cluster.yaml.new"), self.lab.path("cluster.yaml")).unwrap();
    }

    /// The resource version of every Node: equal ones mean that nothing was written.
    pub(crate) fn versions(&self) -> String {
        self.plane.told(&["get", "nodes", "-o", "jsonpath={.items[*].metadata.resourceVersion}"])
    }
}

/// A quick pace, and where the cluster is.
pub(crate) fn configuration(plane: &ControlPlane) -> String {
    let kubeconfig = plane.kubeconfig().display();
    format!("heartbeat: 500ms\nfacts: 2s\nreconnectCap: 1s\nlostAfter: 30s\nkubeconfig: {kubeconfig}\n")
}
