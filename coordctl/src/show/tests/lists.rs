//! Golden tables of `get`.

use std::collections::BTreeMap;

use coord_model::{
    DiskRow, EventRow, GpuRow, MountRow, TokenRow, TokenState, Unknown, ValueState,
    section::{Filesystem, GpuAccess, GpuDevice, GpuReason, Mount, MountState},
};
use insta::assert_snapshot;

use super::{fixtures::homelab, look, plain};
use crate::show::{Look, lists};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn unknown(field: &str, state: ValueState) -> BTreeMap<String, Unknown> {
    BTreeMap::from([(field.to_owned(), Unknown::new(state, ""))])
}

fn gpu(node: &str, access: GpuAccess) -> GpuRow {
    let gpu = GpuDevice {
        address: text("0000:00:02.0"),
        name: text("Intel UHD Graphics 630"),
        driver: text("i915"),
        render_node: text("renderD128"),
        runtime_status: text("active"),
        access: Some(access),
        ..GpuDevice::default()
    };
    GpuRow { node: node.to_owned(), age_seconds: 2.0, gpu }
}

#[test]
fn nodes() {
    let nodes = homelab().nodes;
    let wide = Look { wide: true, ..look(120) };
    let (short, long) = (lists::nodes(&nodes, look(80)), lists::nodes(&nodes[..2], wide));
    assert_snapshot!(plain(&format!("{short}\n{long}")));
}

#[test]
fn gpus() {
    let yes =
        GpuAccess { usable_by_root: Some(true), mode: text("0660"), group: text("render"), ..GpuAccess::default() };
    let no = GpuAccess { usable_by_root: Some(false), reason: Some(GpuReason::DeviceCgroup), ..GpuAccess::default() };
    let denied = GpuAccess { unknown: unknown("usableByRoot", ValueState::Denied), ..GpuAccess::default() };
    let rows = [gpu("k3s-w3", no), gpu("proxmox", denied), gpu("unraid", yes)];
    let wide = Look { wide: true, ..look(120) };
    assert_snapshot!(plain(&format!("{}\n{}", lists::gpus(&rows, look(80)), lists::gpus(&rows, wide))));
}

#[test]
fn disks() {
    let full = Filesystem {
        path: text("/"),
        kind: text("ext4"),
        size_bytes: Some(60 << 30),
        available_bytes: Some(38 << 30),
        read_only: Some(false),
        disk: text("sda"),
        rotational: Some(false),
        ..Filesystem::default()
    };
    let stuck = Filesystem {
        path: text("/mnt/disk1"),
        kind: text("xfs"),
        rotational: Some(true),
        disk: text("sdb"),
        unknown: unknown("sizeBytes", ValueState::Timeout),
        ..Filesystem::default()
    };
    let row = |node: &str, filesystem| DiskRow { node: node.to_owned(), age_seconds: 31.0, filesystem };
    assert_snapshot!(plain(&lists::disks(&[row("k3s-w3", full), row("unraid", stuck)], look(80))));
}

#[test]
fn mounts() {
    let mount = |name: &str, state| Mount {
        paths: Some(vec![format!("/data/{name}")]),
        kind: text("nfs4"),
        source: Some(format!("192.168.1.29:/mnt/user/{name}")),
        state,
        ..Mount::default()
    };
    let row = |mount| MountRow { node: "k3s-w2".to_owned(), age_seconds: 3.0, mount };
    let rows = [
        row(mount("media", Some(MountState::ServiceDown))),
        row(mount("transcode", Some(MountState::Ok))),
        row(mount("new", None)),
    ];
    assert_snapshot!(plain(&lists::mounts(&rows, look(80))));
}

#[test]
fn tokens() {
    let token = |name, state| TokenRow {
        id: "9f3a".to_owned(),
        role: "node".to_owned(),
        name,
        state,
        created: "2026-11-23T11:50:00Z".to_owned(),
        expires: "2026-11-23T12:05:00Z".to_owned(),
        created_by: "ada".to_owned(),
        replace: false,
    };
    let rows = [token(text("k3s-w3"), TokenState::Unused), token(None, TokenState::Locked)];
    let wide = Look { wide: true, ..look(120) };
    assert_snapshot!(plain(&format!("{}\n{}", lists::tokens(&rows, look(80)), lists::tokens(&rows, wide))));
}

#[test]
fn events() {
    let event = |id, time: &str, subject: &str, message: &str, count| EventRow {
        id,
        time: time.to_owned(),
        subject: subject.to_owned(),
        message: message.to_owned(),
        count,
    };
    let rows = [
        event(1, "2026-11-21T09:00:00Z", "node/k3s-w3", "agent upgraded 0.0.9 -> 0.1.0", 1),
        event(
            2,
            "2026-11-23T11:59:53Z",
            "coordinator",
            "a caller without a certificate showed a wrong secret with \
            the id of token 9f3a and was turned away",
            4,
        ),
    ];
    let wide = Look { wide: true, ..look(120) };
    assert_snapshot!(plain(&format!("{}\n{}", lists::events(&rows, look(80)), lists::events(&rows, wide))));
}

#[test]
fn nothing_is_said_to_be_nothing() {
    assert_eq!(lists::gpus(&[], look(80)), "no GPUs\n");
    assert_eq!(lists::events(&[], look(80)), "no events\n");
}
