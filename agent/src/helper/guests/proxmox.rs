//! Guests of Proxmox VE: `/etc/pve/qemu-server/ID.conf` and `/etc/pve/lxc/ID.conf` (qm.conf(5), pct.conf(5)).

use coord_model::{
    Reading, Unknown, ValueState,
    section::{Guest, PlatformKind},
};

use super::{
    configured::{Configured, Passed},
    guest, stems,
};
use crate::helper::ground::Ground;

pub(super) const FOLDER: &str = "/etc/pve";
const MACHINES: &str = "/etc/pve/qemu-server";
const CONTAINERS: &str = "/etc/pve/lxc";
const MAPPINGS: &str = "/etc/pve/mapping/pci.cfg";

/// Machines, then containers, by number.
pub(super) fn guests(ground: &Ground) -> Reading<Vec<Guest>> {
    if !ground.exists(MACHINES) && !ground.exists(CONTAINERS) {
        return Err(Unknown::error(format!("{FOLDER} shows no guests at all: pve-cluster does not run")));
    }
    let mut guests = Vec::new();
    for (folder, kind) in [(MACHINES, PlatformKind::Vm), (CONTAINERS, PlatformKind::Lxc)] {
        let mut numbers: Vec<u32> =
            stems(ground, folder, ".conf")?.iter().filter_map(|stem| stem.parse().ok()).collect();
        numbers.sort_unstable();
        for number in numbers.into_iter().take(super::MOST) {
            match ground.text(&format!("{folder}/{number}.conf")) {
                Ok(text) => {
                    let told = parse(&text);
                    guests.push(guest(ground, kind, &number.to_string(), runs(ground, kind, number), told));
                }
                // It was removed, or moved to another host, meanwhile.
                Err(reason) if reason.state == ValueState::Absent => {}
                Err(reason) => return Err(reason),
            }
        }
    }
    Ok(guests)
}

/// A machine by its process, a container by its cgroup.
fn runs(ground: &Ground, kind: PlatformKind, number: u32) -> Reading<bool> {
    match kind {
        PlatformKind::Lxc => Ok(["/sys/fs/cgroup/lxc", "/sys/fs/cgroup/lxc.monitor"]
            .iter()
            .any(|folder| ground.exists(&format!("{folder}/{number}")))),
        PlatformKind::Vm
        | PlatformKind::BareMetal
        | PlatformKind::Container
        | PlatformKind::RaspberryPi
        | PlatformKind::ProxmoxHost
        | PlatformKind::UnraidHost
        | PlatformKind::Unrecognised(_) => ground.machine_lives(&format!("/var/run/qemu-server/{number}.pid")),
    }
}

/// The configuration as it is now: what follows the first `[` are snapshots and changes that wait for a restart.
fn parse(text: &str) -> Configured {
    let mut told = Configured::default();
    for line in text.lines().map(str::trim).take_while(|line| !line.starts_with('[')) {
        let Some((key, value)) = line.split_once([':', '=']) else { continue };
        let value = value.trim();
        match key.trim() {
            "name" | "hostname" => told.name(value),
            "smbios1" => parts(value).filter(|(key, _)| *key == "uuid").for_each(|(_, uuid)| told.uuid(uuid)),
            "lxc.mount.entry" => mount_entry(&mut told, value),
            key if numbered(key, "net") => parts(value).for_each(|(_, value)| told.mac(value)),
            key if numbered(key, "hostpci") => host_pci(&mut told, value),
            key if numbered(key, "dev") || numbered(key, "mp") => node(&mut told, value),
            _ => {}
        }
    }
    told
}

