//! Where data lies: network mounts, local file systems and disks.

use coord_model::{
    Report, Unknowns, ValueState,
    section::{BlockDevice, Filesystem, Mount},
};

use super::{
    facts,
    sheet::{Sheet, list},
};
use crate::show::{
    lists::mount_state,
    text::{short_time, size},
};

/// Every network or user-space file system.
pub(super) fn mounts(sheet: &mut Sheet, report: &Report) {
    let Some(facts) = facts(sheet, "Mounts", report.mounts.as_ref()) else { return };
    let Some(mounts) = facts.mounts.as_ref().filter(|mounts| !mounts.is_empty()) else { return };
    sheet.head("Mounts");
    for mount in mounts {
        let path = mount.paths.as_ref().and_then(|paths| paths.first()).map_or("?", String::as_str);
        sheet.fact(path, &mount_line(mount));
    }
}

fn mount_line(mount: &Mount) -> String {
    let (symbol, state) = match mount.state {
        Some(state) => (mount_state(state).1, state.to_string()),
        None => ("? ", "state unknown".to_owned()),
    };
    let access = match mount.read_only {
        Some(true) => " ro",
        Some(false) => " rw",
        None => "",
    };
    let free = free(mount.available_bytes, mount.size_bytes, &mount.unknown);
    let also = mount.paths.as_ref().map_or(0, |paths| paths.len().saturating_sub(1));
    list([
        Some(format!("{symbol}{state}")),
        mount.source.clone(),
        mount.kind.as_ref().map(|kind| format!("{kind}{access}")),
        mount.round_trip_seconds.map(short_time),
        free,
        (also > 0).then(|| format!("and at {}", crate::show::text::count(also, "other path", "other paths"))),
        mount.detail.clone(),
    ])
}

/// Local file systems, then whole disks.
pub(super) fn disks(sheet: &mut Sheet, report: &Report) {
    let Some(disk) = facts(sheet, "Disks", report.disk.as_ref()) else { return };
    sheet.head("Disks");
    for filesystem in disk.filesystems.iter().flatten() {
        sheet.fact(filesystem.path.as_deref().unwrap_or("?"), &filesystem_line(filesystem));
    }
    for device in disk.devices.iter().flatten() {
        sheet.fact(device.name.as_deref().unwrap_or("?"), &device_line(device));
    }
    if let Some(seconds) = disk.sync_latency_seconds {
        let path = disk.sync_latency_path.as_ref().map(|path| format!("in {path}"));
        sheet.fact("fdatasync", &list([Some(format!("{} at the 99th percentile", short_time(seconds))), path]));
    }
}

fn filesystem_line(filesystem: &Filesystem) -> String {
    let free = free(filesystem.available_bytes, filesystem.size_bytes, &filesystem.unknown);
    let disk = filesystem.disk.as_ref().map(|disk| format!("on {disk}{}", turns(filesystem.rotational)));
    let read_only = filesystem.read_only.filter(|yes| *yes).map(|_| "read-only".to_owned());
    let errors = filesystem.errors.filter(|errors| *errors > 0).map(|errors| format!("{errors} errors"));
    list([filesystem.kind.clone(), free, disk, read_only, errors])
}

/// Free space, or that it is not known; nothing where the field has no meaning.
fn free(available: Option<u64>, whole: Option<u64>, reasons: &Unknowns) -> Option<String> {
    match (available, whole) {
        (Some(free), Some(whole)) => Some(format!("{} free of {}", size(free), size(whole))),
        (Some(_) | None, Some(_) | None) => {
            let reason = reasons.get("availableBytes").or_else(|| reasons.get("sizeBytes"))?;
            let meaningless = matches!(reason.state, ValueState::NotApplicable | ValueState::Absent);
            (!meaningless).then(|| format!("free space unknown ({})", reason.state))
        }
    }
}

fn device_line(device: &BlockDevice) -> String {
    list([
        device.model.clone(),
        device.size_bytes.map(|bytes| size(bytes) + turns(device.rotational)),
        device.life_used_percent.map(|percent| format!("{percent} % of its life used")),
        device.critical_warning.clone(),
        device.smart.as_ref().map(|verdict| format!("SMART {verdict}")),
        device.kernel_errors.filter(|count| *count > 0).map(|count| format!("{count} I/O errors since boot")),
        device.degraded.filter(|yes| *yes).map(|_| "a member is missing".to_owned()),
    ])
}

fn turns(rotational: Option<bool>) -> &'static str {
    match rotational {
        Some(true) => " (rotational)",
        Some(false) => " (not rotational)",
        None => "",
    }
}
