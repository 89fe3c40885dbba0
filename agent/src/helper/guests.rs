//! Lane `guests`: the virtual machines and containers of a Proxmox or libvirt host, from their configuration.
//!
//! `/etc/pve` is a FUSE file system that waits when its cluster has no quorum or its program died.

use std::collections::BTreeSet;

use coord_model::{
    Reading, Unknown, ValueState,
    section::{Guest, GuestReading, PlatformKind},
};

use self::configured::{Configured, Passed};
use super::ground::Ground;

mod configured;
mod device;
mod libvirt;
mod proxmox;

/// The most guests that are told.
const MOST: usize = 512;

/// Every guest of this machine.
pub(super) fn read(ground: &Ground) -> Reading<Vec<Guest>> {
    let (proxmox, libvirt) = (ground.exists(proxmox::FOLDER), ground.exists(libvirt::FOLDER));
    if !proxmox && !libvirt {
        return Err(Unknown::absent(format!("neither {} nor {} is there", proxmox::FOLDER, libvirt::FOLDER)));
    }
    let mut guests = if proxmox { proxmox::guests(ground)? } else { Vec::new() };
    if libvirt {
        guests.extend(libvirt::guests(ground)?);
    }
    guests.truncate(MOST);
    Ok(guests)
}

/// A guest as reports tell it.
fn guest(ground: &Ground, kind: PlatformKind, identifier: &str, running: Reading<bool>, told: Configured) -> Guest {
    let unnamed = || Unknown::absent("its configuration has no name");
    let uuid = match kind {
        PlatformKind::Lxc => Err(Unknown::not_applicable("a container has no DMI UUID of its own")),
        PlatformKind::Vm
        | PlatformKind::BareMetal
        | PlatformKind::Container
        | PlatformKind::RaspberryPi
        | PlatformKind::ProxmoxHost
        | PlatformKind::UnraidHost
        | PlatformKind::Unrecognised(_) => told.uuid.ok_or_else(|| Unknown::absent("its configuration has no UUID")),
    };
    GuestReading {
        name: told.name.ok_or_else(unnamed),
        identifier: Ok(identifier.to_string()),
        kind: Ok(kind),
        running,
        uuid,
        macs: Ok(told.macs.into_iter().collect()),
        gpus: gpus(ground, &told.passed),
    }
    .into()
}

/// A guest whose configuration cannot be read: that it is there, and whether it runs, is known all the same.
fn unread(kind: PlatformKind, identifier: &str, running: Reading<bool>, reason: &Unknown) -> Guest {
    GuestReading {
        name: Err(reason.clone()),
        identifier: Ok(identifier.to_string()),
        kind: Ok(kind),
        running,
        uuid: Err(reason.clone()),
        macs: Err(reason.clone()),
        gpus: Err(reason.clone()),
    }
    .into()
}

/// The display devices among what was passed through.
fn gpus(ground: &Ground, passed: &[Passed]) -> Reading<Vec<String>> {
    let mut addresses = BTreeSet::new();
    for passed in passed {
        match passed {
            Passed::Pci(address) => addresses.extend(device::functions(ground, address)),
            Passed::Mapping(name) => {
                for address in proxmox::mapped(ground, name)? {
                    addresses.extend(device::functions(ground, &address));
                }
            }
            Passed::Node(path) => addresses.extend(device::behind(ground, path)),
        }
    }
    Ok(addresses.into_iter().filter(|address| device::is_display(ground, address)).collect())
}

/// The names in `folder` that end in `suffix`, without it; none where the folder is not there.
fn stems(ground: &Ground, folder: &str, suffix: &str) -> Reading<Vec<String>> {
    match ground.list(folder) {
        Ok(names) => Ok(names.iter().filter_map(|name| Some(name.strip_suffix(suffix)?.to_string())).collect()),
        Err(reason) if reason.state == ValueState::Absent => Ok(Vec::new()),
        Err(reason) => Err(reason),
    }
}
