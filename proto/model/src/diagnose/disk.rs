//! Problems of local disks and file systems.

use alloc::{format, string::String, vec::Vec};

use super::k3s::holds_etcd;
use crate::{
    Code, Problem, Report, Severity,
    section::{BlockDevice, Filesystem},
};

/// Below this many free bytes a tenth of the size is little; above, nobody is in trouble yet.
const PLENTY: u64 = 10 << 30;

/// Where k3s keeps its data, etcd's log too.
const DATA: &str = "/var/lib/rancher";

/// Space, inodes, errors, read-only flips and wear.
pub(super) fn disk(report: &Report, problems: &mut Vec<Problem>) {
    let Some(disk) = report.disk.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    let etcd = holds_etcd(report);
    let mut below_etcd = None;
    for filesystem in disk.filesystems.iter().flatten() {
        let vital = etcd && has_role(filesystem, DATA);
        if vital {
            below_etcd = filesystem.disk.as_deref();
        }
        problems.extend(space(filesystem, vital));
        problems.extend(inodes(filesystem));
        problems.extend(read_only(filesystem));
        problems.extend(errors(filesystem));
    }
    for device in disk.devices.iter().flatten() {
        let name = device.name.as_deref().unwrap_or("?");
        problems.extend(wear(device, name));
        problems.extend(io_errors(device, name, below_etcd == Some(name)));
        problems.extend(array(device, name));
        problems.extend(smart(device, name));
    }
}

fn has_role(filesystem: &Filesystem, role: &str) -> bool {
    filesystem.roles.iter().flatten().any(|own| own == role)
}

fn wear(device: &BlockDevice, name: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(used) = device.life_used_percent.filter(|used| *used >= 90) {
        let message = format!("{name} has used {used} % of its life");
        problems.push(Problem::new(Code::DiskWear, format!("disk/{name}"), message));
    }
    if let Some(warning) = &device.critical_warning {
        let message = format!("{name} reports a critical warning: {warning}");
        problems.push(Problem::new(Code::DiskWear, format!("disk/{name}"), message));
    }
    problems
}

/// Only those in the kernel's log: the driver's own counter also counts questions that the disk did not understand.
fn io_errors(device: &BlockDevice, name: &str, below_etcd: bool) -> Option<Problem> {
    let count = device.kernel_errors.filter(|count| *count > 0)?;
    let whom = if below_etcd { ", the disk below etcd," } else { "" };
    let message = format!("the kernel met {count} I/O errors of {name}{whom} since it started");
    let mut problem = Problem::new(Code::DiskIoErrors, format!("disk/{name}"), message)
        .hint(format!("journalctl -k | grep {name}; on a virtual disk look at the host's storage too"));
    if below_etcd {
        problem.severity = Severity::Error;
    }
    Some(problem)
}

fn array(device: &BlockDevice, name: &str) -> Option<Problem> {
    let model = device.model.as_deref().unwrap_or("software array");
    let message = format!("{model} {name} lacks a member: one more failure may lose its data");
    let problem = Problem::new(Code::ArrayDegraded, format!("disk/{name}"), message);
    (device.degraded == Some(true)).then(|| problem.hint(format!("mdadm --detail /dev/{name}")))
}

fn smart(device: &BlockDevice, name: &str) -> Option<Problem> {
    let verdict = device.smart.as_deref()?;
    let severity = match () {
        () if verdict.starts_with("failing") => Severity::Error,
        () if verdict.starts_with("warning") => Severity::Warning,
        () => return None,
    };
    let model = device.model.as_deref().map_or_else(String::new, |model| format!(" ({model})"));
    let message = format!("SMART of {name}{model}: {verdict}");
    let mut problem = Problem::new(Code::SmartFailing, format!("disk/{name}"), message);
    problem.severity = severity;
    Some(problem.hint(format!("smartctl -x /dev/{name}")))
}

/// What the file system itself counted; below k3s' data it is more than a warning.
fn errors(filesystem: &Filesystem) -> Option<Problem> {
    let count = filesystem.errors.filter(|count| *count > 0)?;
    let path = filesystem.path.as_deref()?;
    let kind = filesystem.kind.as_deref().unwrap_or("the file system");
    let message = format!("{kind} on {path} has counted {count} errors");
    let mut problem = Problem::new(Code::FilesystemErrors, format!("disk/{path}"), message);
    if has_role(filesystem, DATA) {
        problem.severity = Severity::Error;
    }
    Some(problem)
}

/// A file system that only ever is read, or whose fullness says nothing.
fn immutable(filesystem: &Filesystem) -> bool {
    matches!(filesystem.kind.as_deref(), Some("squashfs" | "iso9660" | "erofs" | "cramfs"))
}

/// `vital`: etcd's log lies on it, and a voter that cannot write takes its vote with it.
fn space(filesystem: &Filesystem, vital: bool) -> Option<Problem> {
    let (size, available) = (filesystem.size_bytes?, filesystem.available_bytes?);
    if immutable(filesystem) || size == 0 {
        return None;
    }
    let path = filesystem.path.as_deref()?;
    let percent = available.saturating_mul(100) / size;
    let code = match () {
        () if percent < 2 && available < PLENTY => Code::DiskFull,
        () if percent < 10 && available < PLENTY => Code::DiskSpaceLow,
        () => return None,
    };
    let message = format!("{path} has {percent} % free: {} MiB of {} MiB", available >> 20, size >> 20);
    let mut problem = Problem::new(code, format!("disk/{path}"), message);
    if vital {
        problem.severity = Severity::Error;
        problem.message.push_str("; etcd's vote depends on it");
    }
    Some(problem)
}

fn inodes(filesystem: &Filesystem) -> Option<Problem> {
    let (all, free) = (filesystem.inodes?, filesystem.inodes_free?);
    let path = filesystem.path.as_deref()?;
    if immutable(filesystem) || all == 0 || free.saturating_mul(20) >= all {
        return None;
    }
    let message = format!("{path} has {free} of {all} inodes free");
    Some(Problem::new(Code::InodesLow, format!("disk/{path}"), message))
}

/// Read-only where k3s or the system must write.
fn read_only(filesystem: &Filesystem) -> Option<Problem> {
    let path = filesystem.path.as_deref()?;
    let matters = path == "/" || filesystem.roles.as_ref().is_some_and(|roles| !roles.is_empty());
    if immutable(filesystem) || !matters || filesystem.read_only != Some(true) {
        return None;
    }
    let message = format!("{path} is read-only");
    Some(
        Problem::new(Code::FilesystemReadOnly, format!("disk/{path}"), message)
            .hint("look for I/O errors: dmesg | tail -50"),
    )
}

#[cfg(test)]
mod tests;
