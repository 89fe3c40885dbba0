//! What generations of video engines can do, as their vendors say it; only what a page of theirs can be named for.

use coord_model::section::{CodecSource, Codecs, CodecsReading};

/// Intel's own table of platforms and codecs.
const INTEL: &str = "Intel media-driver, decoding and encoding features: https://github.com/intel/media-driver";
/// What AMD's kernel driver answers to programs that ask for video capabilities.
const AMD: &str = "AMD amdgpu, video capabilities by generation: linux/drivers/gpu/drm/amd/amdgpu";
/// NVIDIA's application notes.
const NVIDIA: &str =
    "NVIDIA Video Codec SDK, NVDEC and NVENC application notes: https://docs.nvidia.com/video-technologies";

/// Generations that differ in what they can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Video {
    /// Broadwell.
    Gen8,
    /// Skylake.
    Gen9,
    /// Apollo Lake, Gemini Lake.
    Gen9LowPower,
    /// Kaby Lake, Coffee Lake, Whiskey Lake, Comet Lake, Amber Lake.
    Gen9Late,
    /// Ice Lake, Elkhart Lake, Jasper Lake.
    Gen11,
    /// Tiger Lake, Rocket Lake, Alder Lake, Raptor Lake, DG1.
    Gen12,
    /// Arc, Meteor Lake and later.
    Gen12Late,
    /// UVD 6 and VCE 3: Polaris.
    Polaris,
    /// UVD 7 and VCE 4: Vega as a card.
    Vega,
    /// VCN 1 and 2: Raven, Picasso, Renoir, Lucienne, Cezanne, Navi 1x.
    Vcn1,
    /// VCN 3: Navi 21, 22, 23.
    Vcn3,
    /// VCN 3 without encoders: Navi 24.
    Vcn3Small,
    /// VCN 3.1: Rembrandt, Raphael.
    Vcn31,
    /// VCN 4: Navi 3x, Phoenix.
    Vcn4,
    /// NVIDIA Pascal, but GP108.
    Pascal,
    /// NVIDIA Turing.
    Turing,
    /// NVIDIA Ampere, but GA100.
    Ampere,
    /// NVIDIA Ada.
    Ada,
    /// Not in the table.
    Other,
}

/// Decoders, encoders, and whose page says so.
type Row = (&'static [&'static str], &'static [&'static str], &'static str);

impl Video {
    /// What it can do, if the table says so.
    pub(super) fn codecs(self) -> Option<Codecs> {
        let (decode, encode, reference) = self.row()?;
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let reading = CodecsReading {
            decode: Ok(owned(decode)),
            encode: Ok(owned(encode)),
            source: Ok(CodecSource::Table),
            reference: Ok(reference.to_string()),
        };
        Some(reading.into())
    }

    fn row(self) -> Option<Row> {
        Some(match self {
            Self::Gen8 => (&["h264", "mpeg2", "vc1", "vp8"], &["h264"], INTEL),
            Self::Gen9 => (&["h264", "hevc", "mpeg2", "vc1", "vp8"], &["h264", "hevc"], INTEL),
            Self::Gen9LowPower | Self::Gen9Late => {
                (&["h264", "hevc", "mpeg2", "vc1", "vp8", "vp9"], &["h264", "hevc"], INTEL)
            }
            Self::Gen11 => (&["h264", "hevc", "mpeg2", "vc1", "vp8", "vp9"], &["h264", "hevc", "vp9"], INTEL),
            Self::Gen12 => (&["av1", "h264", "hevc", "mpeg2", "vp9"], &["h264", "hevc", "vp9"], INTEL),
            Self::Gen12Late => (&["av1", "h264", "hevc", "mpeg2", "vp9"], &["av1", "h264", "hevc", "vp9"], INTEL),
            Self::Polaris | Self::Vega => (&["h264", "hevc", "mpeg2", "mpeg4", "vc1"], &["h264", "hevc"], AMD),
            Self::Vcn1 => (&["h264", "hevc", "mpeg2", "mpeg4", "vc1", "vp9"], &["h264", "hevc"], AMD),
            Self::Vcn3 => (&["av1", "h264", "hevc", "mpeg2", "mpeg4", "vc1", "vp9"], &["h264", "hevc"], AMD),
            Self::Vcn3Small => (&["h264", "hevc", "vp9"], &[], AMD),
            Self::Vcn31 => (&["av1", "h264", "hevc", "vp9"], &["h264", "hevc"], AMD),
            Self::Vcn4 => (&["av1", "h264", "hevc", "vp9"], &["av1", "h264", "hevc"], AMD),
            Self::Pascal => (&["h264", "hevc", "mpeg2", "mpeg4", "vc1", "vp9"], &["h264", "hevc"], NVIDIA),
            Self::Turing => (&["h264", "hevc", "mpeg2", "mpeg4", "vc1", "vp8", "vp9"], &["h264", "hevc"], NVIDIA),
            Self::Ampere => {
                (&["av1", "h264", "hevc", "mpeg2", "mpeg4", "vc1", "vp8", "vp9"], &["h264", "hevc"], NVIDIA)
            }
            Self::Ada => {
                (&["av1", "h264", "hevc", "mpeg2", "mpeg4", "vc1", "vp8", "vp9"], &["av1", "h264", "hevc"], NVIDIA)
            }
            Self::Other => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_name_their_page() {
        for video in [Video::Gen8, Video::Gen12Late, Video::Vcn3Small, Video::Vcn4, Video::Pascal, Video::Ada] {
            let codecs = video.codecs().unwrap();
            for list in [codecs.decode.unwrap(), codecs.encode.unwrap()] {
                assert!(list.is_sorted(), "{video:?}: {list:?}");
            }
            assert!(codecs.reference.is_some_and(|reference| reference.contains(':')));
            assert_eq!(codecs.source, Some(CodecSource::Table));
        }
        assert!(Video::Other.codecs().is_none());
    }
}
