//! One `/proc/PID/fdinfo/FD` of a DRM client, as Documentation/gpu/drm-usage-stats.rst describes it.

use std::collections::BTreeMap;

/// The most engines of one client, and the longest name of one.
const MOST_ENGINES: usize = 32;
const LONGEST_NAME: usize = 32;

/// What the driver says of one client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FdInfo {
    /// `drm-driver`.
    pub(crate) driver: String,
    /// `drm-pdev`: the PCI address; devices that are not on PCI have none.
    pub(crate) device: Option<String>,
    /// `drm-client-id`.
    pub(crate) client: u64,
    /// Nanoseconds so far by engine (`drm-engine-*`). Drivers that count cycles instead (xe) have two entries an
    /// engine here: `cycles-ENGINE` and `total-cycles-ENGINE`, of which the quotient of two differences is the share.
    pub(crate) engines: BTreeMap<String, u64>,
    /// Engines of one class (`drm-engine-capacity-*`).
    pub(crate) capacity: BTreeMap<String, u32>,
}

/// The client in `bytes`; `None` where this is no DRM client, or its driver tells nothing.
pub(crate) fn parse(bytes: &[u8]) -> Option<FdInfo> {
    let text = String::from_utf8_lossy(bytes);
    let mut info = FdInfo::default();
    let mut client = None;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.strip_prefix("drm-") {
            Some("driver") => info.driver = name(value)?,
            Some("pdev") => info.device = address(value),
            Some("client-id") => client = value.parse().ok(),
            Some(key) => count(&mut info, key, value),
            None => {}
        }
    }
    info.client = client?;
    (!info.driver.is_empty()).then_some(info)
}

/// Takes up a counter of an engine.
fn count(info: &mut FdInfo, key: &str, value: &str) {
    let engine = |prefix: &str| name(key.strip_prefix(prefix)?);
    if let Some(engine) = engine("engine-capacity-") {
        if let (Ok(capacity), true) = (value.parse(), info.capacity.len() < MOST_ENGINES) {
            info.capacity.insert(engine, capacity);
        }
    } else if let Some(engine) = engine("engine-") {
        keep(info, engine, value.strip_suffix("ns").and_then(|number| number.trim().parse().ok()));
    } else if let Some(engine) = engine("total-cycles-") {
        keep(info, format!("total-cycles-{engine}"), value.parse().ok());
    } else if let Some(engine) = engine("cycles-") {
        keep(info, format!("cycles-{engine}"), value.parse().ok());
    }
}

fn keep(info: &mut FdInfo, engine: String, value: Option<u64>) {
    if let (Some(value), true) = (value, info.engines.len() < 2 * MOST_ENGINES) {
        info.engines.insert(engine, value);
    }
}

/// A name of a driver or engine, if it is one.
fn name(text: &str) -> Option<String> {
    let like_a_name = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    ((1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(like_a_name)).then(|| text.to_string())
}

/// A PCI address, if it is one.
fn address(text: &str) -> Option<String> {
    let like_one = |character: char| character.is_ascii_hexdigit() || ":.".contains(character);
    ((1..=LONGEST_NAME).contains(&text.len()) && text.chars().all(like_one)).then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const I915: &str = "pos:\t0\nflags:\t0100002\nmnt_id:\t26\nino:\t284\ndrm-driver:\ti915\ndrm-client-id:\t7\n\
                        drm-pdev:\t0000:00:02.0\ndrm-total-system0:\t0\ndrm-engine-render:\t25662044495 ns\n\
                        drm-engine-copy:\t0 ns\ndrm-engine-video:\t9288864723 ns\ndrm-engine-capacity-video:\t2\n\
                        drm-engine-video-enhance:\t0 ns\n";

    #[test]
    fn an_intel_client_counts_nanoseconds() {
        let info = parse(I915.as_bytes()).unwrap();
        assert_eq!((info.driver.as_str(), info.device.as_deref(), info.client), ("i915", Some("0000:00:02.0"), 7));
        assert_eq!(info.engines["video"], 9_288_864_723);
        assert_eq!(info.engines.len(), 4);
        assert_eq!(info.capacity, BTreeMap::from([("video".to_string(), 2)]));
    }

    #[test]
    fn a_client_of_xe_counts_cycles() {
        let text = "drm-driver:\txe\ndrm-client-id:\t3\ndrm-pdev:\t0000:03:00.0\ndrm-cycles-vcs:\t100\n\
                    drm-total-cycles-vcs:\t1000\ndrm-engine-capacity-vcs:\t4\n";
        let info = parse(text.as_bytes()).unwrap();
        assert_eq!((info.engines["cycles-vcs"], info.engines["total-cycles-vcs"]), (100, 1000));
        assert_eq!(info.capacity["vcs"], 4);
    }

    #[test]
    fn a_client_of_v3d_has_no_address() {
        let info = parse(b"drm-driver: v3d\ndrm-client-id: 1\ndrm-engine-render: 5 ns\n").unwrap();
        assert_eq!(info.device, None);
    }

    #[test]
    fn other_files_and_broken_values_are_left_out() {
        assert_eq!(parse(b"pos:\t0\nflags:\t02\n"), None);
        assert_eq!(parse(b"drm-driver:\ti915\n"), None);
        let info = parse(b"drm-driver: a\ndrm-client-id: 1\ndrm-engine-x: 5 MiB\ndrm-pdev: ../..\n").unwrap();
        assert!(info.engines.is_empty() && info.device.is_none());
    }

    #[test]
    fn a_million_engines_are_not_kept() {
        let mut text = String::from("drm-driver: a\ndrm-client-id: 1\n");
        text.extend((0..1000).map(|number| format!("drm-engine-e{number}: 1 ns\ndrm-engine-capacity-e{number}: 1\n")));
        let info = parse(text.as_bytes()).unwrap();
        assert_eq!((info.engines.len(), info.capacity.len()), (64, 32));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_line_like_one_breaks_it(key in "drm-[a-z-]{0,20}", value in ".{0,30}") {
            let _ = parse(format!("drm-driver:x\ndrm-client-id:1\n{key}:{value}\n").as_bytes());
        }
    }
}
