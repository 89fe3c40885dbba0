//! A small table of GPUs that homes have, by PCI id: names for people, and codecs where the generation settles them.

use coord_model::section::Codecs;

use super::video::Video;

/// Drivers of devices that show pictures and render none.
pub(super) const DISPLAY_ONLY: [&str; 23] = [
    "virtio_gpu",
    "virtio-pci",
    "vgem",
    "vkms",
    "simpledrm",
    "simple-framebuffer",
    "efi-framebuffer",
    "bochs-drm",
    "cirrus",
    "cirrus-qemu",
    "qxl",
    "vmwgfx",
    "hyperv_drm",
    "ast",
    "mgag200",
    "vc4",
    "vc4-drm",
    "udl",
    "gud",
    "hibmc-drm",
    "ofdrm",
    "vboxvideo",
    "xen-drm-front",
];
/// Drivers whose device renders and whose video engine, if any, is no use here: nouveau encodes nothing, and the codecs
/// of a Pi are V4L2 devices of their own.
const NO_VIDEO: [&str; 2] = ["v3d", "nouveau"];
/// Vendors of devices that hypervisors make up, and of server boards' consoles.
const NO_VIDEO_VENDORS: [&str; 6] = ["1234", "1af4", "1b36", "15ad", "1a03", "102b"];

/// Whether such a device can transcode at all.
pub(super) fn can_transcode(driver: Option<&str>, vendor: Option<&str>) -> bool {
    let by_driver = driver.is_none_or(|driver| !NO_VIDEO.contains(&driver) && !DISPLAY_ONLY.contains(&driver));
    by_driver && vendor.is_none_or(|vendor| !NO_VIDEO_VENDORS.contains(&vendor))
}

/// One device of the table.
#[derive(Debug, PartialEq, Eq)]
struct Model {
    identifier: &'static str,
    /// Vendor and model.
    name: &'static str,
    video: Video,
}

/// What the table says of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Vendor and model, or vendor and generation.
    pub(super) name: String,
    video: Video,
}

impl Known {
    /// What its generation can do, if the table says so.
    pub(super) fn codecs(&self) -> Option<Codecs> {
        self.video.codecs()
    }
}

/// The device with these hexadecimal ids: its model, else its generation.
pub(super) fn find(vendor: &str, device: &str) -> Option<Known> {
    let model = MODELS.iter().find(|model| model.identifier.split_once(':') == Some((vendor, device)));
    let model = model.map(|model| Known { name: model.name.to_string(), video: model.video });
    model.or_else(|| {
        let number = u16::from_str_radix(device, 16).ok().filter(|_| vendor == "8086" && device.len() == 4)?;
        let (_, _, name, video) = INTEL_RANGES.iter().find(|(first, last, ..)| (*first..=*last).contains(&number))?;
        Some(Known { name: format!("Intel graphics ({name})"), video: *video })
    })
}

/// The vendor's name.
pub(super) fn vendor(vendor: &str) -> &str {
    match vendor {
        "8086" => "Intel",
        "1002" => "AMD",
        "10de" => "NVIDIA",
        "1234" | "1b36" => "QEMU",
        "1af4" => "virtio",
        "15ad" => "VMware",
        "1a03" => "ASPEED",
        "102b" => "Matrox",
        other => other,
    }
}

const fn model(identifier: &'static str, name: &'static str, video: Video) -> Model {
    Model { identifier, name, video }
}

