//! The home with its cluster: a real control plane, a Node for each recorded k3s host, and labels that tell the truth.

use std::{
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use super::{Stopped, pause, say, tour};
use crate::{
    control_plane::{ControlPlane, MadeNode, Parts},
    lab::Lab,
};

/// The nodes of `tests/examples/homelab.yaml` on which k3s runs.
const NODES: [&str; 6] = ["k3s-cp1", "k3s-w1", "k3s-w3", "k3s-cp2", "k3s-w2", "k3s-cp3"];

const ZONE: &str = "topology.kubernetes.io/zone";

/// How long the coordinator may take to see the cluster and to label it; a fact counts after ten steady seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A control plane with the Nodes of the home, as k3s would register them.
pub(super) fn start() -> Result<ControlPlane, String> {
    let began = Instant::now();
    say(
        "demo: a real Kubernetes control plane starts: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok",
    );
    let plane = ControlPlane::start(Parts::ALL)?;
    say(&format!("demo: it answers at {} after {} s", plane.url(), began.elapsed().as_secs()));
    let nodes: Vec<MadeNode> = NODES.iter().map(|name| MadeNode::recorded(name)).collect();
    plane.create_nodes(&nodes);
    say(&format!(
        "demo: {} Nodes are registered, with the machine-ids and addresses of the recorded hosts",
        nodes.len()
    ));
    Ok(plane)
}

/// The tour: what is planned, that it is approved once, and what the Nodes then say.
pub(super) fn show(lab: &Lab, plane: &ControlPlane, interrupts: &Receiver<()>) -> Result<(), Stopped> {
    say("demo: waiting for the coordinator to have read the cluster");
    wait(interrupts, "a plan with something to do", || {
        // 6 says that there is something to change.
        lab.ask(&["plan", "--detailed-exitcode"]).status.code() == Some(6)
    })?;
    tour::screen(lab, &["plan"], 0)?;
    tour::screen(lab, &["apply", "--yes"], 0)?;
    say("demo: waiting for the labels; a fact is one when it has been true for 10 s");
    wait(interrupts, "a zone on every Node", || labelled(plane, ZONE) == NODES.len())?;
    wait(interrupts, "the Zigbee stick's label", || labelled(plane, "zigbee=true") == 1)?;
    wait(interrupts, "nothing to be left to do", || lab.ask(&["plan", "--detailed-exitcode"]).status.success())?;
    tour::screen(lab, &["get", "labels"], 0)?;
    tour::print("\n$ kubectl label node k3s-w1 --overwrite role=mine\n")?;
    tour::print(&plane.told(&["label", "node", "k3s-w1", "--overwrite", "role=mine"]))?;
    wait(interrupts, "Coord to notice", || lab.ask(&["plan"]).stdout.windows(5).any(|word| word == b"adopt"))?;
    tour::screen(lab, &["why", "label/k3s-w1/role"], 0)?;
    let columns = format!("{ZONE},gpu");
    tour::print(&format!("\n$ kubectl get nodes -L {columns}\n{}", plane.told(&["get", "nodes", "-L", &columns])))
}

/// How many Nodes have a label.
fn labelled(plane: &ControlPlane, selector: &str) -> usize {
    plane.told(&["get", "nodes", "-l", selector, "-o", "name"]).lines().count()
}

fn wait(interrupts: &Receiver<()>, what: &str, mut there: impl FnMut() -> bool) -> Result<(), Stopped> {
    let deadline = Instant::now() + PATIENCE;
    while !there() {
        if Instant::now() >= deadline {
            return Err(Stopped::Failed(format!("waited {} s for {what}", PATIENCE.as_secs())));
        }
        pause(interrupts)?;
    }
    Ok(())
}
