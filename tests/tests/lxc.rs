//! Real LXC containers with a render node: what coord-agent says inside of a device cgroup that refuses it, of a mode
//! that does, of a mount that does, of a group that is mapped nowhere, and of a node with nothing behind it.
//!
//! The helper runs inside too, as it would from its socket unit; only the sysfs is that of a recorded host.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{fs, os::unix::fs::PermissionsExt};

use coord_model::{
    Problem, Report,
    section::{CodecSource, GpuDevice, GpuReason},
};
use coord_tests::skip::skipped;

use self::container::{Container, RENDER, Shape};

#[path = "lxc/container.rs"]
mod container;

/// The container, or none where this machine has none, which is said.
fn started(name: &str, shape: Shape) -> Option<Container> {
    match container::possible().and_then(|()| Container::start(name, shape)) {
        Ok(container) => Some(container),
        Err(why) => {
            skipped(&format!("lxc {name}"), &why);
            None
        }
    }
}

/// The GPU and its problem, as coord-agent tells them inside.
fn told(container: &Container) -> (GpuDevice, Option<Problem>) {
    let document = container.check();
    let report: Report = serde_json::from_value(document["report"].clone()).unwrap();
    let problems: Vec<Problem> = serde_json::from_value(document["problems"].clone()).unwrap();
    let section = report.gpu.unwrap();
    let mut devices = section.facts.unwrap_or_else(|| panic!("{:?}", section.failure)).devices.unwrap();
    assert_eq!(devices.len(), 1, "{devices:?}");
    let problem = problems.into_iter().find(|problem| problem.subject.starts_with("gpu/"));
    (devices.remove(0), problem)
}

fn hint(problem: Option<Problem>) -> String {
    problem.and_then(|problem| problem.hint).unwrap_or_default()
}

#[test]
fn a_node_that_is_let_through_is_judged_by_what_is_behind_it_and_by_its_mode() {
    let Some(container) = started("allowed", Shape { allowed: true, ..Shape::default() }) else { return };
    let (gpu, _) = told(&container);
    let access = gpu.access.clone().unwrap();
    // No device has that number here: the cgroup let it through, and the open says ENXIO.
    assert_eq!((access.reason, access.usable_by_root), (Some(GpuReason::NoDriver), Some(false)), "{gpu:?}");
    assert_eq!(gpu.opened, Some(false));
    assert!(gpu.open_detail.as_ref().unwrap().contains("ENXIO"), "{gpu:?}");
    assert_eq!((access.group_id, access.render_group_id), (Some(RENDER), Some(RENDER)));
    assert_eq!(gpu.codecs.unwrap().source, Some(CodecSource::Table), "an open that failed proves no codec");

    fs::set_permissions(container.node(), fs::Permissions::from_mode(0o600)).unwrap();
    let (gpu, problem) = told(&container);
    let access = gpu.access.unwrap();
    assert_eq!((access.reason, access.usable_by_root), (Some(GpuReason::Permission), Some(true)));
    assert_eq!(access.usable_by_group, Some(false));
    assert!(access.detail.unwrap().contains("EACCES"));
    assert!(hint(problem).starts_with("chgrp render /dev/dri/renderD128"));

    fs::remove_file(container.node()).unwrap();
    let (gpu, _) = told(&container);
    assert_eq!(gpu.access.unwrap().reason, Some(GpuReason::NotPassedThrough));
}

#[test]
fn a_device_cgroup_that_refuses_is_named_with_the_line_to_add() {
    let Some(container) = started("denied", Shape::default()) else { return };
    let (gpu, problem) = told(&container);
    let access = gpu.access.unwrap();
    assert_eq!((access.reason, access.usable_by_root), (Some(GpuReason::DeviceCgroup), Some(false)));
    assert!(access.detail.unwrap().contains("EPERM"));
    assert_eq!(gpu.opened, Some(false));
    let hint = hint(problem);
    assert!(hint.contains("lxc.cgroup2.devices.allow = c 226:128 rwm"), "{hint}");
}

#[test]
fn a_mount_without_devices_is_told_from_a_wrong_mode() {
    let Some(container) = started("nodev", Shape { allowed: true, nodev: true, ..Shape::default() }) else { return };
    let (gpu, _) = told(&container);
    assert_eq!(gpu.access.unwrap().reason, Some(GpuReason::Nodev));
    assert!(gpu.open_detail.unwrap().contains("EACCES"), "the kernel says of nodev what it says of a mode");
}

#[test]
fn a_group_that_is_mapped_nowhere_is_told_from_a_wrong_mode() {
    let shape = Shape { allowed: true, unprivileged: true, ..Shape::default() };
    let Some(container) = started("unprivileged", shape) else { return };
    let (gpu, problem) = told(&container);
    let access = gpu.access.unwrap();
    assert_eq!((access.reason, access.group_id), (Some(GpuReason::GroupUnmapped), Some(65_534)));
    assert_eq!(access.usable_by_group, Some(false));
    let message = problem.unwrap().message;
    assert!(message.contains("not mapped into this unprivileged container"), "{message}");
}

#[test]
fn the_helper_asks_vainfo_as_nobody_and_touches_no_other_device() {
    let Some(container) = started("vainfo", Shape { allowed: true, ..Shape::default() }) else { return };
    container.script(
        "/usr/bin/vainfo",
        "#!/bin/sh\necho \"vainfo: Driver version: $* as $(/bin/id)\"\n\
         echo '      VAProfileH264Main : VAEntrypointVLD'\n",
    );
    let node = "/dev/dri/renderD128";
    let reply = container.ask(&format!(r#"{{"verb":"gpu","nodes":["{node}"],"codecs":["{node}"]}}"#));
    let codecs = &reply["gpu"][node]["codecs"];
    assert_eq!(codecs["decode"], serde_json::json!(["h264"]), "{reply}");
    let reference = codecs["reference"].as_str().unwrap();
    assert!(reference.contains(&format!("--display drm --device {node} as ")), "{reference}");
    assert!(reference.contains("uid=65534") && reference.contains(&format!("gid={RENDER}")), "{reference}");
    assert!(!reference.contains("groups=0"), "{reference}");
    for (node, why) in [("/dev/null", "no DRM node"), ("/dev/dri/card7", "major number 226")] {
        let reply = container.ask(&format!(r#"{{"verb":"gpu","nodes":["{node}"]}}"#));
        assert!(reply["refused"].as_str().unwrap().contains(why), "{reply}");
    }
}
