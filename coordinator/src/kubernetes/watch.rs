//! The Nodes, as a watch tells of them.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use coord_planner::KubeNode;
use futures_util::StreamExt;
use kube::{
    Api,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};

use super::{
    connect::Connection,
    failure::{Failure, Right},
    reduce::reduce,
    seen::SeenNode,
    state::{Known, Shared},
};

/// A page of Nodes in memory at once: with 25 kB each, about a megabyte.
const PAGE: u32 = 50;

/// A watch that is not refused within this stands.
const PROOF: Duration = Duration::from_secs(1);

const LIST: Right = Right { group: "", resource: "nodes", verb: "list" };
const WATCH: Right = Right { verb: "watch", ..LIST };

/// Watches until the cluster cannot be used, and says why. What a server does in the normal course (it ends each watch
/// after some minutes, it forgets old versions) is dealt with in here.
pub(super) async fn run(shared: &Shared, connection: &Connection) -> Failure {
    let nodes: Api<SeenNode> = Api::all(connection.client.clone());
    let settings = watcher::Config::default().page_size(PAGE);
    let mut events = pin!(watcher(nodes, settings).default_backoff());
    let mut reading = Reading::default();
    loop {
        let Ok(event) = tokio::time::timeout(PROOF, events.next()).await else {
            reading.quiet(shared);
            continue;
        };
        match event {
            Some(Ok(event)) => reading.told(shared, event),
            Some(Err(error)) => {
                if let Some(failure) = failure(&error, &connection.server) {
                    return failure;
                }
            }
            None => return Failure::away(format!("the API server at {} ended the watch", connection.server), None),
        }
    }
}

/// How far one connection has come.
#[derive(Default)]
struct Reading {
    nodes: BTreeMap<String, Arc<KubeNode>>,
    listed: bool,
    proven: bool,
}

impl Reading {
    fn told(&mut self, shared: &Shared, event: Event<SeenNode>) {
        match event {
            Event::Init => self.nodes.clear(),
            Event::InitApply(node) => {
                let node = reduce(node);
                self.nodes.insert(node.name.clone(), Arc::new(node));
            }
            Event::InitDone => {
                shared.complete(std::mem::take(&mut self.nodes));
                self.listed = true;
            }
            Event::Apply(node) => {
                self.quiet(shared);
                shared.saw(reduce(node));
            }
            Event::Delete(node) => {
                self.quiet(shared);
                shared.gone(&reduce(node));
            }
        }
    }

    /// The watch that follows the list goes on.
    fn quiet(&mut self, shared: &Shared) {
        if self.listed && !self.proven {
            self.proven = true;
            shared.stands();
        }
    }
}

/// None where the watch goes on by itself: it starts again from a list.
fn failure(error: &watcher::Error, server: &str) -> Option<Failure> {
    match error {
        watcher::Error::InitialListFailed(error) => Some(Failure::of(error, server, LIST)),
        watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
            Some(Failure::of(error, server, WATCH))
        }
        watcher::Error::WatchError(status) if status.code == 410 => None,
        watcher::Error::WatchError(status) => Some(Failure::answered(status, server, WATCH)),
        watcher::Error::NoResourceVersion => Some(Failure::away("the API server sent a Node without a version", None)),
    }
}

impl Shared {
    /// A Node as it is now, from the watch or from the answer to a write.
    pub(super) fn saw(&self, node: KubeNode) {
        let matters = self.known().fold(node);
        if matters {
            self.wake();
        }
    }

    fn gone(&self, node: &KubeNode) {
        // A Node made again under the same name may have been seen first.
        let mut known = self.known();
        if known.nodes.get(&node.name).is_some_and(|known| known.uid == node.uid) {
            known.nodes.remove(&node.name);
        }
        drop(known);
        self.wake();
    }
}

impl Known {
    /// Takes a Node in; says whether anything but its version changed, or its version was waited for.
    pub(super) fn fold(&mut self, node: KubeNode) -> bool {
        let before = self.nodes.get(&node.name);
        if before.is_some_and(|before| is_older(&node, before)) {
            return false;
        }
        let awaited = self.patience.moved(&node.name);
        let matters = before.is_none_or(|before| differs(before, &node));
        self.nodes.insert(node.name.clone(), Arc::new(node));
        matters || awaited
    }
}

/// The answer to a write may overtake the watch. Versions of one resource are numbers in order.
fn is_older(node: &KubeNode, known: &KubeNode) -> bool {
    let version = |node: &KubeNode| node.resource_version.parse::<u64>().ok();
    node.uid == known.uid && version(node) < version(known)
}

fn differs(before: &KubeNode, after: &KubeNode) -> bool {
    let mut comparable = before.clone();
    comparable.resource_version.clone_from(&after.resource_version);
    comparable != *after
}
