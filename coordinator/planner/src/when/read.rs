//! A rule against a report.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use coord_model::{
    Report, Unknowns, ValueState,
    section::{Filesystem, GpuDevice, PlatformKind, SerialDevice},
};

use super::{Comparison, Fact, Literal, Truth, When, parse::compiled};

/// A fact's value.
enum Value {
    Truth(bool),
    Texts(Vec<String>),
    Number(u64),
    /// The thing is not there: every term about it is false.
    Nothing,
    Unknown(String),
}

impl When {
    /// Whether the rule holds for a machine that reports this.
    #[must_use]
    pub fn holds(&self, report: &Report) -> Truth {
        if !self.about_gpu() {
            return self.with(report, None);
        }
        let devices =
            report.gpu.as_ref().and_then(|section| section.facts.as_ref()).and_then(|gpu| gpu.devices.as_ref());
        let Some(devices) = devices else { return Truth::Unknown("the GPUs were not reported".into()) };
        // Without a GPU the rule's other terms may still decide.
        let none = || self.with(report, None);
        devices.iter().map(|device| self.with(report, Some(device))).reduce(Truth::or).unwrap_or_else(none)
    }

    fn with(&self, report: &Report, gpu: Option<&GpuDevice>) -> Truth {
        match self {
            Self::Is(fact) => compare(read(fact, report, gpu), Comparison::Equal, &Literal::Truth(true)),
            Self::Compare(fact, comparison, literal) => compare(read(fact, report, gpu), *comparison, literal),
            Self::Matches(fact, pattern) => matches(read(fact, report, gpu), pattern),
            Self::Contains(fact, text) => {
                compare(read(fact, report, gpu), Comparison::Equal, &Literal::Text(text.clone()))
            }
            Self::Not(inner) => inner.with(report, gpu).not(),
            Self::And(one, other) => one.with(report, gpu).and(other.with(report, gpu)),
            Self::Or(one, other) => one.with(report, gpu).or(other.with(report, gpu)),
        }
    }
}

fn compare(value: Value, comparison: Comparison, literal: &Literal) -> Truth {
    let ordered = |order: core::cmp::Ordering| match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::Different => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::AtMost => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::AtLeast => order.is_ge(),
    };
    match (value, literal) {
        (Value::Unknown(why), _) => Truth::Unknown(why),
        (Value::Truth(value), Literal::Truth(wanted)) => Truth::from_bool(ordered(value.cmp(wanted))),
        (Value::Number(value), Literal::Number(wanted)) => Truth::from_bool(ordered(value.cmp(wanted))),
        // Of several texts one that fits is enough; `!=` means that none is equal.
        (Value::Texts(texts), Literal::Text(wanted)) => {
            let equal = texts.iter().any(|text| text == wanted);
            Truth::from_bool(equal == (comparison == Comparison::Equal))
        }
        (Value::Nothing, _) => Truth::False,
        // The parser lets no other pair pass.
        (Value::Truth(_) | Value::Number(_) | Value::Texts(_), _) => Truth::Unknown("the rule does not type".into()),
    }
}

fn matches(value: Value, pattern: &str) -> Truth {
    match (value, compiled(pattern)) {
        (Value::Unknown(why), _) => Truth::Unknown(why),
        (Value::Nothing, _) => Truth::False,
        (Value::Texts(texts), Ok(regex)) => Truth::from_bool(texts.iter().any(|text| regex.is_match(text))),
        (Value::Texts(_), Err(why)) => Truth::Unknown(why),
        (Value::Truth(_) | Value::Number(_), _) => Truth::Unknown("the rule does not type".into()),
    }
}

fn read(fact: &Fact, report: &Report, gpu: Option<&GpuDevice>) -> Value {
    match fact {
        Fact::GpuUsable => of_gpu(gpu, usable),
        Fact::GpuDriver => of_gpu(gpu, |gpu| text(gpu.driver.as_ref(), &gpu.unknown, "driver")),
        Fact::GpuVendor => of_gpu(gpu, |gpu| text(gpu.vendor_id.as_ref(), &gpu.unknown, "vendorId")),
        Fact::GpuName => of_gpu(gpu, |gpu| text(gpu.name.as_ref(), &gpu.unknown, "name")),
        Fact::GpuDecode => of_gpu(gpu, |gpu| codecs(gpu, |codecs| codecs.decode.clone())),
        Fact::GpuEncode => of_gpu(gpu, |gpu| codecs(gpu, |codecs| codecs.encode.clone())),
        Fact::UsbProduct => usb(report, |device| device.product.clone()),
        Fact::UsbCandidate => usb(report, |device| device.candidate.clone()),
        Fact::PlatformKind
        | Fact::PlatformRaspberryPi
        | Fact::PlatformProduct
        | Fact::PlatformHypervisor
        | Fact::PlatformArchitecture => platform(fact, report),
        Fact::SystemMemoryTotal | Fact::SystemProcessors => system(fact, report),
        Fact::DiskRotational(path) => disk(report, path, |row| match row.rotational {
            Some(value) => Value::Truth(value),
            None => missing(&row.unknown, "rotational"),
        }),
        Fact::DiskKind(path) => disk(report, path, |row| text(row.kind.as_ref(), &row.unknown, "kind")),
        Fact::DiskSize(path) => disk(report, path, |row| number(row.size_bytes, &row.unknown, "sizeBytes")),
    }
}

