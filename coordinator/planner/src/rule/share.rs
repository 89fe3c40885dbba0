//! What two machines show together about a mount: one mounts, the other exports, and each knows half of the reason.

use alloc::{format, string::String, vec::Vec};

use coord_model::{Code, Problem};

use super::condition;
use crate::{NetworkMount, NodeObserved};

/// `mount-below-export`: a folder inside an export is mounted. `members` is in order.
pub(crate) fn below_exports(members: &[&NodeObserved]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for node in members.iter().filter(|node| condition::counts(node)) {
        for mount in &node.sharing.mounts {
            let servers = members.iter().filter(|server| server.id != node.id && serves(server, mount));
            problems.extend(servers.filter_map(|server| below(node, mount, server)).next());
        }
    }
    problems
}

/// The problem, where what is mounted lies strictly inside an export and is none itself.
fn below(node: &NodeObserved, mount: &NetworkMount, server: &NodeObserved) -> Option<Problem> {
    let wanted = trimmed(&mount.export);
    if server.sharing.exports.iter().any(|export| trimmed(export) == wanted) {
        return None;
    }
    let inside = |export: &&String| wanted.strip_prefix(trimmed(export)).is_some_and(|rest| rest.starts_with('/'));
    let export = server.sharing.exports.iter().filter(inside).max_by_key(|export| export.len())?;
    let message = format!(
        "{} mounts {wanted} of {}, a folder inside the export {export}: a restart of the server can leave it stale",
        mount.path, server.name
    );
    let hint = format!("mount {export} and use the folder below it, or export {wanted} on {}", server.name);
    Some(Problem::new(Code::MountBelowExport, &node.name, message).hint(hint))
}

/// Finds a cause in the report of a server.
type Cause = fn(&NodeObserved) -> Option<String>;

/// The problem with the cause that only the server's report shows, where it shows one. `problem` is relative to `node`.
pub(crate) fn sharpened(node: &NodeObserved, problem: &Problem, all: &[NodeObserved]) -> Problem {
    let causes: [(Code, Cause); 2] = [(Code::MountStale, moves), (Code::MountSlow, sleeps)];
    let Some((_, cause)) = causes.into_iter().find(|(code, _)| *code == problem.code) else { return problem.clone() };
    let path = problem.subject.strip_prefix("mount/").unwrap_or_default();
    let mount = node.sharing.mounts.iter().find(|mount| mount.path == path);
    let Some(mount) = mount else { return problem.clone() };
    let servers = all.iter().filter(|server| server.id != node.id && condition::counts(server));
    let told = servers.filter(|server| serves(server, mount)).filter_map(cause).min();
    match (told, &problem.hint) {
        (None, _) => problem.clone(),
        (Some(told), None) => problem.clone().hint(told),
        (Some(told), Some(hint)) => problem.clone().hint(format!("{told}; then: {hint}")),
    }
}

/// Files move between disks, which is what makes handles of an exported user share stale.
fn moves(server: &NodeObserved) -> Option<String> {
    let name = &server.name;
    server
        .sharing
        .mover_running
        .then(|| format!("the mover of {name} moves files between disks now; wait until it is done"))
}

/// Disks sleep, so the first who asks waits.
fn sleeps(server: &NodeObserved) -> Option<String> {
    let disks = server.sharing.sleeping_disks.join(", ");
    let wait = "the first access waits 10 to 30 s until they turn";
    (!disks.is_empty()).then(|| format!("disks of {} are spun down ({disks}): {wait}", server.name))
}

/// Whether `node` is the server of `mount`, by one of its addresses or its host name.
fn serves(node: &NodeObserved, mount: &NetworkMount) -> bool {
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let host = short(&node.evidence.host_name);
    mount.servers.iter().any(|server| {
        let address = node.sharing.addresses.iter().any(|address| address == server);
        let name = !host.is_empty() && server.parse::<core::net::IpAddr>().is_err() && short(server) == host;
        address || name
    })
}

/// Without slashes at its end; the root is empty.
fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_name_is_compared_without_its_domain_and_an_address_never() {
        let node = |host: &str| {
            let mut node = NodeObserved::default();
            node.evidence.host_name = host.to_string();
            node
        };
        let mount = |server: &str| NetworkMount { servers: [server.to_string()].into(), ..NetworkMount::default() };
        assert!(serves(&node("Unraid"), &mount("unraid.lan")));
        assert!(!serves(&node("192"), &mount("192.168.1.29")));
        assert!(!serves(&node(""), &mount("")));
    }
}
