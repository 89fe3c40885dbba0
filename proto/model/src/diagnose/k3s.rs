//! Problems of Kubernetes on this machine.

use alloc::{format, vec::Vec};

use crate::{
    Code, Problem, Report,
    section::{Certificate, K3s, K3sRole, UnitState},
};

mod etcd;

pub(super) use etcd::holds_etcd;

/// k3s renews a certificate at a restart within this time of its end (v1.34: 120 days; before May 2025: 90).
const SOON: f64 = 30.0 * 86_400.0;
/// A unit that takes longer than this to start is waiting for something that does not come.
const LONG_START: f64 = 300.0;

/// Unit, kubelet, API, certificates and etcd.
pub(super) fn k3s(report: &Report, problems: &mut Vec<Problem>) {
    let Some(k3s) = report.k3s.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    match k3s.role {
        Some(K3sRole::Server | K3sRole::Agent) => {}
        Some(K3sRole::None | K3sRole::Unrecognised(_)) | None => return,
    }
    problems.extend(unit(k3s));
    if k3s.unit_state == Some(UnitState::Active) {
        problems.extend(answers(k3s));
    }
    problems.extend(k3s.certificates.iter().flatten().filter_map(certificate));
    problems.extend(etcd::etcd(report, k3s));
}

fn unit(k3s: &K3s) -> Option<Problem> {
    let name = k3s.unit.as_deref().unwrap_or("k3s");
    let hint = format!("systemctl status {name}; journalctl -u {name} -n 100");
    match k3s.unit_state? {
        UnitState::Active | UnitState::Deactivating | UnitState::Unrecognised(_) => None,
        UnitState::Activating if k3s.unit_since_seconds.unwrap_or(0.0) < LONG_START => None,
        UnitState::Activating => {
            let minutes = k3s.unit_since_seconds.unwrap_or(0.0) / 60.0;
            let message = format!("{name} has been starting for {minutes:.0} min");
            Some(Problem::new(Code::K3sActivating, "k3s", message).hint(hint))
        }
        UnitState::Inactive if k3s.enabled == Some(false) => None,
        UnitState::Inactive => {
            Some(Problem::new(Code::K3sUnitFailed, "k3s", format!("{name} is not running")).hint(hint))
        }
        UnitState::Failed => Some(Problem::new(Code::K3sUnitFailed, "k3s", format!("{name} has failed")).hint(hint)),
    }
}

fn answers(k3s: &K3s) -> Vec<Problem> {
    let mut problems = Vec::new();
    if k3s.kubelet_healthy == Some(false) {
        problems.push(Problem::new(Code::KubeletUnhealthy, "k3s", "the kubelet does not say that it is healthy"));
    }
    if k3s.apiserver_reachable == Some(false) {
        let detail = k3s.apiserver_detail.as_deref().unwrap_or("no answer");
        let message = format!("the Kubernetes API cannot be reached from here: {detail}");
        problems.push(Problem::new(Code::ApiserverUnreachable, "k3s", message));
    }
    problems
}

fn certificate(certificate: &Certificate) -> Option<Problem> {
    let (name, left) = (certificate.name.as_deref().unwrap_or("a certificate"), certificate.seconds_left?);
    let days = left / 86_400.0;
    let hint = "restart k3s on this node: it renews its certificates when it starts";
    match left {
        left if left < 0.0 => {
            let message = format!("the certificate {name} of k3s expired {:.0} days ago", -days);
            Some(Problem::new(Code::CertificateExpired, "k3s", message).hint(hint))
        }
        left if left < SOON => {
            let message = format!("the certificate {name} of k3s expires in {days:.0} days");
            Some(Problem::new(Code::CertificateExpiring, "k3s", message).hint(hint))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
