//! A small table of GPUs that homes have, by PCI id: names for people, and codecs where the generation settles them.

use coord_model::section::{CodecSource, Codecs, CodecsReading};

/// Drivers of devices that show pictures and render none.
pub(super) const DISPLAY_ONLY: [&str; 18] = [
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
];
/// Vendors of devices that hypervisors make up, and of server boards' consoles.
const NO_VIDEO_VENDORS: [&str; 6] = ["1234", "1af4", "1b36", "15ad", "1a03", "102b"];

/// Whether such a device can transcode at all. A Pi's v3d renders; its codecs belong to other devices.
pub(super) fn can_transcode(driver: Option<&str>, vendor: Option<&str>) -> bool {
    let by_driver = driver.is_none_or(|driver| driver != "v3d" && !DISPLAY_ONLY.contains(&driver));
    by_driver && vendor.is_none_or(|vendor| !NO_VIDEO_VENDORS.contains(&vendor))
}

/// Generations of Intel's video engine that differ in what they can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Video {
    /// Skylake.
    Gen9,
    /// Apollo Lake, Kaby Lake, Gemini Lake, Coffee Lake, Comet Lake.
    Gen9Late,
    /// Jasper Lake.
    Gen11,
    /// Tiger Lake, Rocket Lake, Alder Lake, Raptor Lake.
    Gen12,
    /// Arc and Meteor Lake.
    Gen12Late,
    /// Not in the table.
    Other,
}

/// One device of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Model {
    identifier: &'static str,
    /// Vendor and model.
    pub(super) name: &'static str,
    video: Video,
}

impl Model {
    /// What its generation can do, if the table says so.
    pub(super) fn codecs(&self) -> Option<Codecs> {
        let (decode, encode): (&[&str], &[&str]) = match self.video {
            Video::Gen9 => (&["h264", "hevc", "mpeg2", "vc1", "vp8"], &["h264", "hevc"]),
            Video::Gen9Late => (&["h264", "hevc", "mpeg2", "vc1", "vp8", "vp9"], &["h264", "hevc"]),
            Video::Gen11 => (&["h264", "hevc", "mpeg2", "vc1", "vp8", "vp9"], &["h264", "hevc", "vp9"]),
            Video::Gen12 => (&["av1", "h264", "hevc", "mpeg2", "vp9"], &["h264", "hevc", "vp9"]),
            Video::Gen12Late => (&["av1", "h264", "hevc", "mpeg2", "vp9"], &["av1", "h264", "hevc", "vp9"]),
            Video::Other => return None,
        };
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let reading = CodecsReading {
            decode: Ok(owned(decode)),
            encode: Ok(owned(encode)),
            source: Ok(CodecSource::Table),
            reference: coord_model::not_implemented(),
        };
        Some(reading.into())
    }
}

/// The device with these hexadecimal ids.
pub(super) fn find(vendor: &str, device: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.identifier.split_once(':') == Some((vendor, device)))
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
    model("8086:5a84", "Intel HD Graphics 505", Video::Gen9Late),
    model("8086:5a85", "Intel HD Graphics 500", Video::Gen9Late),
    model("8086:5912", "Intel HD Graphics 630", Video::Gen9Late),
    model("8086:5916", "Intel HD Graphics 620", Video::Gen9Late),
    model("8086:5917", "Intel UHD Graphics 620", Video::Gen9Late),
    model("8086:591b", "Intel HD Graphics 630", Video::Gen9Late),
    model("8086:3184", "Intel UHD Graphics 605", Video::Gen9Late),
    model("8086:3185", "Intel UHD Graphics 600", Video::Gen9Late),
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
    model("1002:15dd", "AMD Radeon Vega (Raven)", Video::Other),
    model("1002:15d8", "AMD Radeon Vega (Picasso)", Video::Other),
    model("1002:1636", "AMD Radeon (Renoir)", Video::Other),
    model("1002:1638", "AMD Radeon (Cezanne)", Video::Other),
    model("1002:164e", "AMD Radeon (Raphael)", Video::Other),
    model("1002:1681", "AMD Radeon 680M", Video::Other),
    model("1002:15bf", "AMD Radeon 780M", Video::Other),
    model("1002:67df", "AMD Radeon RX 470/480/570/580", Video::Other),
    model("1002:73ff", "AMD Radeon RX 6600", Video::Other),
    model("1002:744c", "AMD Radeon RX 7900", Video::Other),
    model("10de:1c82", "NVIDIA GeForce GTX 1050 Ti", Video::Other),
    model("10de:1c03", "NVIDIA GeForce GTX 1060 6GB", Video::Other),
    model("10de:1b80", "NVIDIA GeForce GTX 1080", Video::Other),
    model("10de:1cb1", "NVIDIA Quadro P1000", Video::Other),
    model("10de:1cb3", "NVIDIA Quadro P400", Video::Other),
    model("10de:1bb0", "NVIDIA Quadro P5000", Video::Other),
    model("10de:1eb8", "NVIDIA Tesla T4", Video::Other),
    model("10de:2184", "NVIDIA GeForce GTX 1660", Video::Other),
    model("10de:2504", "NVIDIA GeForce RTX 3060", Video::Other),
    model("10de:2204", "NVIDIA GeForce RTX 3090", Video::Other),
    model("10de:2684", "NVIDIA GeForce RTX 4090", Video::Other),
    model("1234:1111", "QEMU standard VGA", Video::Other),
    model("1af4:1050", "virtio GPU", Video::Other),
];

#[cfg(test)]
mod tests {
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
    fn a_table_says_that_it_is_one() {
        let codecs = find("8086", "3e98").unwrap().codecs().unwrap();
        assert_eq!(codecs.source, Some(CodecSource::Table));
        assert!(codecs.decode.unwrap().contains(&"vp9".to_string()));
        assert!(find("10de", "1cb1").unwrap().codecs().is_none());
        assert!(find("8086", "").is_none());
    }

    #[test]
    fn made_up_devices_cannot_transcode() {
        assert!(can_transcode(Some("i915"), Some("8086")));
        assert!(can_transcode(None, Some("10de")));
        assert!(!can_transcode(Some("virtio_gpu"), Some("1af4")));
        assert!(!can_transcode(None, Some("1234")));
        assert!(!can_transcode(Some("v3d"), None));
    }
}
