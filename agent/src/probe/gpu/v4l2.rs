//! Codecs of a Raspberry Pi: they are V4L2 devices beside the GPU. Which ones are there is read from their names; what
//! such a device does is the table below, after its driver's source, since asking it would need its node to be opened.

use std::collections::BTreeSet;

use coord_model::{
    Reading, Unknown, ValueState,
    section::{CodecSource, Codecs, CodecsReading},
};

use crate::host::Host;

/// Where V4L2 devices are listed (Documentation/ABI/testing/sysfs-class-video4linux).
const CLASS: &str = "/sys/class/video4linux";

/// What devices do, by the name that their driver gives them: drivers/staging/vc04_services/bcm2835-codec (Pi 3 and 4;
/// the Pi 5 has none) and drivers/media/platform/raspberrypi/hevc_dec (`rpivid` before it went upstream; Pi 4 and 5).
const DEVICES: [(&str, Option<&str>, Option<&str>); 4] = [
    ("bcm2835-codec-decode", Some("h264"), None),
    ("bcm2835-codec-encode", None, Some("h264")),
    ("rpivid", Some("hevc"), None),
    ("rpi-hevc-dec", Some("hevc"), None),
];

/// What the V4L2 devices of this machine can do.
pub(super) fn codecs(host: &Host) -> Reading<Codecs> {
    let devices = host.list(CLASS).map_err(|unknown| match unknown.state {
        ValueState::Absent => {
            Unknown::absent("no V4L2 device is there: the kernel has no bcm2835-codec or rpi-hevc-dec")
        }
        _ => unknown,
    })?;
    let names: BTreeSet<String> =
        devices.iter().filter_map(|device| host.text(&format!("{CLASS}/{device}/name")).ok()).collect();
    by_names(&names)
}

fn by_names(names: &BTreeSet<String>) -> Reading<Codecs> {
    let known: Vec<_> = DEVICES.iter().filter(|(name, ..)| names.contains(*name)).collect();
    if known.is_empty() {
        return Err(Unknown::absent("none of the V4L2 devices is a codec that is known"));
    }
    let sorted = |codecs: Vec<&str>| {
        let set: BTreeSet<String> = codecs.into_iter().map(str::to_string).collect();
        set.into_iter().collect()
    };
    let seen: Vec<&str> = known.iter().map(|(name, ..)| *name).collect();
    let reading = CodecsReading {
        decode: Ok(sorted(known.iter().filter_map(|(_, decode, _)| *decode).collect())),
        encode: Ok(sorted(known.iter().filter_map(|(.., encode)| *encode).collect())),
        source: Ok(CodecSource::V4l2),
        reference: Ok(format!("by the names of V4L2 devices: {}", seen.join(", "))),
    };
    Ok(reading.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Reading<Codecs> {
        by_names(&names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_pi_4_encodes_and_a_pi_5_does_not() {
        let four = of(&["bcm2835-codec-decode", "bcm2835-codec-encode", "bcm2835-codec-isp", "rpivid"]).unwrap();
        assert_eq!(
            (four.decode.unwrap(), four.encode.unwrap()),
            (vec!["h264".into(), "hevc".into()], vec!["h264".into()])
        );
        let five = of(&["rpi-hevc-dec", "pispbe"]).unwrap();
        assert_eq!((five.decode.unwrap(), five.encode.unwrap()), (vec!["hevc".to_string()], Vec::new()));
        assert_eq!(five.source, Some(CodecSource::V4l2));
    }

    #[test]
    fn cameras_are_no_codecs() {
        assert_eq!(of(&["unicam", "uvcvideo"]).unwrap_err().state, ValueState::Absent);
    }
}
