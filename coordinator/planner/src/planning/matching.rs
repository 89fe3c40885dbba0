//! Which Node is which declared machine: by what the machine shows, not by its name alone.
//!
//! The agent of a declared node carries its name. Its machine-id leads to a Node if no other Node and no other agent
//! shows the same; of virtual machines and bare metal the system UUID does too (containers show their host's). The name
//! or an address must agree with that. Whatever is left open is a wait.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use coord_model::section::{K3sRole, PlatformKind};

use super::{Turn, index::Index, ownership};
use crate::{KubeNode, NodeDeclared, NodeObserved, Plan, Standing, TimedWait};

/// A declared node, its agent and its Node.
pub(super) struct Matched<'a> {
    /// Its declared name.
    pub(super) name: &'a str,
    /// What is declared.
    pub(super) declared: &'a NodeDeclared,
    /// Its agent.
    pub(super) agent: &'a NodeObserved,
    /// Its Node.
    pub(super) node: &'a KubeNode,
}

/// Whether a node with this role is a Node of the cluster.
pub(super) fn runs_k3s(role: K3sRole) -> bool {
    match role {
        K3sRole::Server | K3sRole::Agent => true,
        K3sRole::None | K3sRole::Unrecognised(_) => false,
    }
}

/// Everyone who shows something of itself, ordered by what it shows.
struct Evidence<'a> {
    nodes: Vec<&'a KubeNode>,
    agents: Vec<&'a NodeObserved>,
    names: Index<&'a str>,
    node_names: Index<&'a str>,
    ids: Index<&'a str>,
    node_ids: Index<&'a str>,
    /// Of agents and of Nodes; asked only where the machine-id does not decide.
    uuids: core::cell::OnceCell<(Index<String>, Index<String>)>,
}

/// Every declared node whose Node is beyond doubt, in the order of the Nodes. The rest is said in `plan`.
pub(super) fn matched<'a>(turn: &Turn<'a>, plan: &mut Plan) -> Vec<Matched<'a>> {
    let evidence = Evidence::gather(turn);
    let mut claims: Vec<(usize, Matched<'a>)> = Vec::with_capacity(evidence.nodes.len());
    let expected = turn.desired.nodes.iter().filter(|(_, declared)| runs_k3s(declared.k3s));
    for (name, declared) in expected {
        match evidence.find(name, declared) {
            Ok(Some((agent, at, node))) => claims.push((at, Matched { name, declared, agent, node })),
            Ok(None) => {}
            Err(wait) => plan.waits.push(*wait),
        }
    }
    claims.sort_by_key(|(at, _)| *at);
    plan.waits.extend(dropped(turn, &evidence, &claims));
    undisputed(claims, plan)
}

/// A Node that two declared nodes claim is nobody's.
fn undisputed<'a>(claims: Vec<(usize, Matched<'a>)>, plan: &mut Plan) -> Vec<Matched<'a>> {
    let mut counts: Vec<usize> = Vec::with_capacity(claims.len());
    for same in claims.chunk_by(|(one, _), (other, _)| one == other) {
        counts.extend(same.iter().map(|_| same.len()));
    }
    let mut all = Vec::with_capacity(claims.len());
    for ((_, claim), count) in claims.into_iter().zip(counts) {
        if count > 1 {
            plan.waits.push(disputed_wait(&claim));
        } else {
            all.push(claim);
        }
    }
    all
}

impl<'a> Evidence<'a> {
    fn gather(turn: &Turn<'a>) -> Self {
        let nodes: Vec<&KubeNode> = turn.observed.kubernetes.nodes.values().map(|node| &**node).collect();
        let counts = |agent: &&NodeObserved| agent.standing != Standing::Revoked;
        let agents: Vec<&NodeObserved> = turn.observed.nodes.iter().filter(counts).collect();
        let names = Index::new(agents.iter().enumerate().map(|(at, agent)| (agent.name.as_str(), at)));
        let node_names = Index::new(nodes.iter().enumerate().map(|(at, node)| (node.name.as_str(), at)));
        let ids = agents.iter().enumerate().map(|(at, agent)| (agent.evidence.machine_id.as_str(), at));
        let node_ids = nodes.iter().enumerate().map(|(at, node)| (node.machine_id.as_str(), at));
        let (ids, node_ids) = (filled(ids), filled(node_ids));
        Self { nodes, agents, names, node_names, ids, node_ids, uuids: core::cell::OnceCell::new() }
    }

