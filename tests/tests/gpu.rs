//! GPUs of recorded hosts, as the real `coord-agent check` tells them: who may use them, what they can, who has them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::process::Command;

use coord_model::{
    Problem, Report, Severity, ValueState,
    section::{CodecSource, GpuDevice, GpuReason},
};
use coord_tests::lab::{hosts, program};

/// The GPUs of a recorded host by address, and all problems.
fn told(host: &str) -> (Vec<GpuDevice>, Vec<Problem>) {
    let mut command = Command::new(program("coord-agent"));
    let output = command.args(["check", "-o", "json", "--root"]).arg(hosts().join(host)).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let report: Report = serde_json::from_value(document["report"].clone()).unwrap();
    let problems = serde_json::from_value(document["problems"].clone()).unwrap();
    (report.gpu.unwrap().facts.unwrap().devices.unwrap(), problems)
}

fn state(device: &GpuDevice, field: &str) -> ValueState {
    device.unknown.get(field).unwrap_or_else(|| panic!("{field} is known: {device:?}")).state
}

#[test]
fn a_container_with_the_gpu_opened_it_and_asked_its_driver() {
    let (devices, problems) = told("lxc-gpu");
    let [gpu] = devices.as_slice() else { panic!("{devices:?}") };
    let access = gpu.access.as_ref().unwrap();
    assert_eq!((access.usable_by_root, access.usable_by_group), (Some(true), Some(true)));
    assert_eq!(gpu.opened, Some(true));
    let codecs = gpu.codecs.as_ref().unwrap();
    assert_eq!(codecs.source, Some(CodecSource::VaApi));
    assert!(codecs.reference.as_ref().unwrap().contains("iHD"));
    assert_eq!(gpu.users.as_deref().unwrap(), ["jellyfin"]);
    assert_eq!(state(gpu, "videoBusyPercent"), ValueState::NotApplicable);
    assert!(problems.iter().all(|problem| !problem.subject.starts_with("gpu/")), "{problems:?}");
}

#[test]
fn a_container_without_the_gpu_is_told_how_to_get_it_and_is_not_ill() {
    let (devices, problems) = told("lxc-plain");
    assert_eq!(devices[0].access.as_ref().unwrap().reason, Some(GpuReason::NotPassedThrough));
    let problem = problems.iter().find(|problem| problem.subject.starts_with("gpu/")).unwrap();
    assert_eq!(problem.severity, Severity::Info);
    assert!(problem.hint.as_ref().unwrap().ends_with("dev0: /dev/dri/renderD128,gid=993"), "{problem:?}");
}

#[test]
fn a_card_that_sleeps_is_not_opened_and_a_node_for_everybody_is_named() {
    let (devices, problems) = told("amd");
    let [asleep, awake] = devices.as_slice() else { panic!("{devices:?}") };
    assert_eq!(
        (asleep.address.as_deref(), asleep.runtime_status.as_deref()),
        (Some("0000:03:00.0"), Some("suspended"))
    );
    assert_eq!((state(asleep, "opened"), state(asleep, "videoBusyPercent")), (ValueState::Asleep, ValueState::Asleep));
    assert_eq!(asleep.codecs.as_ref().unwrap().encode.as_deref(), Some(&[][..]), "Navi 24 encodes nothing");
    let open = problems.iter().find(|problem| problem.code.as_str() == "gpu-open-to-all").unwrap();
    assert_eq!(open.subject, "gpu/0000:03:00.0");
    assert_eq!(awake.opened, Some(true));
    assert_eq!(awake.users.as_deref().unwrap(), ["Xorg", "jellyfin"], "a pod's program is Kubernetes' business");
    let codecs = awake.codecs.as_ref().unwrap();
    assert_eq!(codecs.source, Some(CodecSource::Table));
    assert!(codecs.reference.as_ref().unwrap().contains("amdgpu"));
}

#[test]
fn nvidia_is_known_without_its_tools_and_never_opened() {
    let (devices, problems) = told("nvidia");
    let [gpu] = devices.as_slice() else { panic!("{devices:?}") };
    assert_eq!(gpu.name.as_deref(), Some("NVIDIA GeForce RTX 3060"));
    assert_eq!(gpu.driver_version.as_deref(), Some("550.163.01"));
    let access = gpu.access.as_ref().unwrap();
    assert_eq!((access.usable_by_group, access.mode.as_deref()), (Some(true), Some("0666")));
    assert_eq!((state(gpu, "opened"), state(gpu, "renderNode")), (ValueState::NotApplicable, ValueState::Absent));
    assert_eq!(gpu.users.as_deref().unwrap(), ["jellyfin"]);
    assert!(problems.is_empty(), "{problems:?}");
}