const MODELS: &[Model] = &[
    model("8086:1912", "Intel HD Graphics 530", Video::Gen9),
    model("8086:1916", "Intel HD Graphics 520", Video::Gen9),
    model("8086:191b", "Intel HD Graphics 530", Video::Gen9),
    model("8086:5a84", "Intel HD Graphics 505", Video::Gen9LowPower),
    model("8086:5a85", "Intel HD Graphics 500", Video::Gen9LowPower),
    model("8086:5912", "Intel HD Graphics 630", Video::Gen9Late),
    model("8086:5916", "Intel HD Graphics 620", Video::Gen9Late),
    model("8086:5917", "Intel UHD Graphics 620", Video::Gen9Late),
    model("8086:591b", "Intel HD Graphics 630", Video::Gen9Late),
    model("8086:3184", "Intel UHD Graphics 605", Video::Gen9LowPower),
    model("8086:3185", "Intel UHD Graphics 600", Video::Gen9LowPower),
    model("8086:3e90", "Intel UHD Graphics 610", Video::Gen9Late),
    model("8086:3e91", "Intel UHD Graphics 630", Video::Gen9Late),
    model("8086:3e92", "Intel UHD Graphics 630", Video::Gen9Late),
    model("8086:3e93", "Intel UHD Graphics 610", Video::Gen9Late),
    model("8086:3e98", "Intel UHD Graphics 630", Video::Gen9Late),
    model("8086:3e9b", "Intel UHD Graphics 630", Video::Gen9Late),
    model("8086:3ea0", "Intel UHD Graphics 620", Video::Gen9Late),
    model("8086:9ba8", "Intel UHD Graphics 610", Video::Gen9Late),
    model("8086:9bc5", "Intel UHD Graphics 630", Video::Gen9Late),
    model("8086:9bc8", "Intel UHD Graphics 630", Video::Gen9Late),
    model("8086:4e55", "Intel UHD Graphics (Jasper Lake)", Video::Gen11),
    model("8086:4e61", "Intel UHD Graphics (Jasper Lake)", Video::Gen11),
    model("8086:4e71", "Intel UHD Graphics (Jasper Lake)", Video::Gen11),
    model("8086:9a49", "Intel Iris Xe Graphics (Tiger Lake)", Video::Gen12),
    model("8086:4c8a", "Intel UHD Graphics 750", Video::Gen12),
    model("8086:4c8b", "Intel UHD Graphics 730", Video::Gen12),
    model("8086:4680", "Intel UHD Graphics 770", Video::Gen12),
    model("8086:4692", "Intel UHD Graphics 730", Video::Gen12),
    model("8086:46a6", "Intel Iris Xe Graphics (Alder Lake)", Video::Gen12),
    model("8086:46d0", "Intel UHD Graphics (Alder Lake-N)", Video::Gen12),
    model("8086:46d1", "Intel UHD Graphics (Alder Lake-N)", Video::Gen12),
    model("8086:46d2", "Intel UHD Graphics (Alder Lake-N)", Video::Gen12),
    model("8086:a780", "Intel UHD Graphics 770", Video::Gen12),
    model("8086:a7a0", "Intel Iris Xe Graphics (Raptor Lake)", Video::Gen12),
    model("8086:7d55", "Intel Arc Graphics (Meteor Lake)", Video::Gen12Late),
    model("8086:56a0", "Intel Arc A770", Video::Gen12Late),
    model("8086:56a1", "Intel Arc A750", Video::Gen12Late),
    model("8086:56a5", "Intel Arc A380", Video::Gen12Late),
    model("8086:56a6", "Intel Arc A310", Video::Gen12Late),
    model("1002:15dd", "AMD Radeon Vega (Raven)", Video::Vcn1),
    model("1002:15d8", "AMD Radeon Vega (Picasso)", Video::Vcn1),
    model("1002:1636", "AMD Radeon (Renoir)", Video::Vcn1),
    model("1002:164c", "AMD Radeon (Lucienne)", Video::Vcn1),
    model("1002:1638", "AMD Radeon (Cezanne)", Video::Vcn1),
    model("1002:164e", "AMD Radeon (Raphael)", Video::Vcn31),
    model("1002:1681", "AMD Radeon 680M", Video::Vcn31),
    model("1002:15bf", "AMD Radeon 780M", Video::Vcn4),
    model("1002:67df", "AMD Radeon RX 470/480/570/580", Video::Polaris),
    model("1002:67ef", "AMD Radeon RX 460/560", Video::Polaris),
    model("1002:67ff", "AMD Radeon RX 550/560", Video::Polaris),
    model("1002:699f", "AMD Radeon RX 550", Video::Polaris),
    model("1002:687f", "AMD Radeon RX Vega", Video::Vega),
    model("1002:731f", "AMD Radeon RX 5700", Video::Vcn1),
    model("1002:7340", "AMD Radeon RX 5500", Video::Vcn1),
    model("1002:73bf", "AMD Radeon RX 6800/6900", Video::Vcn3),
    model("1002:73df", "AMD Radeon RX 6700", Video::Vcn3),
    model("1002:73ff", "AMD Radeon RX 6600", Video::Vcn3),
    model("1002:743f", "AMD Radeon RX 6400/6500", Video::Vcn3Small),
    model("1002:744c", "AMD Radeon RX 7900", Video::Vcn4),
    model("1002:747e", "AMD Radeon RX 7700/7800", Video::Vcn4),
    model("1002:7480", "AMD Radeon RX 7600", Video::Vcn4),
    model("10de:1c82", "NVIDIA GeForce GTX 1050 Ti", Video::Pascal),
    model("10de:1c03", "NVIDIA GeForce GTX 1060 6GB", Video::Pascal),
    model("10de:1b80", "NVIDIA GeForce GTX 1080", Video::Pascal),
    model("10de:1cb1", "NVIDIA Quadro P1000", Video::Pascal),
    model("10de:1cb3", "NVIDIA Quadro P400", Video::Pascal),
    model("10de:1bb0", "NVIDIA Quadro P5000", Video::Pascal),
    model("10de:1eb8", "NVIDIA Tesla T4", Video::Turing),
    model("10de:2184", "NVIDIA GeForce GTX 1660", Video::Turing),
    model("10de:2504", "NVIDIA GeForce RTX 3060", Video::Ampere),
    model("10de:2204", "NVIDIA GeForce RTX 3090", Video::Ampere),
    model("10de:2684", "NVIDIA GeForce RTX 4090", Video::Ada),
    model("1234:1111", "QEMU standard VGA", Video::Other),
    model("1af4:1050", "virtio GPU", Video::Other),
];

