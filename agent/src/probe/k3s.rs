//! Kubernetes on this machine: the systemd unit, what answers on the loopback, and how long its certificates last.
//!
//! D-Bus is not asked, and but for `k3s --version` nothing is run: unit files and cgroups are text, and the kubelet, the
//! API and etcd answer on 127.0.0.1. Names of keys are read from the configuration, tokens never are.

use coord_model::{
    Reading, Section, Unknown,
    section::{Certificate, CertificateReading, K3s, K3sReading, K3sRole, Snapshot},
};

mod config;
mod etcd;
mod histogram;
mod loopback;
mod process;
mod threads;
mod unit;

pub(crate) use etcd::EtcdMemory;

use crate::{
    host::{Host, KnownVersion},
    probe::Memory,
};

const SOURCE: &str = "systemd's unit files, /sys/fs/cgroup/system.slice, /etc/rancher/k3s, 127.0.0.1";
/// Where the agent's load balancer keeps its servers.
const LOAD_BALANCER: &str = "/var/lib/rancher/k3s/agent/etc/k3s-agent-load-balancer.json";

/// Reads what k3s does here and how it is; its binary is run unless `memory` knows its version.
pub(crate) fn probe(host: &Host, memory: &mut Memory) -> Section<K3s> {
    let reading = match unit::find(host) {
        Ok(Some(unit)) => installed(host, &unit, memory),
        Ok(None) => everywhere(Ok(K3sRole::None), &Unknown::not_applicable("k3s is not installed here")),
        Err(reason) => everywhere(Err(reason.clone()), &reason),
    };
    Section::read(SOURCE, reading.into())
}

/// What the binary says, remembered until another binary lies there.
fn version(host: &Host, memory: &mut Memory) -> Reading<String> {
    // Looked at before it is run: a binary that is replaced meanwhile is run again the next time.
    let stamp = host.k3s_binary();
    let version = host.k3s_version(memory.k3s.as_ref());
    if let (Ok(stamp), Ok(version)) = (stamp, &version) {
        memory.k3s = Some(KnownVersion { stamp, version: version.clone() });
    }
    version
}

/// A machine with a k3s unit.
fn installed(host: &Host, unit: &unit::Unit, memory: &mut Memory) -> K3sReading {
    let config = config::read(host, unit);
    let answers = loopback::ask(host, unit.role);
    let files = host.root_fact(|answers| &answers.certificates);
    let ready = answers.etcd_ready.clone();
    K3sReading {
        role: Ok(unit.role),
        unit: Ok(unit.name.clone()),
        unit_state: unit.process.as_ref().map(process::Process::state).map_err(Clone::clone),
        unit_since_seconds: process::since(host, unit.process.as_ref().map_err(Clone::clone)),
        enabled: unit::enabled(host, &unit.name),
        version: version(host, memory),
        datastore: config.datastore(host, unit.role, &answers.etcd_ready),
        server_url: config.server_url(host, unit),
        kubelet_healthy: answers.kubelet_healthy.clone(),
        apiserver_reachable: answers.api.reachable.clone(),
        apiserver_detail: answers.api.detail.clone(),
        load_balancer: load_balancer(host, unit.role),
        blocked_threads: threads::blocked(host, unit.process.as_ref().map_err(Clone::clone)),
        certificate_files: files
            .as_ref()
            .map(|files| u32::try_from(files.len()).unwrap_or(u32::MAX))
            .map_err(Clone::clone),
        certificates: certificates(files.unwrap_or_default(), &answers),
        etcd: ready.map(|ready| etcd::member(ready, &answers.etcd_metrics, &mut memory.etcd).into()),
        snapshots: snapshots(host, unit.role),
    }
}

/// The same reason for every value but the role.
fn everywhere(role: Reading<K3sRole>, reason: &Unknown) -> K3sReading {
    K3sReading {
        role,
        unit: Err(reason.clone()),
        unit_state: Err(reason.clone()),
        unit_since_seconds: Err(reason.clone()),
        enabled: Err(reason.clone()),
        version: Err(reason.clone()),
        datastore: Err(reason.clone()),
        server_url: Err(reason.clone()),
        kubelet_healthy: Err(reason.clone()),
        apiserver_reachable: Err(reason.clone()),
        apiserver_detail: Err(reason.clone()),
        load_balancer: Err(reason.clone()),
        blocked_threads: Err(reason.clone()),
        certificate_files: Err(reason.clone()),
        certificates: Err(reason.clone()),
        etcd: Err(reason.clone()),
        snapshots: Err(reason.clone()),
    }
}

/// Whether k3s runs the control plane here.
fn is_server(role: K3sRole) -> bool {
    match role {
        K3sRole::Server => true,
        K3sRole::Agent | K3sRole::None | K3sRole::Unrecognised(_) => false,
    }
}

/// The addresses in the agent's own file; servers have none.
fn load_balancer(host: &Host, role: K3sRole) -> Reading<Vec<String>> {
    if is_server(role) {
        return Err(Unknown::not_applicable("a server speaks to its own API"));
    }
    config::load_balancer(&host.text(LOAD_BALANCER)?)
}

/// Certificates that were shown in a handshake, then those that the helper read from files.
fn certificates(files: Vec<Certificate>, answers: &loopback::Answers) -> Reading<Vec<Certificate>> {
    let (api, kubelet) = (&answers.api, &answers.kubelet_certificate);
    let shown = [("apiserver", api.address, &api.certificate), ("kubelet", loopback::KUBELET, kubelet)];
    let mut rows: Vec<Certificate> =
        shown.iter().filter_map(|(name, source, left)| Some(row(name, source, *left.as_ref().ok()?))).collect();
    rows.extend(files);
    match (rows.is_empty(), kubelet) {
        (true, Err(reason)) => Err(reason.clone()),
        (true, Ok(_)) | (false, _) => Ok(rows),
    }
}

fn row(name: &str, source: &str, left: f64) -> Certificate {
    CertificateReading { name: Ok(name.into()), source: Ok(source.into()), seconds_left: Ok(left) }.into()
}

fn snapshots(host: &Host, role: K3sRole) -> Reading<Vec<Snapshot>> {
    if !is_server(role) {
        return Err(Unknown::not_applicable("an agent has no etcd"));
    }
    host.root_fact(|answers| &answers.snapshots)
}

#[cfg(test)]
mod tests;