/// Whether a key is `net0`, `net1`, and so on.
fn numbered(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `a=b,c=d`; a part without a key has the key "".
fn parts(value: &str) -> impl Iterator<Item = (&str, &str)> {
    value.split(',').map(|part| part.split_once('=').unwrap_or(("", part)))
}

/// `0000:00:02.0,pcie=1`, `host=01:00;01:00.1`, `mapping=igpu`.
fn host_pci(told: &mut Configured, value: &str) {
    for (key, value) in parts(value) {
        match key {
            "" | "host" => value.split(';').for_each(|address| told.pass(Passed::Pci(address.to_string()))),
            "mapping" => told.pass(Passed::Mapping(value.to_string())),
            _ => {}
        }
    }
}

/// `/dev/dri/renderD128,gid=993`, `path=/dev/dri/renderD128`; a mount point may be a folder of the host too.
fn node(told: &mut Configured, value: &str) {
    for (key, path) in parts(value) {
        if matches!(key, "" | "path") && path.starts_with("/dev/dri") {
            told.pass(Passed::Node(path.to_string()));
        }
    }
}

/// `/dev/dri dev/dri none bind,optional,create=dir`.
fn mount_entry(told: &mut Configured, value: &str) {
    let source = value.split_whitespace().next().unwrap_or_default();
    if source.starts_with("/dev/dri") {
        told.pass(Passed::Node(source.to_string()));
    }
}

/// The addresses that a mapping means on this node.
pub(super) fn mapped(ground: &Ground, name: &str) -> Reading<Vec<String>> {
    let node = ground.text("/proc/sys/kernel/hostname")?;
    Ok(addresses(&ground.text(MAPPINGS)?, name, node.split('.').next().unwrap_or_default()))
}

/// A mapping is a line with its name, then lines further in: `map id=…,node=NODE,path=0000:00:02.0;…`.
fn addresses(text: &str, name: &str, node: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| line.trim_end() != name).skip(1);
    let own = lines.take_while(|line| line.starts_with([' ', '\t']));
    let maps = own.filter_map(|line| line.trim().strip_prefix("map "));
    let here = maps.filter(|map| parts(map).any(|(key, value)| (key, value) == ("node", node)));
    let paths = here.flat_map(|map| parts(map).filter(|(key, _)| *key == "path").map(|(_, path)| path));
    paths.flat_map(|path| path.split(';')).map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::{super::super::ground::tests::machine, *};

    const MACHINE: &str = "#a note: with a colon\nagent: 1\nbios: ovmf\nhostpci0: 0000:01:00,pcie=1,x-vga=1\nhostpci1: mapping=igpu\n\
        name: k3s-w1\nnet0: virtio=BC:24:11:5C:92:0C,bridge=vmbr0,firewall=1\nnet1: model=e1000,macaddr=BC:24:11:5C:92:0D\n\
        smbios1: uuid=0B6C9D1E-2F3A-4B5C-8D7E-9F0A1B2C1102,manufacturer=Q29vcmQ=,base64=1\n\n[before]\nname: old\nnet0: virtio=BC:24:11:00:00:00\n";
    const CONTAINER: &str = "arch: amd64\nhostname: k3s-w3\nnet0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:8E:14:0E,ip=dhcp\n\
        dev0: /dev/dri/renderD128,gid=993\nlxc.cgroup2.devices.allow: c 226:128 rwm\nlxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir\n";
    const MAPPING: &str = "dongle\n\tmap id=1:2,node=pve,path=0000:09:00.0\n\nigpu\n\tdescription the one in the processor\n\
        \tmap id=8086:4692,iommugroup=0,node=other,path=0000:77:00.0\n\tmap id=8086:4692,node=pve,path=0000:00:02.0\n\nlast\n\tmap node=pve,path=0000:08:00.0\n";

    #[test]
    fn a_host_tells_its_guests() {
        let (_folder, ground) = machine(&[
            ("/etc/pve/qemu-server/112.conf", MACHINE),
            ("/etc/pve/qemu-server/9.conf", ""),
            ("/etc/pve/lxc/113.conf", CONTAINER),
            (MAPPINGS, MAPPING),
            ("/proc/sys/kernel/hostname", "pve\n"),
            ("/var/run/qemu-server/112.pid", "4711\n"),
            ("/proc/4711/comm", "kvm"),
            ("/sys/fs/cgroup/lxc/113/cgroup.procs", ""),
            ("/sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n"),
            ("/sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n"),
            ("/sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n"),
            ("/sys/class/drm/version", ""),
        ]);
        let link = "../../devices/pci0000:00/0000:00:02.0/drm/renderD128";
        symlink(link, ground.place("/sys/class/drm/renderD128")).unwrap();
        let guests = super::super::read(&ground).unwrap();
        let [unnamed, machine, container] = &guests[..] else { panic!("{guests:?}") };
        assert_eq!((unnamed.identifier.as_deref(), unnamed.running), (Some("9"), Some(false)));
        assert!(unnamed.unknown.contains_key("name") && unnamed.unknown.contains_key("uuid"));
        assert_eq!((machine.name.as_deref(), machine.running), (Some("k3s-w1"), Some(true)));
        assert_eq!(machine.uuid.as_deref(), Some("0b6c9d1e-2f3a-4b5c-8d7e-9f0a1b2c1102"));
        assert_eq!(machine.macs.as_ref().unwrap().len(), 2);
        assert_eq!(machine.gpus.as_deref(), Some(&["0000:00:02.0".to_string(), "0000:01:00.0".to_string()][..]));
        assert_eq!((container.name.as_deref(), container.running), (Some("k3s-w3"), Some(true)));
        assert_eq!(container.macs.as_deref(), Some(&["bc:24:11:8e:14:0e".to_string()][..]));
        assert_eq!(container.gpus.as_deref(), Some(&["0000:00:02.0".to_string()][..]));
    }

    #[test]
    fn an_empty_folder_is_no_host_without_guests() {
        let (_folder, ground) = machine(&[("/etc/pve/.version", "")]);
        assert!(super::super::read(&ground).unwrap_err().message.contains("pve-cluster"));
        let (_folder, ground) = machine(&[("/etc/pve/lxc/keep", "")]);
        assert_eq!(super::super::read(&ground), Ok(Vec::new()));
        let (_folder, ground) = machine(&[]);
        assert_eq!(super::super::read(&ground).unwrap_err().state, ValueState::Absent);
    }

    #[test]
    fn a_mapping_that_is_not_there_is_no_machine_without_a_gpu() {
        let files = [("/etc/pve/qemu-server/1.conf", "hostpci0: mapping=igpu\n"), ("/proc/sys/kernel/hostname", "pve")];
        let (_folder, ground) = machine(&files);
        let guests = super::super::read(&ground).unwrap();
        assert!(guests[0].gpus.is_none() && guests[0].unknown.contains_key("gpus"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(?s).*", name in ".*") {
            let _ = parse(&text);
            let _ = addresses(&text, &name, &name);
        }

        #[test]
        fn no_value_breaks_it(key in "(name|smbios1|net0|hostpci0|dev0|mp0|lxc.mount.entry)", value in ".*") {
            let _ = parse(&format!("{key}: {value}\n"));
        }
    }
}
