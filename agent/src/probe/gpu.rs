//! Graphics processors by sysfs, grouped by device, tested through the root helper. Nothing here wakes a GPU: one that
//! sleeps is neither opened nor asked.

use std::collections::BTreeMap;

use coord_model::{
    Failure, Measure, Reading, Section, Unknown, ValueState,
    section::{self, GpuDevice, GpuDeviceReading, GpuReading},
};

use self::{access::Place, busy::Names, model::DISPLAY_ONLY, people::People};
use crate::{
    host::{DrmTwice, Host, VAINFO},
    probe::Briefing,
};

mod access;
mod busy;
mod model;
mod nvidia;
mod people;
mod subject;
mod v4l2;
mod verdict;
mod video;

use self::subject::Subject;
pub(crate) use self::verdict::GpuVerdict;

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

/// Reads the section, and remembers in `briefing` what was tested.
pub(crate) fn probe(host: &Host, briefing: &mut Briefing) -> Section<section::Gpu> {
    let nodes = match host.list(CLASS) {
        Ok(names) => names,
        Err(Unknown { state: ValueState::Absent, .. }) => Vec::new(),
        Err(Unknown { state, message }) => return Section::failed(CLASS, Failure { reason: state, message }),
    };
    let mut found = grouped(host, &nodes);
    for folder in unclaimed(host) {
        found.entry(folder.clone()).or_insert(Found { folder, ..Found::default() });
    }
    let mut subjects: Vec<Subject> = found.into_values().map(|found| Subject::look(host, found)).collect();
    subjects.sort_by(|one, other| one.address.cmp(&other.address));
    let devices = describe(host, &subjects, briefing);
    Section::read("/sys/class/drm, /sys/bus/pci, /dev/dri, coord-helper", GpuReading { devices: Ok(devices) }.into())
}

/// All devices with what is tested and asked for all of them at once.
fn describe(host: &Host, subjects: &[Subject], briefing: &mut Briefing) -> Vec<GpuDevice> {
    if subjects.is_empty() {
        briefing.memory.gpu.clear();
        return Vec::new();
    }
    let demanded = briefing.measures.contains(&Measure::GpuBusy);
    let known = verdict::verdicts(host, subjects, &mut briefing.memory.gpu, demanded);
    let people = People::ask(host);
    let awake = subjects.iter().any(|subject| subject.awake().is_ok());
    let twice = (demanded && awake).then(|| host.drm_twice());
    let rows = subjects.iter().zip(known);
    rows.map(|(subject, known)| device(host, subject, known, &people, twice.as_ref())).collect()
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

fn device(
    host: &Host,
    subject: &Subject,
    known: verdict::Known,
    people: &People,
    twice: Option<&Reading<DrmTwice>>,
) -> GpuDevice {
    let node =
        |name: &Option<String>, what: &str| name.clone().ok_or_else(|| Unknown::absent(format!("no {what} node")));
    let names = subject.names();
    let busy = match (twice, subject.awake()) {
        (Some(twice), Ok(())) if subject.can_transcode => busy::percent(host, subject, people, twice),
        (_, awake) => Err(busy::unmeasured(awake.as_ref().err())),
    };
    GpuDeviceReading {
        address: Ok(subject.address.clone()),
        vendor_id: subject.vendor_id.clone(),
        device_id: subject.device_id.clone(),
        name: Ok(name(subject)),
        driver: subject.driver.clone(),
        driver_version: subject.driver_version.clone(),
        card: node(&subject.found.card, "card"),
        render_node: node(&subject.found.render_node, "render"),
        render_number: subject.render_number.clone(),
        virtual_function: Ok(subject.physical_function.is_ok()),
        physical_function: subject.physical_function.clone(),
        virtual_functions: virtual_functions(host, subject.own_folder()),
        runtime_status: subject.runtime_status.clone(),
        can_transcode: Ok(subject.can_transcode),
        codecs: codecs(host, subject, known.codecs),
        access: Ok(known.access),
        opened: known.opened,
        open_detail: known.open_detail,
        verdict_seconds: known.seconds,
        video_busy_percent: busy,
        users: people.users(&names, &subject.nodes()),
        guests: people.guests(&subject.address),
    }
    .into()
}

/// How many virtual functions are switched on now (Documentation/PCI/pci-iov-howto.rst).
fn virtual_functions(host: &Host, folder: &str) -> Reading<u32> {
    let text = host.text(&format!("{folder}/sriov_numvfs")).map_err(|unknown| match unknown.state {
        ValueState::Absent => Unknown::not_applicable("the device has no SR-IOV"),
        _ => unknown,
    })?;
    text.parse().map_err(|_| Unknown::error("sriov_numvfs makes no sense"))
}

/// What the driver said, else V4L2 on a Raspberry Pi, else the table.
fn codecs(host: &Host, subject: &Subject, asked: Option<Reading<section::Codecs>>) -> Reading<section::Codecs> {
    if subject.driver.as_deref() == Ok("v3d") {
        return v4l2::codecs(host);
    }
    if !subject.can_transcode {
        return Err(Unknown::not_applicable("it has no video engine that could be used"));
    }
    let table = subject.known.as_ref().and_then(model::Known::codecs);
    match (asked, table) {
        (Some(Ok(codecs)), _) | (_, Some(codecs)) => Ok(codecs),
        (Some(Err(unknown)), None) => Err(unknown),
        (None, None) => match (subject.awake(), host.vainfo_binary()) {
            (Err(unknown), Ok(_)) => Err(unknown),
            (Ok(()), Ok(_)) => Err(Unknown::denied("its driver could not be asked: the node does not open")),
            (_, Err(_)) => Err(Unknown::absent(format!(
                "the table does not know this model, and {} is not there: apt install vainfo",
                VAINFO[0]
            ))),
        },
    }
}

/// What NVIDIA's driver or the table calls it, else the ids, else the driver.
fn name(subject: &Subject) -> String {
    if let Some(model) = subject.nvidia.as_ref().ok().and_then(|card| card.model.clone()) {
        return model;
    }
    match (&subject.known, &subject.vendor_id, &subject.device_id) {
        (Some(known), _, _) => known.name.clone(),
        (None, Ok(vendor), Ok(device)) => format!("{} GPU {vendor}:{device}", model::vendor(vendor)),
        (None, _, _) => match subject.driver.as_deref() {
            Ok("v3d") => "Broadcom VideoCore 3D".to_string(),
            Ok("vc4-drm" | "vc4") => "Broadcom VideoCore display".to_string(),
            Ok(driver) => format!("{driver} device"),
            Err(_) => "unknown GPU".to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
