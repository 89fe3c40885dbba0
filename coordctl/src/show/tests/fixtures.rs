//! The example home as documents: what the coordinator would answer on its screens' day.

use coord_model::{
    API_VERSION, Action, Check, CheckGroup, CheckRow, Code, CoordinatorStatus, GpuSummary, Health, MountSummary,
    NodeStatus, Problem, Status, Wait, Why,
};

/// What time it is there.
pub(super) const NOW: &str = "2026-11-23T12:00:00Z";

/// Zone, name, platform, role, seen.
type Line = (&'static str, &'static str, &'static str, &'static str, f64);

const NODES: [Line; 8] = [
    ("pi", "k3s-cp3", "raspberry pi 5", "server", 2.0),
    ("proxmox", "k3s-cp1", "proxmox vm", "server", 1.0),
    ("proxmox", "k3s-w1", "proxmox vm", "agent", 3.4),
    ("proxmox", "k3s-w3", "proxmox lxc", "agent", 1.0),
    ("proxmox", "proxmox", "proxmox host", "none", 4.0),
    ("unraid", "k3s-cp2", "unraid vm", "server", 2.0),
    ("unraid", "k3s-w2", "unraid vm", "agent", 5.0),
    ("unraid", "unraid", "unraid host", "none", 2.0),
];

pub(super) fn gpu_problem() -> Problem {
    Problem::new(
        Code::GpuDeviceCgroup,
        "k3s-w3",
        "GPU i915 at 0000:00:02.0 is there, but this container may not open it: its device cgroup has no entry for \
         226:128",
    )
    .hint("on proxmox, add to the container's configuration:\ndev0: /dev/dri/renderD128,gid=993")
}

fn mount_problem() -> Problem {
    let mut problem = Problem::new(
        Code::MountServiceDown,
        "mount/media",
        "mount media has not answered for 40s, 192.168.1.29 answers ping but not NFS; nothing is moved because of it",
    );
    problem.severity = coord_model::Severity::Warning;
    problem
}

fn node(line: &Line) -> NodeStatus {
    let (zone, name, platform, role, seen) = *line;
    NodeStatus {
        name: name.to_owned(),
        id: format!("{:0>64}", name.len()),
        zone: Some(zone.to_owned()),
        platform: Some(platform.to_owned()),
        guest_of: None,
        role: Some(role.to_owned()),
        health: Health::Ready,
        health_seconds: Some(10_800.0),
        last_seen_seconds: Some(seen),
        agent_version: Some("0.1.0".to_owned()),
        gpus: Some(gpus(name)),
        mounts: Some(if role == "agent" { MountSummary { answering: 2, total: 2 } } else { no_mounts() }),
        problems: Vec::new(),
        unknown: Default::default(),
    }
}

fn no_mounts() -> MountSummary {
    MountSummary { answering: 0, total: 0 }
}

fn gpus(name: &str) -> Vec<GpuSummary> {
    let driver = match name {
        "k3s-cp3" => "v3d",
        "k3s-w3" | "proxmox" | "unraid" => "i915",
        _ => return Vec::new(),
    };
    vec![GpuSummary { driver: driver.to_owned(), usable: Some(true) }]
}

/// Everything works.
pub(super) fn well() -> Status {
    Status {
        api_version: API_VERSION.to_owned(),
        kind: "Status".to_owned(),
        fleet: "homelab".to_owned(),
        healthy: true,
        stale: false,
        coordinator: CoordinatorStatus {
            version: "0.1.0".to_owned(),
            uptime_seconds: 12.3 * 86_400.0,
            instance: "c".to_owned(),
        },
        nodes: NODES.iter().map(node).collect(),
        problems: Vec::new(),
        actions: Vec::new(),
        waits: Vec::new(),
    }
}

/// As on the screen of the design: a GPU that cannot be opened, a mount that does not answer, and one of each rarer
/// state.
pub(super) fn homelab() -> Status {
    let mut status = well();
    status.healthy = false;
    for node in &mut status.nodes {
        match node.name.as_str() {
            "k3s-w3" => {
                node.health = Health::Degraded;
                node.problems = vec![gpu_problem()];
                node.gpus = Some(vec![GpuSummary { driver: "i915".to_owned(), usable: Some(false) }]);
            }
            "k3s-w2" => {
                node.health = Health::Degraded;
                node.problems = vec![mount_problem(), Problem::new(Code::AgentIsRoot, "", "the agent runs as root")];
                node.mounts = Some(MountSummary { answering: 1, total: 2 });
            }
            "proxmox" => node.gpus = Some(vec![GpuSummary { driver: "i915".to_owned(), usable: None }]),
            "k3s-cp2" => (node.gpus, node.mounts, node.role) = (None, None, None),
            _ => {}
        }
    }
    status.actions = vec![Action {
        subject: "worker/plex/unraid".to_owned(),
        message: "start worker plex/unraid (image pulled, waiting for healthy)".to_owned(),
        elapsed_seconds: 8.0,
        deadline_seconds: 60.0,
    }];
    status.waits = vec![wait()];
    status
}

fn wait() -> Wait {
    Wait {
        subject: "node/k3s-cp3".to_owned(),
        reason: "approval".to_owned(),
        message: "its identity is known, its evidence is not: machine-id 9e20… instead of 2f1c…".to_owned(),
        hint: Some("coordctl node approve k3s-cp3".to_owned()),
        until: None,
    }
}

/// About the LXC without its GPU.
pub(super) fn why_document() -> Why {
    Why {
        api_version: API_VERSION.to_owned(),
        kind: "Why".to_owned(),
        stale: false,
        subject: "node/k3s-w3".to_owned(),
        summary: "k3s-w3 is degraded since 3h: 1 error".to_owned(),
        problems: vec![gpu_problem()],
        waits: vec![wait()],
    }
}

/// A coordinator that is fine and a node that is not.
pub(super) fn check_document() -> Check {
    let fine = |message: &str| CheckRow { message: message.to_owned(), problem: None };
    let wrong = |problem: Problem| CheckRow { message: problem.message.clone(), problem: Some(problem) };
    let coordinator = vec![fine("store is writable"), fine("clock is synchronised")];
    let node = vec![
        fine("session since 3h"),
        wrong(gpu_problem()),
        wrong(mount_problem().hint("systemctl restart nfs-server")),
        wrong(Problem::new(Code::AgentIsRoot, "", "the agent runs as root")),
    ];
    Check {
        api_version: API_VERSION.to_owned(),
        kind: "Check".to_owned(),
        stale: false,
        groups: vec![
            CheckGroup { name: "coordinator".to_owned(), checks: coordinator },
            CheckGroup { name: "k3s-w3".to_owned(), checks: node },
        ],
    }
}
