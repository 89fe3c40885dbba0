//! What vainfo of libva-utils prints, as codecs: profiles with the entry point VLD are decoded, those with EncSlice,
//! EncSliceLP or EncPicture are encoded (va.h).

use std::collections::BTreeSet;

use coord_model::{
    Reading, Unknown,
    section::{CodecSource, Codecs, CodecsReading},
};

/// The most of a line that a person has to read.
const LONGEST_MESSAGE: usize = 160;

/// Codecs and the driver that named them.
pub(super) fn parse(text: &str) -> Reading<Codecs> {
    let driver = text.lines().find_map(|line| line.split_once("Driver version:")).map(|(_, name)| name.trim());
    let Some(driver) = driver.filter(|name| !name.is_empty()) else { return Err(failed(text)) };
    let (mut decode, mut encode) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let Some((profile, entrypoint)) = line.trim().split_once(':') else { continue };
        let Some(codec) = codec(profile.trim()) else { continue };
        match entrypoint.trim() {
            "VAEntrypointVLD" => decode.insert(codec.to_string()),
            "VAEntrypointEncSlice" | "VAEntrypointEncSliceLP" | "VAEntrypointEncPicture" => {
                encode.insert(codec.to_string())
            }
            _ => continue,
        };
    }
    let reading = CodecsReading {
        decode: Ok(decode.into_iter().collect()),
        encode: Ok(encode.into_iter().collect()),
        source: Ok(CodecSource::VaApi),
        reference: Ok(format!("vainfo: {}", coord_model::clean(&short(driver)))),
    };
    Ok(reading.into())
}

/// The codec of a profile; `None` for video processing and for what nobody transcodes.
fn codec(profile: &str) -> Option<&'static str> {
    const CODECS: [(&str, &str); 9] = [
        ("H264", "h264"),
        ("HEVC", "hevc"),
        ("VVC", "vvc"),
        ("AV1", "av1"),
        ("VP9", "vp9"),
        ("VP8", "vp8"),
        ("MPEG2", "mpeg2"),
        ("VC1", "vc1"),
        ("JPEG", "jpeg"),
    ];
    let name = profile.strip_prefix("VAProfile")?;
    CODECS.into_iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, codec)| codec)
}

/// Why it named no driver: its last words.
fn failed(text: &str) -> Unknown {
    match text.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some("vainfo is not installed") => Unknown::absent("vainfo is not installed"),
        Some(line) => Unknown::error(format!("vainfo: {}", short(line))),
        None => Unknown::error("vainfo said nothing: no VA-API driver works with this device"),
    }
}

fn short(line: &str) -> String {
    line.chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use coord_model::ValueState;
    use proptest::prelude::*;

    use super::*;

    const PRINTED: &str = "Trying display: drm\nvainfo: VA-API version: 1.17 (libva 2.12.0)\n\
        vainfo: Driver version: Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 ()\n\
        vainfo: Supported profile and entrypoints\n      VAProfileNone                   :\tVAEntrypointVideoProc\n\
        \x20     VAProfileH264Main               :\tVAEntrypointVLD\n\
        \x20     VAProfileH264Main               :\tVAEntrypointEncSliceLP\n\
        \x20     VAProfileHEVCMain10             :\tVAEntrypointVLD\n\
        \x20     VAProfileHEVCMain               :\tVAEntrypointEncSlice\n\
        \x20     VAProfileJPEGBaseline           :\tVAEntrypointEncPicture\n\
        \x20     VAProfileVP9Profile0            :\tVAEntrypointVLD\n\
        \x20     VAProfileVP9Profile0            :\tVAEntrypointStats\n";

    #[test]
    fn decoders_and_encoders_are_told_apart() {
        let codecs = parse(PRINTED).unwrap();
        assert_eq!(codecs.decode.unwrap(), ["h264", "hevc", "vp9"]);
        assert_eq!(codecs.encode.unwrap(), ["h264", "hevc", "jpeg"]);
        assert_eq!(codecs.source, Some(CodecSource::VaApi));
        let reference = codecs.reference.unwrap();
        assert_eq!(reference, "vainfo: Intel iHD driver for Intel(R) Gen Graphics - 23.1.1 ()");
    }

    #[test]
    fn a_driver_that_failed_is_no_empty_list() {
        for (text, state) in [
            ("", ValueState::Error),
            ("vainfo: VA-API version: 1.17\nvaInitialize failed with error code -1\n", ValueState::Error),
            ("vainfo is not installed\n", ValueState::Absent),
        ] {
            assert_eq!(parse(text).unwrap_err().state, state, "{text:?}");
        }
        let message = parse("Driver version:\n").unwrap_err().message;
        assert!(message.starts_with("vainfo: "), "{message}");
    }

    proptest! {
        #[test]
        fn no_text_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0..400_usize) {
            drop(parse(&String::from_utf8_lossy(&bytes)));
            let mut broken = PRINTED.as_bytes().to_vec();
            let at = at.min(broken.len());
            broken.splice(at..at, bytes);
            drop(parse(&String::from_utf8_lossy(&broken)));
        }
    }
}
