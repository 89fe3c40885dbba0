//! What kind of machine it is: layers, graphics, processor, memory, clock and power.

use coord_model::{
    Report,
    section::{Codecs, GpuAccess, GpuDevice, Layer, Power, System},
};

use super::{
    facts,
    sheet::{Sheet, list, unknown},
};
use crate::show::text::{age, short_time, size};

/// Platform with the evidence for each layer.
pub(super) fn platform(sheet: &mut Sheet, report: &Report) {
    let Some(platform) = facts(sheet, "Platform", report.platform.as_ref()) else { return };
    let label = platform.label.clone().unwrap_or_else(|| "unknown".to_owned());
    let privileged = platform.layers.iter().flatten().rev().find_map(|layer| layer.privileged);
    let rights = privileged.map(|yes| if yes { "privileged" } else { "unprivileged" }.to_owned());
    sheet.fact("platform", &list([Some(label), rights, platform.product.clone(), platform.architecture.clone()]));
    for layer in platform.layers.iter().flatten() {
        evidence(sheet, layer);
    }
    let system =
        list([platform.operating_system.clone(), platform.kernel.as_ref().map(|name| format!("kernel {name}"))]);
    if !system.is_empty() {
        sheet.fact("", &system);
    }
}

fn evidence(sheet: &mut Sheet, layer: &Layer) {
    let Some(evidence) = layer.evidence.as_ref().filter(|evidence| !evidence.is_empty()) else { return };
    let kind = layer.kind.map_or_else(String::new, |kind| kind.to_string());
    sheet.fact("", &format!("evidence of {kind}: {}", evidence.join(", ")));
}

/// Every graphics device with the verdict and its reason.
pub(super) fn gpu(sheet: &mut Sheet, report: &Report) {
    let Some(gpu) = facts(sheet, "GPU", report.gpu.as_ref()) else { return };
    let Some(devices) = gpu.devices.as_ref().filter(|devices| !devices.is_empty()) else { return };
    sheet.head("GPU");
    for device in devices {
        device_lines(sheet, device);
    }
}

fn device_lines(sheet: &mut Sheet, device: &GpuDevice) {
    let address = device.address.clone().unwrap_or_else(|| "?".to_owned());
    let parts = list([
        device.name.clone(),
        device.driver.clone(),
        device.card.clone(),
        device.render_node.clone(),
        device.runtime_status.clone(),
    ]);
    sheet.fact(&address, &parts);
    if let Some(access) = &device.access {
        sheet.detail("usable", &usable(access));
    }
    if let Some(codecs) = &device.codecs {
        sheet.detail("codecs", &codec_list(codecs));
    }
    if let Some(detail) = &device.open_detail {
        sheet.detail("opens", detail);
    }
    if let Some(percent) = device.video_busy_percent {
        sheet.detail("busy", &format!("{percent:.0} % of its video engines"));
    }
    if let Some(guests) = device.guests.as_ref().filter(|guests| !guests.is_empty()) {
        sheet.detail("given to", &guests.join(", "));
    }
    if let Some(users) = &device.users {
        sheet.detail("in use by", &if users.is_empty() { "nobody".to_owned() } else { users.join(", ") });
    }
}

fn usable(access: &GpuAccess) -> String {
    let verdict = match access.usable_by_root {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => unknown("usableByRoot", &access.unknown).unwrap_or_else(|| "unknown".to_owned()),
    };
    let reason = match (&access.detail, access.reason) {
        (Some(detail), _) => format!(": {detail}"),
        (None, Some(reason)) => format!(": {reason}"),
        (None, None) => String::new(),
    };
    let group = match (&access.group, access.group_id) {
        (Some(name), Some(id)) => format!("root:{name}({id})"),
        (Some(name), None) => format!("root:{name}"),
        (None, Some(id)) => format!("root:{id}"),
        (None, None) => String::new(),
    };
    let mode = access.mode.as_ref().map(|mode| format!(", mode {mode} {group}")).unwrap_or_default();
    format!("{verdict}{reason}{}", mode.trim_end())
}

fn codec_list(codecs: &Codecs) -> String {
    let named = |word: &str, codecs: &Option<Vec<String>>| {
        codecs.as_ref().filter(|list| !list.is_empty()).map(|list| format!("{} {word}", list.join(" ")))
    };
    let source = codecs.source.map(|source| format!("by {source}"));
    let known = list([named("decode", &codecs.decode), named("encode", &codecs.encode), source]);
    if known.is_empty() { unknown("decode", &codecs.unknown).unwrap_or_else(|| "none".to_owned()) } else { known }
}

/// Processor, memory, clock and power.
pub(super) fn system(sheet: &mut Sheet, report: &Report) {
    let Some(system) = facts(sheet, "System", report.system.as_ref()) else { return };
    sheet.head("System");
    let cpu = list([
        system.processors.map(|number| format!("{number} cores")),
        system.processor_model.clone(),
        system.load_1.map(|load| format!("load {load:.1}")),
    ]);
    sheet.fact("cpu", &cpu);
    if let (Some(free), Some(total)) = (system.memory_available_bytes, system.memory_total_bytes) {
        let source = system.memory_source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
        sheet.fact("memory", &format!("{} available of {}{source}", size(free), size(total)));
    }
    let pressure = |name: &str, pressure: &Option<coord_model::section::Pressure>| {
        pressure.as_ref().and_then(|pressure| pressure.some_10).map(|share| format!("{name} {share:.1} %"))
    };
    let waiting = list([
        pressure("cpu", &system.processor_pressure),
        pressure("memory", &system.memory_pressure),
        pressure("io", &system.io_pressure),
    ]);
    if !waiting.is_empty() {
        sheet.fact("pressure", &waiting);
    }
    sheet.fact("clock", &clock(system));
    if let Some(power) = &system.power {
        sheet.fact("power", &power_words(power));
    }
}

fn clock(system: &System) -> String {
    let synchronised =
        system.clock_synchronised.map(|yes| if yes { "synchronised" } else { "not synchronised" }.to_owned());
    let reboot = system.reboot_needed.map(|yes| if yes { "reboot needed" } else { "reboot not needed" }.to_owned());
    list([
        synchronised,
        system.clock_offset_seconds.map(|offset| format!("offset {}", short_time(offset.abs()))),
        system.uptime_seconds.map(|seconds| format!("up {}", age(seconds))),
        reboot,
        system.unclean_boots.map(|number| format!("{number} unclean boots in 30d")),
    ])
}

fn power_words(power: &Power) -> String {
    let word = |flag: Option<bool>, word: &str| flag.filter(|flag| *flag).map(|_| word.to_owned());
    let words = list([
        word(power.undervoltage, "too little voltage now"),
        word(power.undervoltage_seen, "too little voltage since boot"),
        word(power.throttled, "throttled now"),
        word(power.throttled_seen, "throttled since boot"),
        word(power.frequency_capped, "frequency capped now"),
        word(power.frequency_capped_seen, "frequency capped since boot"),
    ]);
    if words.is_empty() { "enough".to_owned() } else { words }
}
