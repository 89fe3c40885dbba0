//! One device as sysfs shows it, before it is tested: ids, driver, power state, and the node that stands for it.

use coord_model::{Reading, Unknown, ValueState, section::GpuAccess};

use super::{
    CLASS, DISPLAY_ONLY, Found, Names, Place,
    access::{self, Question},
    model, nvidia,
};
use crate::host::Host;

/// One device and everything about it that needs no rights.
pub(super) struct Subject {
    pub(super) found: Found,
    pub(super) address: String,
    pub(super) vendor_id: Reading<String>,
    pub(super) device_id: Reading<String>,
    pub(super) driver: Reading<String>,
    pub(super) driver_version: Reading<String>,
    pub(super) render_number: Reading<String>,
    card_number: Option<String>,
    pub(super) runtime_status: Reading<String>,
    /// PCI address of the physical function, of a virtual one.
    pub(super) physical_function: Reading<String>,
    pub(super) known: Option<model::Known>,
    pub(super) can_transcode: bool,
    /// What NVIDIA's own driver says.
    pub(super) nvidia: Reading<nvidia::Card>,
    /// The node to be tested, or the verdict that needs no test.
    pub(super) place: Result<Place, Box<GpuAccess>>,
}

impl Subject {
    /// Reads what sysfs says of `found`, and looks for its node.
    pub(super) fn look(host: &Host, found: Found) -> Self {
        let folder = pci_folder(&found.folder).unwrap_or(&found.folder).to_string();
        let address = address(&found.folder);
        let identifier = |name: &str| match pci_folder(&found.folder) {
            Some(folder) => {
                host.text(&format!("{folder}/{name}")).map(|text| text.trim_start_matches("0x").to_string())
            }
            None => Err(Unknown::not_applicable("not a PCI device")),
        };
        let (vendor_id, device_id) = (identifier("vendor"), identifier("device"));
        let driver = driver(host, &found.folder);
        let render_number = match &found.render_node {
            Some(name) => host.text(&format!("{CLASS}/{name}/dev")),
            None => Err(Unknown::absent("no render node")),
        };
        let runtime_status = host.text(&format!("{folder}/power/runtime_status"));
        let can_transcode = model::can_transcode(driver.as_deref().ok(), vendor_id.as_deref().ok());
        let nvidia = nvidia_card(host, &driver, &runtime_status, &address);
        let place = access::place(
            host,
            &Question {
                driver: &driver,
                render_node: found.render_node.as_deref(),
                render_number: render_number.as_deref().ok(),
                display_only: driver.as_deref().is_ok_and(|driver| DISPLAY_ONLY.contains(&driver))
                    || (!can_transcode && found.render_node.is_none()),
                nvidia_minor: nvidia.clone().and_then(|card| {
                    card.minor.ok_or_else(|| Unknown::error("NVIDIA's driver does not say which node is the card's"))
                }),
            },
        );
        let ids = vendor_id.as_deref().ok().zip(device_id.as_deref().ok());
        Self {
            known: ids.and_then(|(vendor, device)| model::find(vendor, device)),
            driver_version: driver_version(host, &driver),
            physical_function: physical_function(host, &folder),
            card_number: found.card.as_ref().and_then(|name| host.text(&format!("{CLASS}/{name}/dev")).ok()),
            found,
            address,
            vendor_id,
            device_id,
            driver,
            render_number,
            runtime_status,
            can_transcode,
            nvidia,
            place,
        }
    }

    /// Whether the device is awake: whatever asks its driver would wake it otherwise. Devices that cannot sleep
    /// say `unsupported` (Documentation/ABI/testing/sysfs-devices-power).
    pub(super) fn awake(&self) -> Reading<()> {
        awake(&self.runtime_status)
    }

    /// Its folder in sysfs: that of the PCI device where it is one.
    pub(super) fn own_folder(&self) -> &str {
        pci_folder(&self.found.folder).unwrap_or(&self.found.folder)
    }

    /// As fdinfo may name it.
    pub(super) fn names(&self) -> Names {
        Names {
            address: self.address.clone(),
            numbers: self.render_number.iter().chain(&self.card_number).cloned().collect(),
        }
    }

    /// Every node that stands for it.
    pub(super) fn nodes(&self) -> Vec<String> {
        let drm = self.found.card.iter().chain(&self.found.render_node).map(|name| format!("/dev/dri/{name}"));
        let place = self.place.iter().map(|place| place.path.clone());
        drm.chain(place).collect()
    }
}