    /// The agent and the Node of one declared node; nothing where another wait says already why there is none.
    fn find(
        &self,
        name: &str,
        declared: &NodeDeclared,
    ) -> Result<Option<(&'a NodeObserved, usize, &'a KubeNode)>, Box<TimedWait>> {
        let agent = self.names.only(name).and_then(|at| self.agents.get(at)).copied();
        let Some(agent) = agent else { return Ok(None) };
        if let Some(why) = untrusted(agent) {
            return Err(doubt(name, why).into());
        }
        let named = self.named(name);
        let shown = self.shown(agent);
        match (shown.as_slice(), named) {
            ([], None) => Err(not_joined(name, declared.k3s).into()),
            ([], Some((_, node))) => Err(doubt(name, unlike(agent, node)).into()),
            ([at], None) => self.nodes.get(*at).map_or(Ok(None), |node| {
                let doubted = (!shares_address(declared, agent, node)).then(|| nothing_else(node));
                match doubted.or_else(|| other_firmware(agent, node)) {
                    Some(why) => Err(doubt(name, why).into()),
                    None => Ok(Some((agent, *at, *node))),
                }
            }),
            ([at], Some((same, node))) if *at == same => match other_firmware(agent, node) {
                Some(why) => Err(doubt(name, why).into()),
                None => Ok(Some((agent, same, node))),
            },
            (others, named) => Err(doubt(name, self.several(others, named.map(|(at, _)| at))).into()),
        }
    }

    fn named(&self, name: &str) -> Option<(usize, &'a KubeNode)> {
        let at = self.node_names.only(name)?;
        self.nodes.get(at).map(|node| (at, *node))
    }

    /// The Nodes to which what the agent shows leads: one, none, or two that contradict each other.
    fn shown(&self, agent: &NodeObserved) -> Vec<usize> {
        let id = agent.evidence.machine_id.as_str();
        let by_id = self.ids.only(id).and_then(|_| self.node_ids.only(id));
        let node = by_id.and_then(|at| self.nodes.get(at));
        let own = uuid(agent);
        if node.is_some_and(|node| own.is_none_or(|own| node.system_uuid.eq_ignore_ascii_case(own))) {
            return by_id.into_iter().collect();
        }
        let mut found: Vec<usize> = by_id.into_iter().chain(own.and_then(|own| self.by_uuid(own))).collect();
        found.dedup();
        found
    }

    fn by_uuid(&self, own: &str) -> Option<usize> {
        let (agents, nodes) = self.uuids.get_or_init(|| {
            let lower = |text: &str| text.to_ascii_lowercase();
            let agents = self.agents.iter().enumerate();
            let shown = agents.filter_map(|(at, agent)| Some((lower(uuid(agent)?), at)));
            let nodes = self.nodes.iter().enumerate().filter(|(_, node)| !node.system_uuid.is_empty());
            (Index::new(shown), Index::new(nodes.map(|(at, node)| (lower(&node.system_uuid), at))))
        });
        let own = own.to_ascii_lowercase();
        agents.only(&own).and_then(|_| nodes.only(&own))
    }

    fn several(&self, shown: &[usize], named: Option<usize>) -> String {
        let mut names: Vec<&str> = shown
            .iter()
            .copied()
            .chain(named)
            .filter_map(|at| self.nodes.get(at))
            .map(|node| node.name.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        format!("several Nodes may be it: {}; compare machine-id, system UUID and name", names.join(", "))
    }
}

fn filled<'a>(shown: impl Iterator<Item = (&'a str, usize)>) -> Index<&'a str> {
    Index::new(shown.filter(|(value, _)| !value.is_empty()))
}

