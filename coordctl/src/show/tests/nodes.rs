//! Golden screens of `describe node`.

use std::collections::BTreeMap;

use coord_model::{
    API_VERSION, EventRow, Failure, IdentityView, MachineEvidence, NodeDetail, Report, Section, Unknown, ValueState,
    section::{
        Codecs, Disk, Filesystem, Gpu, GpuAccess, GpuDevice, K3s, K3sRole, Layer, Mount, MountState, Mounts, Platform,
        PlatformKind, System, UnitState,
    },
};
use insta::assert_snapshot;

use super::{fixtures::homelab, look, plain, stale};
use crate::show::{Look, node};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn reasons<const N: usize>(reasons: [(&str, Unknown); N]) -> BTreeMap<String, Unknown> {
    reasons.into_iter().map(|(field, reason)| (field.to_owned(), reason)).collect()
}

fn gpu() -> Gpu {
    let access = GpuAccess {
        usable_by_root: Some(false),
        detail: text("device cgroup refuses 226:128 (EPERM)"),
        mode: text("0660"),
        group: text("render"),
        group_id: Some(993),
        ..GpuAccess::default()
    };
    let codecs = Codecs { unknown: reasons([("decode", Unknown::denied("not opened yet"))]), ..Codecs::default() };
    let device = GpuDevice {
        address: text("0000:00:02.0"),
        name: text("Intel UHD Graphics 630"),
        driver: text("i915"),
        render_node: text("renderD128"),
        runtime_status: text("active"),
        access: Some(access),
        codecs: Some(codecs),
        unknown: reasons([("users", Unknown::new(ValueState::NotImplemented, ""))]),
        ..GpuDevice::default()
    };
    Gpu { devices: Some(vec![device]), ..Gpu::default() }
}

fn mounts() -> Mounts {
    let mount = Mount {
        source: text("192.168.1.29:/mnt/user/transcode"),
        kind: text("nfs4"),
        paths: Some(vec!["/data/transcode".to_owned(), "/var/lib/kubelet/pods/1".to_owned()]),
        read_only: Some(false),
        state: Some(MountState::Ok),
        round_trip_seconds: Some(0.0007),
        size_bytes: Some(931 << 30),
        available_bytes: Some(412 << 30),
        ..Mount::default()
    };
    Mounts { mounts: Some(vec![mount]), ..Mounts::default() }
}

fn platform() -> Platform {
    let layer = Layer {
        kind: Some(PlatformKind::Lxc),
        name: text("proxmox"),
        privileged: Some(true),
        evidence: Some(vec!["container=lxc in pid 1".to_owned(), "lxcfs on /proc".to_owned()]),
        ..Layer::default()
    };
    Platform {
        label: text("proxmox lxc"),
        layers: Some(vec![layer]),
        architecture: text("x86_64"),
        kernel: text("6.14.11-4-pve"),
        ..Platform::default()
    }
}

fn report() -> Report {
    let k3s = K3s {
        role: Some(K3sRole::Agent),
        version: text("v1.34.3+k3s1"),
        unit_state: Some(UnitState::Active),
        unit_since_seconds: Some(10_800.0),
        kubelet_healthy: Some(true),
        ..K3s::default()
    };
    let system = System {
        processors: Some(8),
        load_1: Some(0.94),
        memory_total_bytes: Some(16 << 30),
        memory_available_bytes: Some(10 << 30),
        memory_source: text("cgroup"),
        clock_synchronised: Some(true),
        unknown: reasons([("temperatures", Unknown::absent("no sensor"))]),
        ..System::default()
    };
    let root = Filesystem {
        path: text("/"),
        kind: text("ext4"),
        unknown: reasons([("availableBytes", Unknown::new(ValueState::Timeout, "statvfs did not return in 3 s"))]),
        ..Filesystem::default()
    };
    let network = Failure { reason: ValueState::Error, message: "cannot read /sys/class/net".to_owned() };
    Report {
        platform: Some(Section::read("/proc", platform())),
        k3s: Some(Section::read("systemd", k3s)),
        gpu: Some(Section::read("/sys/class/drm", gpu())),
        mounts: Some(Section::read("/proc/self/mountinfo", mounts())),
        disk: Some(Section::read("/proc/self/mountinfo", Disk { filesystems: Some(vec![root]), ..Disk::default() })),
        system: Some(Section::read("/proc", system)),
        network: Some(Section::failed("/sys/class/net", network)),
        ..Report::default()
    }
}

fn detail() -> NodeDetail {
    let node = homelab().nodes.into_iter().find(|node| node.name == "k3s-w3").unwrap();
    NodeDetail {
        api_version: API_VERSION.to_owned(),
        kind: "Node".to_owned(),
        stale: false,
        node,
        identity: IdentityView {
            id: "5f".repeat(32),
            enrolled: "2026-10-14T08:00:00Z".to_owned(),
            certificate_expires: "2026-11-24T07:00:00Z".to_owned(),
            certificate_seconds_left: 68_400.0,
            address: "192.168.1.53:41234".to_owned(),
            evidence: MachineEvidence { machine_id: "2f1c".repeat(8), ..MachineEvidence::default() },
        },
        report: report(),
        labels: super::plan::kept(),
        events: vec![EventRow {
            id: 7,
            time: "2026-11-23T09:00:00Z".to_owned(),
            subject: "node/k3s-w3".to_owned(),
            message: "gpu usable -> not usable (device cgroup) after boot".to_owned(),
            count: 1,
        }],
    }
}

#[test]
fn a_node_at_80_columns() {
    let screen = plain(&node::node(&detail(), None, look(80)));
    super::assert_fits(&screen, 80);
    assert_snapshot!("describe_80", screen);
}

#[test]
fn a_node_at_120_columns_with_everything() {
    let wide = Look { wide: true, ..look(120) };
    assert_snapshot!("describe_wide_120", plain(&node::node(&detail(), None, wide)));
}

#[test]
fn a_node_that_never_reported() {
    let mut silent = detail();
    silent.report = Report::default();
    silent.events.clear();
    silent.labels.clear();
    silent.identity = IdentityView::default();
    (silent.node.last_seen_seconds, silent.node.agent_version) = (None, None);
    silent.node.problems.clear();
    assert_snapshot!(plain(&node::node(&silent, Some(&stale()), look(80))));
}
