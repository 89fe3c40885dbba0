//! Graphics processors by sysfs, grouped by device. Nothing here opens a node, since opening can wake a sleeping GPU.

use std::collections::BTreeMap;

use coord_model::{
    Failure, Reading, Section, Unknown, ValueState, not_implemented,
    section::{self, GpuDevice, GpuDeviceReading, GpuReading},
};

use self::model::DISPLAY_ONLY;
use crate::host::Host;

mod access;
mod model;

/// Where DRM nodes are listed (Documentation/gpu/drm-uapi.rst).
const CLASS: &str = "/sys/class/drm";
/// Where PCI devices are listed, those without a driver too.
const PCI: &str = "/sys/bus/pci/devices";

/// One device before it is described.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// Its folder in sysfs, links resolved.
    folder: String,
    card: Option<String>,
    render_node: Option<String>,
}

/// Reads the section.
pub(crate) fn probe(host: &Host) -> Section<section::Gpu> {
    let nodes = match host.list(CLASS) {
        Ok(names) => names,
        Err(Unknown { state: ValueState::Absent, .. }) => Vec::new(),
        Err(Unknown { state, message }) => return Section::failed(CLASS, Failure { reason: state, message }),
    };
    let mut found = grouped(host, &nodes);
    for folder in unclaimed(host) {
        found.entry(folder.clone()).or_insert(Found { folder, ..Found::default() });
    }
    let mut devices: Vec<GpuDevice> = found.values().map(|found| device(host, found)).collect();
    devices.sort_by(|one, other| one.address.cmp(&other.address));
    Section::read("/sys/class/drm, /sys/bus/pci, /dev/dri", GpuReading { devices: Ok(devices) }.into())
}

/// DRM nodes by the device behind them; connectors such as `card0-HDMI-A-1` are no nodes.
fn grouped(host: &Host, names: &[String]) -> BTreeMap<String, Found> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for name in names {
        let numbered = |prefix: &str| {
            name.strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        if !numbered("card") && !numbered("renderD") {
            continue;
        }
        let Ok(folder) = host.real(&format!("{CLASS}/{name}/device")) else { continue };
        let entry = found.entry(folder.clone()).or_insert(Found { folder, ..Found::default() });
        let place = if numbered("card") { &mut entry.card } else { &mut entry.render_node };
        place.get_or_insert_with(|| name.clone());
    }
    found
}

/// PCI display devices without a DRM node: no driver, or given to a guest.
fn unclaimed(host: &Host) -> Vec<String> {
    let names = host.list(PCI).unwrap_or_default();
    let display = |name: &&String| {
        let class = host.text(&format!("{PCI}/{name}/class")).unwrap_or_default();
        class.starts_with("0x03") && !host.exists(&format!("{PCI}/{name}/drm"))
    };
    let folders = names.iter().filter(display).filter_map(|name| host.real(&format!("{PCI}/{name}")).ok());
    // A virtio GPU has its DRM node one level below its PCI device.
    folders.filter(|folder| !children_have_drm(host, folder)).collect()
}

fn children_have_drm(host: &Host, folder: &str) -> bool {
    let names = host.list(folder).unwrap_or_default();
    names.iter().any(|name| name.starts_with("virtio") && host.exists(&format!("{folder}/{name}/drm")))
}

fn device(host: &Host, found: &Found) -> GpuDevice {
    let pci = pci_folder(&found.folder);
    let identifier = |name: &str| match pci {
        Some(folder) => host.text(&format!("{folder}/{name}")).map(|text| text.trim_start_matches("0x").to_string()),
        None => Err(Unknown::not_applicable("not a PCI device")),
    };
    let driver = driver(host, &found.folder);
    let (vendor_id, device_id) = (identifier("vendor"), identifier("device"));
    let known = vendor_id
        .as_deref()
        .ok()
        .zip(device_id.as_deref().ok())
        .and_then(|(vendor, device)| model::find(vendor, device));
    let node =
        |name: &Option<String>, what: &str| name.clone().ok_or_else(|| Unknown::absent(format!("no {what} node")));
    let render_number = match &found.render_node {
        Some(name) => host.text(&format!("{CLASS}/{name}/dev")),
        None => Err(Unknown::absent("no render node")),
    };
    let can_transcode = model::can_transcode(driver.as_deref().ok(), vendor_id.as_deref().ok());
    let access = access::access(
        host,
        &access::Question {
            driver: &driver,
            render_node: found.render_node.as_deref(),
            render_number: render_number.as_deref().ok(),
            display_only: driver.as_deref().is_ok_and(|driver| DISPLAY_ONLY.contains(&driver))
                || (!can_transcode && found.render_node.is_none()),
        },
    );
    GpuDeviceReading {
        address: Ok(address(&found.folder)),
        name: Ok(name(known, &vendor_id, &device_id, &driver)),
        driver,
        card: node(&found.card, "card"),
        render_node: node(&found.render_node, "render"),
        render_number,
        virtual_function: Ok(host.exists(&format!("{}/physfn", pci.unwrap_or(&found.folder)))),
        runtime_status: host.text(&format!("{}/power/runtime_status", pci.unwrap_or(&found.folder))),
        can_transcode: Ok(can_transcode),
        access: Ok(access),
        opened: not_implemented(),
        physical_function: not_implemented(),
        virtual_functions: not_implemented(),
        driver_version: not_implemented(),
        open_detail: not_implemented(),
        verdict_seconds: not_implemented(),
        guests: not_implemented(),
        codecs: known.and_then(model::Model::codecs).map_or_else(not_implemented, Ok),
        video_busy_percent: not_implemented(),
        users: not_implemented(),
        vendor_id,
        device_id,
    }
    .into()
}

/// The name of the driver that is bound, as the link `driver` says.
fn driver(host: &Host, folder: &str) -> Reading<String> {
    let target = host.link(&format!("{folder}/driver"))?;
    Ok(target.rsplit('/').next().unwrap_or(&target).to_string())
}

/// The device's PCI address, else the last part of its path.
fn address(folder: &str) -> String {
    let named = pci_folder(folder).unwrap_or(folder);
    named.rsplit('/').next().unwrap_or(named).to_string()
}

/// The nearest folder on the way up whose name is a PCI address: a virtio device lies below one.
fn pci_folder(folder: &str) -> Option<&str> {
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
fn is_pci_address(name: &str) -> bool {
    let parts: Vec<&str> = name.split([':', '.']).collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [4, 2, 2, 1] && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Vendor and model where the table knows them, else the ids, else the driver.
fn name(
    known: Option<&model::Model>,
    vendor: &Reading<String>,
    device: &Reading<String>,
    driver: &Reading<String>,
) -> String {
    match (known, vendor, device) {
        (Some(known), _, _) => known.name.to_string(),
        (None, Ok(vendor), Ok(device)) => format!("{} GPU {vendor}:{device}", model::vendor(vendor)),
        (None, _, _) => match driver.as_deref() {
            Ok("v3d") => "Broadcom VideoCore 3D".to_string(),
            Ok("vc4-drm" | "vc4") => "Broadcom VideoCore display".to_string(),
            Ok(driver) => format!("{driver} device"),
            Err(_) => "unknown GPU".to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