/// The system UUID, where it is the machine's own: containers show their host's, and a Raspberry Pi has none.
fn uuid(agent: &NodeObserved) -> Option<&str> {
    let own = match agent.kind? {
        PlatformKind::Vm | PlatformKind::BareMetal => true,
        PlatformKind::Lxc
        | PlatformKind::Container
        | PlatformKind::RaspberryPi
        | PlatformKind::ProxmoxHost
        | PlatformKind::UnraidHost
        | PlatformKind::Unrecognised(_) => false,
    };
    agent.uuid.as_deref().filter(|uuid| own && !uuid.is_empty())
}

fn untrusted(agent: &NodeObserved) -> Option<String> {
    match (&agent.standing, &agent.cloned) {
        (Standing::Member, None) => None,
        (Standing::Member, Some(_)) => Some("two machines use the identity of its agent".into()),
        (Standing::Pending { .. }, _) => Some("its agent waits for approval".into()),
        (Standing::Revoked, _) => Some("its agent was revoked".into()),
    }
}

fn shares_address(declared: &NodeDeclared, agent: &NodeObserved, node: &KubeNode) -> bool {
    declared.addresses.iter().chain(&agent.sharing.addresses).any(|own| node.addresses.contains(own))
}

fn doubt(name: &str, why: String) -> TimedWait {
    let message = format!("labels and taints wait: {why}");
    TimedWait::new(format!("node/{name}"), "node-not-matched", message).hint(format!("coordctl describe node {name}"))
}

/// A virtual machine that was copied has its original's machine-id, and another UUID.
fn other_firmware(agent: &NodeObserved, node: &KubeNode) -> Option<String> {
    let own = uuid(agent).filter(|_| !node.system_uuid.is_empty())?;
    let differs = !own.eq_ignore_ascii_case(&node.system_uuid);
    let other = &node.system_uuid;
    differs.then(|| format!("the Node {} has its machine-id and another system UUID ({other}, not {own})", node.name))
}

fn unlike(agent: &NodeObserved, node: &KubeNode) -> String {
    let start =
        |id: &str| if id.is_empty() { "none".into() } else { format!("{}…", id.chars().take(8).collect::<String>()) };
    let (own, other) = (start(&agent.evidence.machine_id), start(&node.machine_id));
    if agent.evidence.machine_id == node.machine_id {
        return format!("the Node {} has its machine-id {own}, and so has another machine", node.name);
    }
    format!("the Node {} has its name and another machine-id ({other}, the machine has {own})", node.name)
}

fn nothing_else(node: &KubeNode) -> String {
    format!("the Node {} has its machine-id or system UUID, but neither its name nor one of its addresses", node.name)
}

fn not_joined(name: &str, role: K3sRole) -> TimedWait {
    let message = format!("{name} is declared as k3s {role}, and the cluster has no such Node");
    TimedWait::new(format!("node/{name}"), "node-not-joined", message).hint("join it with k3s, or declare `k3s: none`")
}

fn disputed_wait(claim: &Matched<'_>) -> TimedWait {
    doubt(
        claim.name,
        format!("another machine looks like the Node {} too; compare machine-id and system UUID", claim.node.name),
    )
}

/// Nodes that nobody declares any more: what Coord set there stays. The claims are in the order of the Nodes.
fn dropped(turn: &Turn<'_>, evidence: &Evidence<'_>, claims: &[(usize, Matched<'_>)]) -> Vec<TimedWait> {
    let declared = |name: &str| turn.desired.nodes.get(name).is_some_and(|declared| runs_k3s(declared.k3s));
    let claimed = |at: &usize| claims.binary_search_by_key(at, |(at, _)| *at).is_ok();
    let unclaimed = evidence.nodes.iter().enumerate().filter(|(at, _)| !claimed(at)).map(|(_, node)| *node);
    let left = unclaimed.filter(|node| !declared(&node.name) && ownership::owns_anything(node));
    left.map(dropped_wait).collect()
}

fn dropped_wait(node: &KubeNode) -> TimedWait {
    let message =
        format!("{} is not declared any more: the labels and taints that Coord set stay as they are", node.name);
    TimedWait::new(format!("node/{}", node.name), "node-dropped", message)
        .hint("declare it again, or take them away by hand")
}
