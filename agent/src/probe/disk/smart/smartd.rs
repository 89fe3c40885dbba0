//! smartd's state files (smartd(8), smartd.cpp): `smartd.MODEL-SERIAL.ata.state`, lines of `name = number`.

use std::collections::BTreeMap;

use coord_model::{Reading, Unknown};

/// The warning about failing health; smartd numbers its kinds of warnings in a fixed order.
const HEALTH: u64 = 1;
/// Attributes of ATA disks that count sectors which could not be read.
const PENDING: u64 = 197;
const UNCORRECTABLE: u64 = 198;

/// The file of the disk with this serial number: smartd writes everything but letters and digits as `_`.
pub(super) fn state_file<'a>(names: &'a [String], serial: &str) -> Option<&'a String> {
    let serial: String =
        serial.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    let fits = |name: &&String| {
        let rest = name.strip_prefix("smartd.").filter(|rest| rest.ends_with(".state"));
        rest.and_then(|rest| rest.split_once('.')).is_some_and(|(disk, _)| {
            let end = disk.rsplit_once("-n").filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
            let disk = end.map_or(disk, |(disk, _)| disk);
            disk.rsplit('-').next() == Some(serial.as_str())
        })
    };
    names.iter().find(fits)
}

/// What the state says of the disk.
pub(super) fn verdict(text: &str) -> Reading<String> {
    let numbers = numbers(text);
    if numbers.is_empty() {
        return Err(Unknown::error("smartd's state makes no sense"));
    }
    let number = |name: &str| numbers.get(name).copied().unwrap_or(0);
    if number(&format!("mail.{HEALTH}.count")) > 0 {
        return Ok("failing: smartd has warned that the disk fails its own health check".to_string());
    }
    let mut bad = Vec::new();
    for (identifier, what) in [(PENDING, "unreadable sectors"), (UNCORRECTABLE, "uncorrectable sectors")] {
        bad.extend(attribute(&numbers, identifier).filter(|count| *count > 0).map(|count| format!("{count} {what}")));
    }
    bad.extend(
        Some(number("self-test-errors")).filter(|count| *count > 0).map(|count| format!("{count} failed self-tests")),
    );
    if bad.is_empty() {
        Ok("passed: smartd has nothing against it".to_string())
    } else {
        Ok(format!("warning: {}", bad.join(", ")))
    }
}

/// The raw value of an attribute; the upper bytes hold other things on some disks.
fn attribute(numbers: &BTreeMap<&str, u64>, identifier: u64) -> Option<u64> {
    let place = numbers.iter().find_map(|(name, number)| {
        let place = name.strip_prefix("ata-smart-attribute.")?.strip_suffix(".id")?;
        (*number == identifier).then_some(place)
    });
    numbers.get(format!("ata-smart-attribute.{}.raw", place?).as_str()).map(|raw| raw & 0xffff_ffff)
}

/// All lines that make sense.
fn numbers(text: &str) -> BTreeMap<&str, u64> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    lines.filter_map(|(name, number)| Some((name.trim(), number.trim().parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# smartd state file\ntemperature-min = 24\ntemperature-max = 41\nself-test-errors = 0\n\
                        ata-smart-attribute.4.id = 5\nata-smart-attribute.4.raw = 8\n\
                        ata-smart-attribute.15.id = 197\nata-smart-attribute.15.val = 200\nata-smart-attribute.15.raw = 0\n";

    #[test]
    fn a_good_disk_passes_and_bad_ones_say_why() {
        assert!(verdict(GOOD).unwrap().starts_with("passed"));
        let pending = GOOD.replace("15.raw = 0", "15.raw = 281474976710664");
        assert_eq!(verdict(&pending).unwrap(), "warning: 8 unreadable sectors");
        let tests = GOOD.replace("self-test-errors = 0", "self-test-errors = 2");
        assert_eq!(verdict(&tests).unwrap(), "warning: 2 failed self-tests");
        assert!(
            verdict(&format!("{GOOD}mail.1.count = 3\nmail.1.first-sent-time = 1\n")).unwrap().starts_with("failing")
        );
        // Another kind of warning is not about health.
        assert!(verdict(&format!("{GOOD}mail.12.count = 3\n")).unwrap().starts_with("passed"));
    }

    #[test]
    fn the_serial_number_must_fit_whole() {
        let names =
            ["smartd.A_B-WD_WCC4.ata.state", "smartd.X-S5-n1.nvme.state", "attrlog.A_B-ZZZZ.ata.csv", "smartd."];
        let names = names.map(str::to_string);
        assert_eq!(state_file(&names, "WD-WCC4"), Some(&names[0]));
        assert_eq!(state_file(&names, "S5"), Some(&names[1]));
        for other in ["WCC4", "ZZZZ", "B", "X", ""] {
            assert_eq!(state_file(&names, other), None, "{other:?}");
        }
    }

    #[test]
    fn an_empty_or_broken_state_is_no_verdict() {
        for text in ["", "# smartd state file\n", "nonsense", "a = b", "= \u{0}"] {
            assert!(verdict(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}", name in "smartd.{0,40}state") {
            drop(verdict(&text));
            state_file(&[name], &text);
        }
    }
}