fn of_gpu(gpu: Option<&GpuDevice>, value: impl FnOnce(&GpuDevice) -> Value) -> Value {
    gpu.map_or(Value::Nothing, value)
}

fn usable(gpu: &GpuDevice) -> Value {
    if gpu.can_transcode == Some(false) {
        return Value::Truth(false);
    }
    let Some(access) = &gpu.access else { return missing(&gpu.unknown, "access") };
    match access.usable_by_group {
        Some(usable) => Value::Truth(usable && gpu.opened != Some(false)),
        None => missing(&access.unknown, "usableByGroup"),
    }
}

fn codecs(gpu: &GpuDevice, pick: impl FnOnce(&coord_model::section::Codecs) -> Option<Vec<String>>) -> Value {
    match gpu.codecs.as_ref().and_then(pick) {
        Some(list) => Value::Texts(list),
        None => missing(&gpu.unknown, "codecs"),
    }
}

fn usb(report: &Report, pick: impl Fn(&SerialDevice) -> Option<String>) -> Value {
    let facts = report.usb.as_ref().and_then(|section| section.facts.as_ref());
    match facts.and_then(|usb| usb.serial_devices.as_ref()) {
        Some(devices) => Value::Texts(devices.iter().filter_map(pick).collect()),
        None => Value::Unknown("the USB devices were not reported".into()),
    }
}

fn platform(fact: &Fact, report: &Report) -> Value {
    let Some(platform) = report.platform.as_ref().and_then(|section| section.facts.as_ref()) else {
        return Value::Unknown("the platform was not reported".into());
    };
    let named = |value: Option<&String>, name: &str| text(value, &platform.unknown, name);
    match (fact, platform.kind) {
        (Fact::PlatformProduct, _) => named(platform.product.as_ref(), "product"),
        (Fact::PlatformHypervisor, _) => named(platform.hypervisor.as_ref(), "hypervisor"),
        (Fact::PlatformArchitecture, _) => named(platform.architecture.as_ref(), "architecture"),
        (_, None) => missing(&platform.unknown, "kind"),
        (Fact::PlatformRaspberryPi, Some(kind)) => Value::Truth(kind == PlatformKind::RaspberryPi),
        (_, Some(kind)) => Value::Texts(Vec::from([kind.to_string()])),
    }
}

fn system(fact: &Fact, report: &Report) -> Value {
    let Some(system) = report.system.as_ref().and_then(|section| section.facts.as_ref()) else {
        return Value::Unknown("the system was not reported".into());
    };
    if *fact == Fact::SystemProcessors {
        return number(system.processors.map(u64::from), &system.unknown, "processors");
    }
    number(system.memory_total_bytes, &system.unknown, "memoryTotalBytes")
}

/// The file system mounted exactly at `path`.
fn disk(report: &Report, path: &str, value: impl FnOnce(&Filesystem) -> Value) -> Value {
    let facts = report.disk.as_ref().and_then(|section| section.facts.as_ref());
    let Some(filesystems) = facts.and_then(|disk| disk.filesystems.as_ref()) else {
        return Value::Unknown("the file systems were not reported".into());
    };
    filesystems.iter().find(|row| row.path.as_deref() == Some(path)).map_or(Value::Nothing, value)
}

fn text(value: Option<&String>, unknown: &Unknowns, name: &str) -> Value {
    value.map_or_else(|| missing(unknown, name), |text| Value::Texts(Vec::from([text.clone()])))
}

fn number(value: Option<u64>, unknown: &Unknowns, name: &str) -> Value {
    value.map_or_else(|| missing(unknown, name), Value::Number)
}

/// A value that is absent or has no meaning here is known not to be there; every other reason leaves it unknown.
fn missing(unknown: &Unknowns, name: &str) -> Value {
    let Some(reason) = unknown.get(name) else { return Value::Unknown(format!("{name} was not reported")) };
    match reason.state {
        ValueState::Absent | ValueState::NotApplicable => Value::Nothing,
        ValueState::Denied
        | ValueState::Timeout
        | ValueState::Asleep
        | ValueState::Error
        | ValueState::NotImplemented
        | ValueState::Unrecognised(_) => Value::Unknown(format!("{name} is {}: {}", reason.state, reason.message)),
    }
}