/// Ids by generation, both ends included (the kernel's include/drm/intel/pciids.h). Ids between two of them are of the
/// same generation or of none.
const INTEL_RANGES: &[(u16, u16, &str, Video)] = &[
    (0x1602, 0x163e, "Broadwell", Video::Gen8),
    (0x1902, 0x193d, "Skylake", Video::Gen9),
    (0x3184, 0x3185, "Gemini Lake", Video::Gen9LowPower),
    (0x3e90, 0x3ea9, "Coffee Lake", Video::Gen9Late),
    (0x4541, 0x4571, "Elkhart Lake", Video::Gen11),
    (0x4626, 0x46c3, "Alder Lake", Video::Gen12),
    (0x46d0, 0x46d4, "Alder Lake-N", Video::Gen12),
    (0x4905, 0x4909, "DG1", Video::Gen12),
    (0x4c80, 0x4c9a, "Rocket Lake", Video::Gen12),
    (0x4e51, 0x4e71, "Jasper Lake", Video::Gen11),
    (0x5690, 0x5697, "Arc", Video::Gen12Late),
    (0x56a0, 0x56c2, "Arc", Video::Gen12Late),
    (0x5902, 0x593b, "Kaby Lake", Video::Gen9Late),
    (0x5a84, 0x5a85, "Apollo Lake", Video::Gen9LowPower),
    (0x6420, 0x64b0, "Lunar Lake", Video::Gen12Late),
    (0x7d40, 0x7dd5, "Meteor Lake or Arrow Lake", Video::Gen12Late),
    (0x87c0, 0x87ca, "Amber Lake", Video::Gen9Late),
    (0x8a50, 0x8a71, "Ice Lake", Video::Gen11),
    (0x9a40, 0x9af8, "Tiger Lake", Video::Gen12),
    (0x9b21, 0x9bf6, "Comet Lake", Video::Gen9Late),
    (0xa720, 0xa7ad, "Raptor Lake", Video::Gen12),
    (0xe202, 0xe223, "Battlemage", Video::Gen12Late),
];

#[cfg(test)]
mod tests {
    use coord_model::section::CodecSource;

    use super::*;

    #[test]
    fn ids_are_written_as_sysfs_writes_them_and_once() {
        for (place, model) in MODELS.iter().enumerate() {
            let (vendor, device) = model.identifier.split_once(':').unwrap();
            assert!([vendor, device].iter().all(|id| id.len() == 4 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
            assert_eq!(model.identifier, model.identifier.to_lowercase());
            let first = MODELS.iter().position(|other| other.identifier == model.identifier);
            assert_eq!(first, Some(place), "{} stands twice", model.identifier);
        }
    }

    #[test]
    fn a_model_comes_before_its_generation() {
        let codecs = find("8086", "3e98").unwrap().codecs().unwrap();
        assert_eq!(codecs.source, Some(CodecSource::Table));
        assert!(codecs.decode.unwrap().contains(&"vp9".to_string()));
        let other = find("8086", "46c1").unwrap();
        assert_eq!(other.name, "Intel graphics (Alder Lake)");
        assert!(other.codecs().unwrap().decode.unwrap().contains(&"av1".to_string()));
        for (vendor, device) in [("8086", ""), ("8086", "46c4"), ("1002", "46c1"), ("8086", "046c1"), ("8086", "zzzz")]
        {
            assert!(find(vendor, device).is_none(), "{vendor}:{device}");
        }
    }

    #[test]
    fn ranges_are_in_order_and_hold_the_models() {
        assert!(INTEL_RANGES.iter().all(|(first, last, ..)| first <= last));
        assert!(INTEL_RANGES.windows(2).all(|pair| pair[0].1 < pair[1].0));
        for model in MODELS.iter().filter(|model| model.identifier.starts_with("8086:")) {
            let number = u16::from_str_radix(&model.identifier[5..], 16).unwrap();
            let range = INTEL_RANGES.iter().find(|(first, last, ..)| (*first..=*last).contains(&number));
            assert_eq!(range.unwrap().3, model.video, "{}", model.identifier);
        }
    }

    #[test]
    fn made_up_devices_cannot_transcode() {
        assert!(can_transcode(Some("i915"), Some("8086")));
        assert!(can_transcode(None, Some("10de")));
        assert!(!can_transcode(Some("virtio_gpu"), Some("1af4")));
        assert!(!can_transcode(None, Some("1234")));
        assert!(!can_transcode(Some("v3d"), None));
        assert!(!can_transcode(Some("nouveau"), Some("10de")));
        for driver in ["vgem", "vkms", "simpledrm", "bochs-drm", "ast"] {
            assert!(!can_transcode(Some(driver), None), "{driver}");
        }
    }
}
