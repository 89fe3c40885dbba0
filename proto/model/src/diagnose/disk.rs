//! Problems of local disks and file systems.

use alloc::{format, vec::Vec};

use crate::{Code, Problem, Report, section::Filesystem};

/// Below this many free bytes a tenth of the size is little; above, nobody is in trouble yet.
const PLENTY: u64 = 10 << 30;

/// Space, inodes, read-only flips and wear.
pub(super) fn disk(report: &Report, problems: &mut Vec<Problem>) {
    let Some(disk) = report.disk.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    for filesystem in disk.filesystems.iter().flatten() {
        problems.extend(space(filesystem));
        problems.extend(inodes(filesystem));
        problems.extend(read_only(filesystem));
    }
    for device in disk.devices.iter().flatten() {
        let name = device.name.as_deref().unwrap_or("?");
        if let Some(used) = device.life_used_percent.filter(|used| *used >= 90) {
            let message = format!("{name} has used {used} % of its life");
            problems.push(Problem::new(Code::DiskWear, format!("disk/{name}"), message));
        }
        if let Some(warning) = &device.critical_warning {
            let message = format!("{name} reports a critical warning: {warning}");
            problems.push(Problem::new(Code::DiskWear, format!("disk/{name}"), message));
        }
    }
}

/// A file system that only ever is read, or whose fullness says nothing.
fn immutable(filesystem: &Filesystem) -> bool {
    matches!(filesystem.kind.as_deref(), Some("squashfs" | "iso9660" | "erofs" | "cramfs"))
}

fn space(filesystem: &Filesystem) -> Option<Problem> {
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
    Some(Problem::new(code, format!("disk/{path}"), message))
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
