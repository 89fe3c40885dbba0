//! What kind of machine this is, layer by layer from the hardware inwards, with the evidence for each.

use coord_model::{
    Reading, Section, Unknown, ValueState,
    section::{self, Guest, Layer, PlatformKind, PlatformReading},
};

use crate::host::{Host, NEEDS_HELPER};

mod container;
mod hardware;
mod layer;

/// Reads the section.
pub(crate) fn probe(host: &Host) -> Section<section::Platform> {
    let kernel = host.kernel();
    let release = kernel.clone().map(|kernel| kernel.release).unwrap_or_default();
    let hardware = hardware::hardware(host);
    let layers = layer::layers(host, &hardware, &release);
    let (kind, hypervisor) = innermost(&layers);
    let label = label(kind, hypervisor.as_deref(), &hardware);
    let reading = PlatformReading {
        kind: kind.ok_or_else(|| Unknown::absent("no layer was recognised")),
        label: Ok(label),
        product: hardware.product.clone(),
        hypervisor: hypervisor.ok_or_else(|| Unknown::absent("nothing names a hypervisor")),
        architecture: kernel.clone().map(|kernel| kernel.machine),
        kernel: kernel.clone().map(|kernel| kernel.release),
        operating_system: operating_system(host),
        host_name: kernel.map(|kernel| kernel.host_name),
        machine_id: host.text("/etc/machine-id"),
        flash_guid: flash_guid(host),
        dmi_uuid: dmi_uuid(host),
        serial_number: hardware::serial_number(host),
        guests: guests(host, kind),
        layers: Ok(layers),
    };
    Section::read("/sys/class/dmi, /proc/device-tree, /proc/self, /etc", reading.into())
}

/// The innermost layer that matters.
pub(crate) fn kind(host: &Host) -> Option<PlatformKind> {
    let release = host.kernel().map(|kernel| kernel.release).unwrap_or_default();
    innermost(&layer::layers(host, &hardware::hardware(host), &release)).0
}

/// Whether root here is the host's root: an unprivileged container maps it elsewhere (user_namespaces(7)).
pub(crate) fn privileged(host: &Host) -> Reading<bool> {
    host.text("/proc/self/uid_map").map(|map| maps_everything(&map))
}

fn maps_everything(map: &str) -> bool {
    let fields: Vec<&str> = map.split_whitespace().collect();
    fields == ["0", "0", "4294967295"]
}

/// The last layer, and whoever runs it.
fn innermost(layers: &[Layer]) -> (Option<PlatformKind>, Option<String>) {
    let kind = layers.last().and_then(|layer| layer.kind);
    let named =
        |layer: &&Layer| matches!(layer.kind, Some(PlatformKind::Vm | PlatformKind::Lxc | PlatformKind::Container));
    (kind, layers.iter().rev().find(named).and_then(|layer| layer.name.clone()))
}

/// The kind for people.
fn label(kind: Option<PlatformKind>, hypervisor: Option<&str>, hardware: &hardware::Hardware) -> String {
    let of = |what: &str| hypervisor.map_or_else(|| what.to_string(), |name| format!("{name} {what}"));
    match kind {
        Some(PlatformKind::Vm) => of("vm"),
        Some(PlatformKind::Lxc) => of("lxc"),
        Some(PlatformKind::Container) => of("container"),
        Some(PlatformKind::RaspberryPi) => hardware.pi_label().unwrap_or_else(|| "raspberry pi".to_string()),
        Some(PlatformKind::ProxmoxHost) => "proxmox host".to_string(),
        Some(PlatformKind::UnraidHost) => "unraid host".to_string(),
        Some(PlatformKind::BareMetal) => "bare metal".to_string(),
        Some(PlatformKind::Unrecognised(_)) | None => "unknown".to_string(),
    }
}

/// `PRETTY_NAME` of os-release(5); Unraid says its own version elsewhere.
fn operating_system(host: &Host) -> Reading<String> {
    if let Ok(text) = host.text("/etc/unraid-version")
        && let Some(version) = assigned(&text, "version")
    {
        return Ok(format!("Unraid {version}"));
    }
    let text = host.text("/etc/os-release").or_else(|_| host.text("/usr/lib/os-release"))?;
    assigned(&text, "PRETTY_NAME").ok_or_else(|| Unknown::absent("os-release has no PRETTY_NAME"))
}

/// The value of `NAME=value` or `NAME="value"`.
pub(crate) fn assigned(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_string())
}

/// What Unraid calls a machine by: the GUID of the flash device that it boots from.
fn flash_guid(host: &Host) -> Reading<String> {
    if !host.exists("/etc/unraid-version") {
        return Err(Unknown::not_applicable("only Unraid boots from a licensed flash device"));
    }
    let text = host.text("/var/local/emhttp/var.ini")?;
    assigned(&text, "flashGUID").ok_or_else(|| Unknown::absent("/var/local/emhttp/var.ini has no flashGUID"))
}

/// Only root may read it; a container's kernel shows the host's.
fn dmi_uuid(host: &Host) -> Reading<String> {
    if let Ok(uuid) = host.root_fact(|answers| &answers.dmi_uuid) {
        return Ok(uuid);
    }
    let path = "/sys/class/dmi/id/product_uuid";
    let uuid = host.text(path).map(|uuid| uuid.to_lowercase());
    uuid.map_err(|unknown| if unknown.state == ValueState::Denied { Unknown::denied(NEEDS_HELPER) } else { unknown })
}

/// Where libvirt keeps its machines, on any distribution.
const LIBVIRT: &str = "/etc/libvirt/qemu";

/// The guests of a hypervisor, from the helper.
pub(crate) fn guests(host: &Host, kind: Option<PlatformKind>) -> Reading<Vec<Guest>> {
    let all = || host.root_fact(|answers| &answers.guests);
    match kind {
        Some(PlatformKind::ProxmoxHost | PlatformKind::UnraidHost) => all(),
        Some(PlatformKind::BareMetal | PlatformKind::RaspberryPi | PlatformKind::Vm) if host.exists(LIBVIRT) => all(),
        Some(
            PlatformKind::BareMetal
            | PlatformKind::Vm
            | PlatformKind::Lxc
            | PlatformKind::Container
            | PlatformKind::RaspberryPi
            | PlatformKind::Unrecognised(_),
        )
        | None => Err(Unknown::not_applicable("not a hypervisor that Coord knows")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_full_map_is_privileged() {
        assert!(maps_everything("         0          0 4294967295"));
        assert!(!maps_everything("0 100000 65536"));
        assert!(!maps_everything("0 0 4294967295\n1 2 3"));
        assert!(!maps_everything(""));
    }

    #[test]
    fn assignments_are_read_with_and_without_quotes() {
        let text = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nEMPTY=\nbroken";
        assert_eq!(assigned(text, "PRETTY_NAME").as_deref(), Some("Debian GNU/Linux 13 (trixie)"));
        assert_eq!(assigned(text, "ID").as_deref(), Some("debian"));
        assert_eq!(assigned(text, "EMPTY"), None);
        assert_eq!(assigned("", "ID"), None);
    }
}
