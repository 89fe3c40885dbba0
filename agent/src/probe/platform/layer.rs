//! Puts hardware, hypervisor and container in order, outermost first.

use coord_model::{
    Reading, Unknown,
    section::{Layer, LayerReading, PlatformKind},
};

use super::{
    container::{Container, container},
    hardware::{Dmi, Hardware},
};
use crate::{host::Host, probe::mounts::table};

/// Every layer that shows itself.
pub(super) fn layers(host: &Host, hardware: &Hardware, release: &str) -> Vec<Layer> {
    let mut layers = vec![base(hardware)];
    match container(host) {
        Some(container) => layers.push(inside(host, container, release)),
        None => layers.extend(hypervisor_host(host, release)),
    }
    layers
}

fn layer(kind: PlatformKind, name: Reading<String>, evidence: Vec<String>) -> Layer {
    let privileged = Err(Unknown::not_applicable("not a container"));
    LayerReading { kind: Ok(kind), name, privileged, evidence: Ok(evidence) }.into()
}

/// The machine that the firmware describes.
fn base(hardware: &Hardware) -> Layer {
    if let Some(model) = hardware.model.as_ref().filter(|_| hardware.pi_label().is_some()) {
        let evidence = vec![format!("{model} in /proc/device-tree/model")];
        return layer(PlatformKind::RaspberryPi, Ok(model.clone()), evidence);
    }
    if let Some((name, evidence)) = virtual_machine(&hardware.dmi) {
        return layer(PlatformKind::Vm, Ok(name), evidence);
    }
    if hardware.hypervised {
        let unnamed = Unknown::absent("the firmware does not name its hypervisor");
        return layer(PlatformKind::Vm, Err(unnamed), vec!["hypervisor among the flags of the processor".to_string()]);
    }
    let evidence = hardware.product.clone().map(|product| vec![product]).unwrap_or_default();
    layer(PlatformKind::BareMetal, hardware.product.clone(), evidence)
}

/// Who made the machine up, as DMI shows.
fn virtual_machine(dmi: &Dmi) -> Option<(String, Vec<String>)> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (vendor, product) = (text(&dmi.vendor), text(&dmi.product));
    let shown = format!("{vendor} {product} in DMI").trim().to_string();
    let name = match vendor.as_str() {
        "QEMU" | "Red Hat" => return Some(qemu(dmi, shown)),
        "VMware, Inc." => "vmware",
        "innotek GmbH" => "virtualbox",
        "Xen" => "xen",
        "Microsoft Corporation" if product == "Virtual Machine" => "hyper-v",
        "Amazon EC2" | "Google" | "DigitalOcean" | "Hetzner" => "cloud",
        _ if product == "KVM" => return Some(qemu(dmi, shown)),
        _ => return None,
    };
    Some((name.to_string(), vec![shown]))
}

/// QEMU carries the marks of whoever packaged it.
fn qemu(dmi: &Dmi, shown: String) -> (String, Vec<String>) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut evidence = vec![shown];
    let (bios, version) = (text(&dmi.bios_vendor), text(&dmi.version));
    if bios.contains("Proxmox") || version.contains("+pve") {
        evidence.push(if bios.contains("Proxmox") { bios } else { version });
        return ("proxmox".to_string(), evidence);
    }
    if bios == "EFI Development Kit II / OVMF" && text(&dmi.bios_version) == "0.0.0" {
        evidence.push("OVMF 0.0.0, which is how Unraid ships it".to_string());
        return ("unraid".to_string(), evidence);
    }
    ("kvm".to_string(), evidence)
}

/// The container, called after the product that runs it where its kernel shows which.
fn inside(host: &Host, container: Container, release: &str) -> Layer {
    let mut evidence = container.evidence;
    let product = match () {
        () if release.contains("-pve") => Some("proxmox"),
        () if release.ends_with("-Unraid") => Some("unraid"),
        () => None,
    };
    let lxc = container.kind == PlatformKind::Lxc;
    if let Some(product) = product {
        evidence.push(format!("kernel {release} of {product}"));
    }
    let name = match product.filter(|_| lxc) {
        Some(product) => Ok(product.to_string()),
        None if lxc => Err(Unknown::absent("its kernel does not name its host")),
        None => Ok(container.runtime),
    };
    LayerReading { kind: Ok(container.kind), name, privileged: super::privileged(host), evidence: Ok(evidence) }.into()
}

/// Proxmox or Unraid itself. /etc/pve is a file system of a process, so the mount table is asked and not the folder.
fn hypervisor_host(host: &Host, release: &str) -> Option<Layer> {
    if let Ok(version) = host.text("/etc/unraid-version") {
        let evidence = vec![format!("{version} in /etc/unraid-version")];
        return Some(layer(PlatformKind::UnraidHost, Ok("unraid".to_string()), evidence));
    }
    let rows = table::read(host).unwrap_or_default();
    let pve = rows.iter().any(|row| row.path == "/etc/pve" && row.kind.starts_with("fuse"));
    let installed = release.contains("-pve") && host.exists("/usr/bin/pveversion");
    if !pve && !installed {
        return None;
    }
    let shown = if pve { "pmxcfs on /etc/pve".to_string() } else { format!("kernel {release} and pveversion") };
    Some(layer(PlatformKind::ProxmoxHost, Ok("proxmox".to_string()), vec![shown]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dmi(vendor: &str, version: &str, bios: &str, bios_version: &str) -> Dmi {
        let some = |text: &str| Some(text.to_string());
        Dmi {
            vendor: some(vendor),
            product: some("Standard PC"),
            version: some(version),
            bios_vendor: some(bios),
            bios_version: some(bios_version),
            ..Dmi::default()
        }
    }

    #[test]
    fn marks_in_dmi_name_the_hypervisor() {
        let name = |dmi: &Dmi| virtual_machine(dmi).map(|(name, _)| name);
        let q35 = "pc-q35-9.2";
        assert_eq!(name(&dmi("QEMU", "pc-q35-9.2+pve1", "SeaBIOS", "1")).as_deref(), Some("proxmox"));
        assert_eq!(name(&dmi("QEMU", q35, "Proxmox distribution of EDK II", "4")).as_deref(), Some("proxmox"));
        assert_eq!(name(&dmi("QEMU", q35, "EFI Development Kit II / OVMF", "0.0.0")).as_deref(), Some("unraid"));
        assert_eq!(name(&dmi("QEMU", q35, "SeaBIOS", "1.16")).as_deref(), Some("kvm"));
        assert_eq!(name(&dmi("innotek GmbH", "", "", "")).as_deref(), Some("virtualbox"));
        assert_eq!(name(&dmi("Dell Inc.", "", "Dell Inc.", "1.30")), None);
        assert_eq!(name(&Dmi::default()), None);
    }
}
