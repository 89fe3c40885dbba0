//! Personal data that has no form of its own: it is known by the file that it stands in.

use std::collections::BTreeMap;

use crate::{
    host::{Answer, Taped},
    probe::assigned,
};

/// Files whose whole content identifies one device.
const SERIAL_FILES: [&str; 10] = [
    "/serial",
    "/serial_number",
    "/serial-number",
    "/product_serial",
    "/board_serial",
    "/chassis_serial",
    "/wwid",
    "/cid",
    "/unique_id",
    "/eui",
];
/// Settings of Unraid that identify its licence and its owner.
const UNRAID_KEYS: [&str; 4] = ["flashGUID", "regGUID", "regTo", "regTm2"];
/// Shorter words stand for too many other things.
const SHORTEST: usize = 5;

/// Words to replace wherever they stand alone, with their replacements.
pub(super) fn known(taped: &Taped) -> BTreeMap<String, String> {
    let mut known = BTreeMap::new();
    let mut add = |word: &str, kind: &str| {
        let word = word.trim_matches(|character: char| character.is_whitespace() || character == '\0');
        if word.len() >= SHORTEST && !known.contains_key(word) {
            let replacement = format!("{kind}{:04}", known.len() + 1);
            known.insert(word.to_string(), replacement);
        }
    };
    for (path, bytes) in &taped.files {
        let text = String::from_utf8_lossy(bytes);
        if SERIAL_FILES.iter().any(|name| path.ends_with(name)) {
            add(&text, "SERIAL");
        }
        if path.ends_with("/var.ini") {
            UNRAID_KEYS.iter().filter_map(|key| assigned(&text, key)).for_each(|value| add(&value, "UNRAID"));
        }
        if path.ends_with("/disks.ini") {
            disk_serials(&text).for_each(|serial| add(serial, "SERIAL"));
        }
    }
    if let Some(name) = host_name(taped).filter(|name| distinctive(name)) {
        known.insert(name, super::redact::HOST_NAME.to_string());
    }
    known
}

/// What the kernel calls the machine.
fn host_name(taped: &Taped) -> Option<String> {
    match taped.answers.kernel.as_ref()? {
        Answer::Value(kernel) => Some(kernel.host_name.clone()),
        Answer::Unknown { .. } => None,
    }
}

/// A name that is a word of its own, such as `tower`, stands in too many other places.
fn distinctive(name: &str) -> bool {
    name.len() >= SHORTEST && name.bytes().any(|byte| byte == b'-' || byte.is_ascii_digit())
}

/// `id="MODEL_SERIAL"` of Unraid's disks.
fn disk_serials(text: &str) -> impl Iterator<Item = &str> {
    let identifiers = text.lines().filter_map(|line| line.trim().strip_prefix("id="));
    identifiers.filter_map(|identifier| identifier.trim_matches('"').rsplit_once('_').map(|(_, serial)| serial))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_known_by_their_files() {
        let mut taped = Taped::default();
        taped.files.insert("/sys/bus/usb/devices/1-1/serial".to_string(), b"20230101ABC\n".to_vec());
        taped.files.insert("/var/local/emhttp/var.ini".to_string(), b"NAME=\"Tower\"\nregTo=\"Jane Doe\"\n".to_vec());
        taped.files.insert("/var/local/emhttp/disks.ini".to_string(), b"id=\"WDC_WD120_5PG12345\"\n".to_vec());
        taped.files.insert("/etc/hostname".to_string(), b"x\n".to_vec());
        let known = known(&taped);
        let words: Vec<&str> = known.keys().map(String::as_str).collect();
        assert_eq!(words, ["20230101ABC", "5PG12345", "Jane Doe"]);
    }

    #[test]
    fn only_unmistakable_host_names_are_replaced_everywhere() {
        assert!(distinctive("k3s-w3") && distinctive("nas01"));
        assert!(!distinctive("tower") && !distinctive("vm") && !distinctive("a-1"));
    }
}
