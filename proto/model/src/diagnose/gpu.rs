//! Problems of graphics processors: there, but not usable.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    Code, Problem, Report,
    section::{GpuAccess, GpuDevice, GpuReason},
};

/// Every GPU that could transcode and may not be used.
pub(super) fn gpu(report: &Report, problems: &mut Vec<Problem>) {
    let Some(gpu) = report.gpu.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    for device in gpu.devices.iter().flatten() {
        if device.can_transcode == Some(false) {
            continue;
        }
        if let Some(access) = &device.access {
            problems.extend(refused(device, access));
        }
    }
}

/// The problem of one GPU whose access was tested and refused.
fn refused(device: &GpuDevice, access: &GpuAccess) -> Option<Problem> {
    let driver = device.driver.as_deref().unwrap_or("without a driver");
    let address = device.address.as_deref().unwrap_or("?");
    let number = device.render_number.as_deref().unwrap_or("226:128");
    let node = device.render_node.as_deref().unwrap_or("renderD128");
    let group = access.group_id.map_or_else(|| "GROUP".to_string(), |group| group.to_string());
    let what = format!("GPU {driver} at {address} is there, but ");
    let passthrough =
        || format!("on the host, add to the container's configuration: dev0: /dev/dri/{node},gid={group}");
    let (code, rest, hint): (Code, String, Option<String>) = match access.reason? {
        GpuReason::DeviceCgroup => (
            Code::GpuDeviceCgroup,
            format!("this container may not open it: its device cgroup has no entry for {number}"),
            Some(passthrough()),
        ),
        GpuReason::NotPassedThrough => {
            (Code::GpuNotPassedThrough, "it is not passed through into this container".to_string(), Some(passthrough()))
        }
        GpuReason::Permission => (
            Code::GpuPermission,
            format!(
                "its node {node} has mode {} and group {}",
                access.mode.as_deref().unwrap_or("?"),
                access.group.as_deref().unwrap_or("?")
            ),
            Some(format!("chgrp render /dev/dri/{node} && chmod 0660 /dev/dri/{node}")),
        ),
        GpuReason::GroupUnmapped => (
            Code::GpuGroupUnmapped,
            format!("the group of {node} is not mapped into this unprivileged container"),
            Some(passthrough()),
        ),
        GpuReason::Nodev => (Code::GpuNodev, format!("the file system of {node} is mounted nodev"), None),
        GpuReason::NoDriver => (Code::GpuNoDriver, "it has no working driver".to_string(), None),
        GpuReason::GivenToGuest | GpuReason::DisplayOnly | GpuReason::Unrecognised(_) => return None,
    };
    let problem = Problem::new(code, format!("gpu/{address}"), what + &rest);
    Some(match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    })
}
