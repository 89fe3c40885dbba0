//! What is declared, as far as manifests need it: from a file, or from the coordinator where none is named.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use coord_cluster::Weight;
use coord_model::ViewKind;
use serde::Deserialize;
use serde_json::Value;

use crate::{answer, command::cluster, connection::Coordinator, failure::Failure, output::Output, place::Place};

/// Keys that follow from the topology, each with the old form that a cloud node controller copies over it.
const TOPOLOGY: [&str; 4] = [
    "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/region",
];

const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
const INSTANCE_TYPE_BETA: &str = "beta.kubernetes.io/instance-type";

/// A cluster file, as the coordinator writes what is in force.
#[derive(Debug, Deserialize)]
pub(super) struct Declared {
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) rules: Vec<Rule>,
    /// The file itself, where one was named.
    #[serde(skip)]
    pub(super) text: Option<String>,
}

/// One node of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    pub(super) zone: String,
    pub(super) region: String,
    k3s: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) default_labels: BTreeMap<String, String>,
    pub(super) taints: Vec<Taint>,
}

/// A declared taint.
#[derive(Debug, Deserialize)]
pub(super) struct Taint {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) effect: String,
}

/// A label rule.
#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    pub(super) when: String,
    pub(super) set: BTreeMap<String, String>,
}

impl Declared {
    /// What the file declares, or what the coordinator has in force.
    pub(super) async fn find(file: Option<&Path>, place: Option<Place>, output: &Output) -> Result<Self, Failure> {
        match file {
            Some(file) => Self::of(file),
            None => {
                let hint = |failure: Failure| failure.hint("or name the file: --file cluster.yaml");
                let coordinator = Coordinator::find(place).map_err(hint)?;
                let document = answer::read(&coordinator, ViewKind::Cluster, "", output).await.map_err(hint)?;
                let mut document: Value = document.value;
                Self::parse(document["declared"].take())
            }
        }
    }

    fn of(file: &Path) -> Result<Self, Failure> {
        let text = cluster::read(file)?;
        let read = coord_cluster::read(&text);
        let Some(desired) = read.desired else {
            let errors = read.mistakes.iter().filter(|mistake| mistake.weight == Weight::Error).count();
            let shown = file.display();
            let failure = Failure::new(format_args!("{shown} has {errors} errors"));
            return Err(failure.hint(format!("see them: coordctl cluster validate {shown}")));
        };
        let value = serde_json::to_value(&desired);
        let declared = Self::parse(value.map_err(|error| Failure::new("cannot use the file").because(&error))?)?;
        Ok(Self { text: Some(text), ..declared })
    }

    fn parse(value: Value) -> Result<Self, Failure> {
        serde_json::from_value(value)
            .map_err(|error| Failure::new("the coordinator's answer is not what this version expects").because(&error))
    }

    /// Nodes that k3s runs on.
    pub(super) fn k3s_nodes(&self) -> impl Iterator<Item = (&String, &Node)> {
        self.nodes.iter().filter(|(_, node)| node.k3s != "none")
    }

    /// Every label that Coord may ever set for this file, in order.
    pub(super) fn label_keys(&self) -> BTreeSet<&str> {
        let of_nodes = self.nodes.values().flat_map(|node| node.labels.keys().chain(node.default_labels.keys()));
        let of_rules = self.rules.iter().flat_map(|rule| rule.set.keys());
        let mut keys: BTreeSet<&str> = of_nodes.chain(of_rules).map(String::as_str).chain(TOPOLOGY).collect();
        if keys.contains(INSTANCE_TYPE) {
            keys.insert(INSTANCE_TYPE_BETA);
        }
        keys
    }

    /// The same for taints.
    pub(super) fn taint_keys(&self) -> BTreeSet<&str> {
        self.nodes.values().flat_map(|node| &node.taints).map(|taint| taint.key.as_str()).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The example home.
    pub(in super::super) fn example() -> Declared {
        Declared::of(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/examples/homelab.yaml"))).unwrap()
    }

    #[test]
    fn every_key_of_the_file_is_there() {
        let declared = example();
        let labels: Vec<&str> = declared.label_keys().into_iter().collect();
        assert_eq!(
            labels,
            [
                "beta.kubernetes.io/instance-type",
                "failure-domain.beta.kubernetes.io/region",
                "failure-domain.beta.kubernetes.io/zone",
                "gpu",
                "node.kubernetes.io/instance-type",
                "role",
                "storage-type",
                "sw-volume",
                "topology.kubernetes.io/region",
                "topology.kubernetes.io/zone",
                "zigbee",
            ]
        );
        let taints: Vec<&str> = declared.taint_keys().into_iter().collect();
        assert_eq!(taints, ["gpu", "node-role.kubernetes.io/control-plane"]);
        assert_eq!(declared.k3s_nodes().count(), 6);
    }
}
