//! The border between words and wire, held against the .proto files themselves: equal numbers and names, every section
//! through its bytes and back, and no bytes that make it panic.

use std::collections::BTreeSet;

use coord_model::{AnySection, EndReason, Measure, OutcomeResult, SectionKind, ValueState, ViewKind, section};
use coord_proto::border::{MAXIMUM_SECTION, decode_section, encode_section};
use proptest::prelude::*;
use serde_json::Value;

#[path = "border/random.rs"]
mod random;
#[path = "border/schema.rs"]
mod schema;

use random::Entropy;
use schema::Schema;

/// Number and word of every value of a vocabulary.
macro_rules! vocabulary {
    ($($word:path),+ $(,)?) => {
        vec![$((stringify!($word).rsplit("::").next().unwrap_or_default().trim(), <$word>::ALL.iter()
            .map(|word| (word.number(), word.as_str()))
            .collect::<BTreeSet<(u32, &str)>>())),+]
    };
}

#[test]
fn words_have_the_numbers_and_names_of_the_proto_files() {
    let schema = Schema::read();
    let words = vocabulary!(
        ValueState,
        SectionKind,
        OutcomeResult,
        EndReason,
        ViewKind,
        Measure,
        section::HelperState,
        section::PlatformKind,
        section::GpuReason,
        section::CodecSource,
        section::MountState,
        section::K3sRole,
        section::UnitState,
    );
    for (name, ours) in &words {
        let there = schema.words.get(*name).unwrap_or_else(|| panic!("no proto file has the enum {name}"));
        let theirs: BTreeSet<(u32, &str)> = there.iter().map(|(number, text)| (*number, text.as_str())).collect();
        assert_eq!(*ours, theirs, "{name}");
    }
    let ours: BTreeSet<&str> = words.iter().map(|(name, _)| *name).collect();
    let theirs: BTreeSet<&str> = schema.words.keys().map(String::as_str).collect();
    assert_eq!(ours, theirs, "an enum of the proto files is not compared here");
}

#[test]
fn every_kind_of_section_has_its_message() {
    let schema = Schema::read();
    for kind in SectionKind::ALL {
        assert!(schema.messages.contains_key(&schema.facts_of(*kind)), "{kind}");
    }
}

#[test]
fn a_full_section_shows_every_field_of_its_message() {
    let schema = Schema::read();
    for kind in SectionKind::ALL {
        let (bytes, told) = random::section(&schema, *kind, &mut Entropy::full());
        let names: Vec<&String> = told["facts"].as_object().expect("facts").keys().collect();
        let fields = &schema.messages[&schema.facts_of(*kind)];
        assert_eq!(names.len(), fields.len() - 1, "{kind}: {names:?}");
        assert_eq!(json(decode_section(&bytes).expect("a good section")), told, "{kind}");
    }
}

fn json(section: AnySection) -> Value {
    let kind = section.kind().to_string();
    let value = serde_json::to_value(section).expect("sections are JSON");
    value.get(kind).cloned().expect("a section under its name")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_section_is_what_its_bytes_say_and_survives_the_way_back(
        kind in prop::sample::select(SectionKind::ALL),
        entropy in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let schema = Schema::read();
        let (bytes, told) = random::section(&schema, kind, &mut Entropy::new(entropy));
        let section = decode_section(&bytes).expect("a good section");
        prop_assert_eq!(json(section.clone()), told);
        let again = encode_section(section.clone());
        let back = decode_section(&again).expect("our own bytes");
        prop_assert_eq!(&back, &section);
        prop_assert_eq!(encode_section(back), again, "equal sections have equal bytes");
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_section(&bytes);
    }

    #[test]
    fn no_damage_makes_it_panic_or_unreadable_again(
        kind in prop::sample::select(SectionKind::ALL),
        entropy in prop::collection::vec(any::<u8>(), 0..300),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (mut bytes, _) = random::section(&Schema::read(), kind, &mut Entropy::new(entropy));
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        // Whatever was taken in can be kept: the coordinator stores it encoded and must read it back.
        if let Ok(section) = decode_section(&bytes) {
            let kept = encode_section(section.clone());
            prop_assert_eq!(decode_section(&kept).expect("our own bytes"), section);
        }
    }

    #[test]
    fn a_refusal_names_the_field(text in "[a-z]{0,8}[\u{0}-\u{1f}\u{7f}\u{80}-\u{9f}][a-z]{0,8}", row in 0_usize..5) {
        let good = section::GpuDevice { name: Some("fine".into()), ..section::GpuDevice::default() };
        let bad = section::GpuDevice { name: Some(text), ..section::GpuDevice::default() };
        let mut devices = vec![good; 5];
        devices[row] = bad;
        let facts = section::Gpu { devices: Some(devices), ..section::Gpu::default() };
        let bytes = encode_section(AnySection::Gpu(coord_model::Section::read("test", facts)));
        let refused = decode_section(&bytes).expect_err("a control character");
        prop_assert_eq!(refused.field, format!("devices[{row}].name"));
    }
}

#[test]
fn a_section_of_its_largest_size_is_taken_and_one_byte_more_is_not() {
    let schema = Schema::read();
    // A field that only a newer version knows, with two bytes of tag and three of length.
    let sized = |length: usize| schema.section(SectionKind::Mounts, &schema::bytes(999, &vec![0; length - 5]));
    decode_section(&sized(MAXIMUM_SECTION)).expect("the largest section");
    let refused = decode_section(&sized(MAXIMUM_SECTION + 1)).expect_err("too large");
    assert_eq!(refused.field, "facts");
    assert_eq!(refused.message, format!("has {} bytes, {MAXIMUM_SECTION} are allowed", MAXIMUM_SECTION + 1));
}

#[test]
fn bad_values_are_refused_by_name() {
    let schema = Schema::read();
    let wrong: [(&[u8], &str); 5] = [
        (&schema.section(SectionKind::System, &schema::double(field(&schema, "System", "load_1"), f64::NAN)), "load_1"),
        (
            &schema.section(SectionKind::System, &schema::text(field(&schema, "System", "boot_id"), &"é".repeat(4096))),
            "boot_id",
        ),
        (
            &schema.section(SectionKind::System, &schema::text(field(&schema, "System", "boot_id"), "a\u{1b}[2Jb")),
            "boot_id",
        ),
        (
            &schema.section(SectionKind::System, &schema::bytes(field(&schema, "System", "boot_id"), &[0xff, 0xfe])),
            "facts",
        ),
        (&schema.section(SectionKind::System, &[0x07]), "facts"),
    ];
    for (bytes, name) in wrong {
        let refused = decode_section(bytes).expect_err(name);
        assert_eq!(refused.field, name, "{refused}");
        assert!(refused.to_string().len() < 300, "a refusal repeats what it refuses: {refused}");
    }
}

fn field(schema: &Schema, message: &str, name: &str) -> u32 {
    schema.messages[message].iter().find(|field| field.name == name).expect("a field").number
}
