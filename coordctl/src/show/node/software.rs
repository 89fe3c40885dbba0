//! What runs there and how it is connected: k3s, Docker, network, USB sticks, Unraid, the agent itself.

use coord_model::{
    Report,
    section::{Etcd, K3s},
};

use super::{
    facts,
    sheet::{Sheet, list},
};
use crate::show::text::{age, short_time, size};

/// k3s in one or two lines.
pub(super) fn kubernetes(sheet: &mut Sheet, report: &Report) {
    let Some(k3s) = facts(sheet, "Kubernetes", report.k3s.as_ref()) else { return };
    if k3s.role == Some(coord_model::section::K3sRole::None) {
        return sheet.fact("kubernetes", "k3s is not installed");
    }
    sheet.fact("kubernetes", &k3s_words(k3s));
    if let Some(etcd) = &k3s.etcd {
        sheet.fact("etcd", &etcd_words(etcd));
    }
    let soonest = k3s.certificates.iter().flatten().filter_map(|one| Some((one.seconds_left?, one.name.as_ref()?)));
    if let Some((left, name)) = soonest.min_by(|a, b| a.0.total_cmp(&b.0)) {
        let when = if left > 0.0 { format!("in {}", age(left)) } else { format!("{} ago", age(-left)) };
        sheet.fact("", &format!("first certificate to end: {name}, {when}"));
    }
}

fn k3s_words(k3s: &K3s) -> String {
    let said = |flag: Option<bool>, yes: &str, no: &str| flag.map(|flag| if flag { yes } else { no }.to_owned());
    let state = k3s.unit_state.map(|state| match k3s.unit_since_seconds {
        Some(since) => format!("{state} {}", age(since)),
        None => state.to_string(),
    });
    let role =
        k3s.role.map(|role| format!("k3s {role}{}", k3s.version.as_ref().map_or(String::new(), |v| format!(" {v}"))));
    list([
        role,
        state,
        said(k3s.kubelet_healthy, "kubelet healthy", "kubelet not healthy"),
        said(k3s.apiserver_reachable, "API reachable", "API not reachable"),
        k3s.datastore.as_ref().map(|name| format!("datastore {name}")),
    ])
}

/// What decides whether a member is good for its vote, side by side.
fn etcd_words(etcd: &Etcd) -> String {
    let quota =
        |bytes: u64| etcd.quota_bytes.map_or_else(|| size(bytes), |all| format!("{} of {}", size(bytes), size(all)));
    list([
        etcd.voter.map(|voter| if voter { "voter" } else { "learner" }.to_owned()),
        etcd.has_leader.filter(|yes| !yes).map(|_| "no leader".to_owned()),
        etcd.sync_p99_seconds.map(|seconds| format!("fsync {} at the 99th percentile", short_time(seconds))),
        etcd.commit_p99_seconds.map(|seconds| format!("commit {}", short_time(seconds))),
        etcd.leader_changes.map(|changes| format!("{changes} leader changes")),
        etcd.database_bytes.map(quota),
    ])
}

/// Whether there is a Docker engine.
pub(super) fn docker(sheet: &mut Sheet, report: &Report) {
    let Some(docker) = facts(sheet, "Docker", report.docker.as_ref()) else { return };
    if docker.present == Some(true) {
        let running = docker.running.map(|yes| if yes { "running" } else { "installed, not running" }.to_owned());
        sheet.fact("docker", &list([docker.version.clone(), running, docker.socket.clone()]));
    }
}

/// Interfaces with their addresses.
pub(super) fn network(sheet: &mut Sheet, report: &Report) {
    let Some(network) = facts(sheet, "Network", report.network.as_ref()) else { return };
    sheet.head("Network");
    for interface in network.interfaces.iter().flatten() {
        let text = list([
            interface.state.clone(),
            interface.addresses.as_ref().map(|addresses| addresses.join(" ")),
            interface.mtu.map(|bytes| format!("mtu {bytes}")),
            interface.speed_megabits.map(|speed| format!("{speed} Mbit/s")),
            interface.mac.clone(),
        ]);
        sheet.fact(interface.name.as_deref().unwrap_or("?"), &text);
    }
    let route = list([network.gateway.clone(), network.default_interface.as_ref().map(|name| format!("by {name}"))]);
    if !route.is_empty() {
        sheet.fact("router", &route);
    }
}

/// Serial sticks.
pub(super) fn usb(sheet: &mut Sheet, report: &Report) {
    let Some(usb) = facts(sheet, "USB", report.usb.as_ref()) else { return };
    let Some(devices) = usb.serial_devices.as_ref().filter(|devices| !devices.is_empty()) else { return };
    sheet.head("USB");
    for device in devices {
        let missing = device.present.filter(|yes| !yes).map(|_| "no node in /dev here".to_owned());
        let text = list([device.product.clone(), device.manufacturer.clone(), device.candidate.clone(), missing]);
        sheet.fact(device.tty.as_deref().unwrap_or("?"), &text);
    }
}

/// Array, parity and disks of an Unraid host.
pub(super) fn unraid(sheet: &mut Sheet, report: &Report) {
    let Some(unraid) = facts(sheet, "Unraid", report.unraid.as_ref()) else { return };
    if unraid.version.is_none() && unraid.array_state.is_none() {
        return;
    }
    sheet.head("Unraid");
    let parity = unraid.parity.as_ref().map(|parity| match (parity.running, parity.progress_percent) {
        (Some(true), Some(percent)) => format!("parity check at {percent:.0} %"),
        (Some(true), None) => "parity check running".to_owned(),
        (Some(false) | None, Some(_) | None) => String::new(),
    });
    let mover = unraid.mover_running.filter(|yes| *yes).map(|_| "mover running".to_owned());
    let array = unraid.array_state.as_ref().map(|state| format!("array {state}"));
    sheet.fact("array", &list([array, unraid.version.clone(), parity, mover]));
    for disk in unraid.disks.iter().flatten() {
        let asleep = disk.spun_down.filter(|yes| *yes).map(|_| "asleep".to_owned());
        let errors = disk.errors.filter(|errors| *errors > 0).map(|errors| format!("{errors} errors"));
        let text = list([disk.status.clone(), disk.device.clone(), disk.size_bytes.map(size), asleep, errors]);
        sheet.fact(disk.name.as_deref().unwrap_or("?"), &text);
    }
}

/// The agent itself.
pub(super) fn agent(sheet: &mut Sheet, report: &Report) {
    let Some(agent) = facts(sheet, "Agent", report.agent.as_ref()) else { return };
    sheet.head("Agent");
    let text = list([
        agent.version.clone(),
        agent.user.as_ref().map(|user| format!("runs as {user}")),
        agent.started_seconds.map(|seconds| format!("up {}", age(seconds))),
        agent.helper.map(|helper| format!("helper {helper}")),
        agent.recorded_from.as_ref().map(|from| format!("reads the recorded host {from}")),
    ]);
    sheet.fact("agent", &text);
    if let Some(error) = &agent.configuration_error {
        sheet.fact("", &format!("configuration not used: {error}"));
    }
}
