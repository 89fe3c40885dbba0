//! Rules as people write them, and as they should not.

use alloc::{string::ToString, vec, vec::Vec};

use coord_model::{
    Report, Section, Unknown,
    section::{Codecs, Disk, Filesystem, Gpu, GpuAccess, GpuDevice, SerialDevice, System, Usb},
};

use super::*;

fn gpu(usable: Option<bool>, encode: &[&str]) -> GpuDevice {
    let mut access = GpuAccess { usable_by_group: usable, ..GpuAccess::default() };
    if usable.is_none() {
        access.unknown.insert("usableByGroup".into(), Unknown::denied("needs coord-helper"));
    }
    let codecs = Codecs { encode: Some(encode.iter().map(ToString::to_string).collect()), ..Codecs::default() };
    GpuDevice { can_transcode: Some(true), access: Some(access), codecs: Some(codecs), ..GpuDevice::default() }
}

fn machine(gpus: Vec<GpuDevice>) -> Report {
    let stick = SerialDevice { product: Some("SkyConnect v1.0".into()), ..SerialDevice::default() };
    let data = Filesystem { path: Some("/data".into()), rotational: Some(true), ..Filesystem::default() };
    Report {
        gpu: Some(Section::read("", Gpu { devices: Some(gpus), ..Gpu::default() })),
        usb: Some(Section::read("", Usb { serial_devices: Some(vec![stick]), ..Usb::default() })),
        disk: Some(Section::read("", Disk { filesystems: Some(vec![data]), ..Disk::default() })),
        system: Some(Section::read("", System { memory_total_bytes: Some(4 << 30), ..System::default() })),
        ..Report::default()
    }
}

fn holds(rule: &str, report: &Report) -> Truth {
    When::parse(rule).unwrap_or_else(|failure| panic!("{rule}: {failure:?}")).holds(report)
}

#[test]
fn rules_of_the_examples_hold_where_they_should() {
    let report = machine(vec![gpu(Some(true), &["h264", "av1"])]);
    for (rule, truth) in [
        ("gpu.usable", true),
        ("gpu.usable and \"av1\" in gpu.encode", true),
        ("gpu.usable and not (\"av1\" in gpu.encode)", false),
        ("usb.product matches \"(?i)zigbee|conbee|skyconnect\"", true),
        ("disk(\"/data\").rotational", true),
        ("disk(\"/other\").rotational", false),
        ("system.memory.total < 4GiB", false),
        ("system.memory.total <= 4096MiB or gpu.usable", true),
    ] {
        assert_eq!(holds(rule, &report), Truth::from_bool(truth), "{rule}");
    }
}

#[test]
fn all_terms_about_a_gpu_are_about_the_same_one() {
    let report = machine(vec![gpu(Some(true), &["h264"]), gpu(Some(false), &["av1"])]);
    assert_eq!(holds("gpu.usable and \"av1\" in gpu.encode", &report), Truth::False);
    assert_eq!(holds("gpu.usable", &report), Truth::True);
}

#[test]
fn no_device_is_false_and_no_report_is_unknown() {
    assert_eq!(holds("gpu.usable", &machine(Vec::new())), Truth::False);
    assert!(matches!(holds("gpu.usable", &Report::default()), Truth::Unknown(_)));
    assert!(
        matches!(holds("gpu.usable", &machine(vec![gpu(None, &[])])), Truth::Unknown(why) if why.contains("denied"))
    );
    assert_eq!(holds("gpu.usable or disk(\"/data\").rotational", &machine(Vec::new())), Truth::True);
}

#[test]
fn what_is_not_known_never_decides() {
    let unknown = || Truth::Unknown("?".into());
    assert_eq!(Truth::False.and(unknown()), Truth::False);
    assert_eq!(Truth::True.or(unknown()), Truth::True);
    assert_eq!(Truth::True.and(unknown()), unknown());
    assert_eq!(Truth::False.or(unknown()), unknown());
    assert_eq!(unknown().not(), unknown());
}

#[test]
fn a_rule_that_makes_no_sense_says_where_and_what() {
    for (rule, at, part) in [
        ("", 0, "a fact is expected"),
        ("gpu.useable", 0, "there is no fact `gpu.useable`"),
        ("gpu.driver", 0, "gpu.driver is text"),
        ("gpu.usable == \"yes\"", 14, "gpu.usable is true or false"),
        ("gpu.decode == \"hevc\"", 14, "is a list"),
        ("\"hevc\" in gpu.driver", 10, "`in` asks"),
        ("gpu.driver < \"x\"", 0, "has no order"),
        ("usb.product matches \"(\"", 20, "no regular expression"),
        ("disk(data).rotational", 5, "needs a path in double quotes"),
        ("disk(\"data\").rotational", 5, "no absolute path"),
        ("disk(\"/data\").speed", 14, "no fact of a disk"),
        ("system.memory.total < 4GB", 23, "is no unit"),
        ("gpu.usable gpu.usable", 11, "does not belong here"),
        ("gpu.usable & gpu.usable", 11, "means nothing here"),
        ("(gpu.usable", 11, "`)` is expected"),
        ("usb.product matches \"x", 20, "no closing quote"),
    ] {
        let failure = When::parse(rule).expect_err(rule);
        assert!(failure.message.contains(part), "{rule}: {}", failure.message);
        assert_eq!(failure.at, at, "{rule}: {}", failure.message);
    }
    assert_eq!(When::parse("gpu.useable").unwrap_err().hint.as_deref(), Some("did you mean `gpu.usable`?"));
}

#[test]
fn nothing_is_too_deep_or_too_long() {
    assert!(When::parse(&"(".repeat(5000)).is_err());
    assert!(When::parse(&"not ".repeat(500)).is_err());
    assert!(When::parse(&alloc::format!("usb.product matches \"{}\"", "(a{1000}){1000}")).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = When::parse(&text);
    }

    #[test]
    fn no_words_of_the_language_make_it_panic(words in proptest::collection::vec(
        proptest::sample::select(vec!["gpu.usable", "and", "or", "not", "(", ")", "disk", "\"/a\"", ".", "in", "4GiB", "==", "gpu.decode", "rotational"]), 0..20)) {
        let _ = When::parse(&words.join(" "));
    }
}