/// What a `runtime_status` means for whoever wants to ask the device.
fn awake(status: &Reading<String>) -> Reading<()> {
    match status.as_deref() {
        Ok("active" | "unsupported") => Ok(()),
        Ok(other) => Err(Unknown::new(ValueState::Asleep, format!("its runtime status is {other}"))),
        Err(unknown) => Err(unknown.clone()),
    }
}

/// What NVIDIA's own driver says of a card that is awake.
fn nvidia_card(
    host: &Host,
    driver: &Reading<String>,
    status: &Reading<String>,
    address: &str,
) -> Reading<nvidia::Card> {
    if driver.as_deref() != Ok(nvidia::DRIVER) {
        return Err(Unknown::not_applicable("not NVIDIA's own driver"));
    }
    awake(status)?;
    nvidia::card(host, address)
}

/// Devices that a driver makes by itself: they have its name and, depending on the kernel, no driver or a made one.
const MADE: [&str; 2] = ["vgem", "vkms"];

/// The name of the driver that is bound, as the link `driver` says.
fn driver(host: &Host, folder: &str) -> Reading<String> {
    let name = folder.rsplit('/').next().unwrap_or(folder);
    if MADE.contains(&name) {
        return Ok(name.to_string());
    }
    let target = host.link(&format!("{folder}/driver"))?;
    Ok(target.rsplit('/').next().unwrap_or(&target).to_string())
}

/// The version that the module says of itself. Drivers of the kernel say none: they are as old as the kernel.
fn driver_version(host: &Host, driver: &Reading<String>) -> Reading<String> {
    let driver = driver.as_ref().map_err(Clone::clone)?;
    if driver == nvidia::DRIVER
        && let Ok(version) = nvidia::version(host)
    {
        return Ok(version);
    }
    let module = driver.replace('-', "_");
    match host.text(&format!("/sys/module/{module}/version")) {
        Ok(version) => Ok(version),
        Err(unknown) if unknown.state == ValueState::Absent => host.kernel().map(|kernel| kernel.release),
        Err(unknown) => Err(unknown),
    }
}

/// Whose virtual function it is.
fn physical_function(host: &Host, folder: &str) -> Reading<String> {
    let link = format!("{folder}/physfn");
    if !host.exists(&link) {
        return Err(Unknown::not_applicable("it is no virtual function"));
    }
    let target = host.link(&link)?;
    Ok(target.rsplit('/').next().unwrap_or(&target).to_string())
}

/// The device's PCI address, else the last part of its path.
pub(super) fn address(folder: &str) -> String {
    let named = pci_folder(folder).unwrap_or(folder);
    named.rsplit('/').next().unwrap_or(named).to_string()
}

/// The nearest folder on the way up whose name is a PCI address: a virtio device lies below one.
pub(super) fn pci_folder(folder: &str) -> Option<&str> {
    let mut current = folder;
    while let Some((parent, name)) = current.rsplit_once('/') {
        if is_pci_address(name) {
            return Some(current);
        }
        // Only one level: a platform device below a PCI bridge is no PCI device.
        if !name.starts_with("virtio") {
            return None;
        }
        current = parent;
    }
    None
}

/// `0000:00:02.0`.
pub(super) fn is_pci_address(name: &str) -> bool {
    let parts: Vec<&str> = name.split([':', '.']).collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [4, 2, 2, 1] && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pci_addresses_are_told_from_other_names() {
        assert!(is_pci_address("0000:00:02.0"));
        assert!(!is_pci_address("soc:gpu") && !is_pci_address("0000:00:02") && !is_pci_address(""));
        assert_eq!(address("/sys/devices/pci0000:00/0000:00:01.0/virtio0"), "0000:00:01.0");
        assert_eq!(address("/sys/devices/platform/axi/1002000000.v3d"), "1002000000.v3d");
    }

    #[test]
    fn only_a_device_that_is_surely_awake_is_asked() {
        let of = |status: &str| awake(&Ok(status.to_string()));
        assert_eq!((of("active"), of("unsupported")), (Ok(()), Ok(())));
        for status in ["suspended", "suspending", "resuming", "error", ""] {
            assert_eq!(of(status).unwrap_err().state, ValueState::Asleep, "{status}");
        }
        assert!(awake(&Err(Unknown::absent("no such file"))).is_err());
    }
}
