//! Replaces what names a home: the same thing gets the same stand-in everywhere, so that the story stays readable.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
};

use serde_json::Value;

/// Fields whose whole text is personal, and what stands in for it.
const FIELDS: [(&str, &str); 15] = [
    ("name", "name"),
    ("node", "name"),
    ("hostName", "name"),
    ("fleet", "home"),
    ("zone", "zone"),
    ("server", "server"),
    ("createdBy", "operator"),
    ("by", "operator"),
    ("machineId", "machine"),
    ("dmiUuid", "machine"),
    ("uuid", "machine"),
    ("flashGuid", "machine"),
    ("serialNumber", "serial"),
    ("bootId", "boot"),
    ("instance", "coordinator"),
];

/// Objects in which `name` is a word of the hardware or of the software, not of the owner.
const NOT_OURS: [&str; 8] =
    ["interfaces", "devices", "layers", "gpu", "temperatures", "certificates", "disks", "serialDevices"];

/// Fields that hold words of Coord or of the kernel: a node called `proxmox` must not turn `proxmox vm` into riddles.
const WORDS: [&str; 16] = [
    "apiVersion",
    "kind",
    "code",
    "severity",
    "platform",
    "label",
    "role",
    "health",
    "state",
    "reason",
    "hypervisor",
    "driver",
    "product",
    "operatingSystem",
    "version",
    "evidence",
];

/// Names that Coord itself gives.
const COORDS_OWN: [&str; 3] = ["coordinator", "fleet", "home"];

/// Redacts a document.
pub(crate) fn redact(document: &mut Value) {
    let mut stand_ins = StandIns::default();
    stand_ins.collect(document, "", false);
    let longest_first = stand_ins.ordered();
    replace(document, "", &longest_first);
}

/// What is replaced by what.
#[derive(Default)]
struct StandIns {
    by_text: BTreeMap<String, String>,
    numbers: BTreeMap<&'static str, usize>,
}

impl StandIns {
    /// Finds what is personal: by the field that holds it, and by its form in every text.
    fn collect(&mut self, value: &Value, field: &str, not_ours: bool) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.collect(value, name, not_ours && name == "name" || NOT_OURS.contains(&name.as_str()));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, field, not_ours)),
            Value::String(text) => {
                let personal = FIELDS.iter().find(|(name, _)| *name == field && !not_ours);
                if let Some((_, kind)) = personal {
                    self.add(text, kind);
                }
                words(text).for_each(|word| self.add_by_form(word));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn add(&mut self, text: &str, kind: &'static str) {
        // Shorter texts stand in too many other words.
        if text.chars().count() < 2 || COORDS_OWN.contains(&text) || self.by_text.contains_key(text) {
            return;
        }
        let number = self.numbers.entry(kind).or_default();
        *number += 1;
        self.by_text.insert(text.to_owned(), format!("{kind}-{number}"));
    }

    fn add_by_form(&mut self, word: &str) {
        if let Some((text, kind)) = form(word) {
            self.add(text, kind);
        }
    }

    /// Longest first, so that `k3s-w1` does not break `k3s-w10`.
    fn ordered(self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = self.by_text.into_iter().collect();
        all.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        all
    }
}

/// Runs of characters of which addresses and ids are made.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_ascii_alphanumeric() || ".:-_".contains(character)))
}

/// What a word is by its form: an address (a port behind it stays), a MAC, an id, a token.
fn form(word: &str) -> Option<(&str, &'static str)> {
    let word = word.trim_end_matches(['.', ':', ',']);
    let address = |text: &str| text.parse::<IpAddr>().is_ok_and(|address| !is_of_everybody(address));
    let before_port = word.rsplit_once(':').map_or(word, |(host, _)| host);
    let hexadecimal = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let mac = word.len() == 17 && word.split([':', '-']).filter(|part| part.len() == 2).count() == 6;
    if word.starts_with("coord_") {
        Some((word, "token"))
    } else if mac {
        Some((word, "mac"))
    } else if address(word) {
        Some((word, "address"))
    } else if address(before_port) {
        Some((before_port, "address"))
    } else if hexadecimal && word.bytes().filter(u8::is_ascii_hexdigit).count() >= 16 {
        Some((word, "id"))
    } else {
        None
    }
}

/// Loopback and unspecified addresses name nobody. Short hexadecimal words such as `::1` need this too.
fn is_of_everybody(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || address == IpAddr::V6(Ipv6Addr::LOCALHOST)
}

fn replace(value: &mut Value, field: &str, stand_ins: &[(String, String)]) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                // Why somebody accepts a risk is a person's own sentence, not a word of Coord.
                let name = if field == "accepted" { "" } else { name };
                replace(value, name, stand_ins);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, field, stand_ins)),
        Value::String(text) => {
            let keep_names = WORDS.contains(&field);
            *text = replaced(text, stand_ins, keep_names);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `text` with every stand-in put where the personal word stands on its own.
fn replaced(text: &str, stand_ins: &[(String, String)], keep_names: bool) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(character) = rest.chars().next() {
        let starts_word = !before.is_some_and(char::is_alphanumeric);
        let found = starts_word.then(|| at_start(rest, stand_ins, keep_names)).flatten();
        let (written, read) = match found {
            Some((personal, stand_in)) => (stand_in, personal.len()),
            None => (&rest[..character.len_utf8()], character.len_utf8()),
        };
        result.push_str(written);
        before = rest[..read].chars().last();
        rest = &rest[read..];
    }
    result
}

/// The longest personal word that `text` begins with and that ends there, and what stands in for it.
fn at_start<'a>(text: &str, stand_ins: &'a [(String, String)], keep_names: bool) -> Option<(&'a str, &'a str)> {
    let ends = |after: &str| !after.chars().next().is_some_and(char::is_alphanumeric);
    let (personal, stand_in) = stand_ins.iter().find(|(personal, stand_in)| {
        text.strip_prefix(personal.as_str()).is_some_and(ends) && (!keep_names || has_form(stand_in))
    })?;
    Some((personal, stand_in))
}

/// Whether the stand-in replaces something that is known by its form, wherever it stands.
fn has_form(stand_in: &str) -> bool {
    let kind = stand_in.rsplit_once('-').map_or(stand_in, |(kind, _)| kind);
    matches!(kind, "address" | "mac" | "id" | "token" | "machine" | "serial" | "boot")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_thing_has_the_same_stand_in() {
        let mut document = json!({
            "items": [
                {"name": "k3s-w1", "platform": "proxmox vm", "macs": ["bc:24:11:00:00:0e"]},
                {"name": "k3s-w10", "machineId": "2f1c00000000000000000000000000aa"},
                {"name": "proxmox", "kind": "proxmox-host"},
            ],
            "events": [{"message": "k3s-w10 at 192.168.1.12:50000 met k3s-w1 (bc:24:11:00:00:0e), coord_AbC-d_e"}],
            "why": "192.168.1.12 is not 192.168.1.120; fe80::1 neither; machine 2f1c00000000000000000000000000aa",
        });
        redact(&mut document);
        assert_eq!(document["events"][0]["message"], "name-2 at address-1:50000 met name-1 (mac-1), token-1");
        assert_eq!(document["why"], "address-1 is not address-2; address-3 neither; machine machine-1");
        assert_eq!(document["items"][0]["platform"], "proxmox vm");
        assert_eq!(document["items"][2], json!({"name": "name-3", "kind": "proxmox-host"}));
    }

    #[test]
    fn words_of_hardware_times_and_versions_stay() {
        let document = json!({
            "interfaces": [{"name": "eth0", "addresses": ["127.0.0.1/8"]}],
            "time": "2026-11-23T12:00:00Z",
            "message": "v1.34.3+k3s1 on 0000:00:02.0, 226:128 refused (EPERM), up 12:30",
        });
        let mut redacted = document.clone();
        redact(&mut redacted);
        assert_eq!(redacted, document);
    }

    #[test]
    fn who_accepts_a_risk_and_why_is_personal() {
        let mut document = json!({
            "items": [{"name": "k3s-w1"}],
            "accepted": {"by": "operator ada", "until": "2026-12-01T00:00:00Z", "reason": "k3s-w1 gets a new board"},
        });
        redact(&mut document);
        let expected =
            json!({"by": "operator-1", "until": "2026-12-01T00:00:00Z", "reason": "name-1 gets a new board"});
        assert_eq!(document["accepted"], expected);
    }

    #[test]
    fn what_coord_itself_is_called_stays() {
        let mut document = json!({"groups": [{"name": "coordinator", "checks": [{"message": "coordinator answers"}]}]});
        let before = document.clone();
        redact(&mut document);
        assert_eq!(document, before);
    }

    #[test]
    fn the_end_of_a_sentence_is_not_part_of_an_address() {
        let mut document = json!({"message": "lost 10.0.0.7."});
        redact(&mut document);
        assert_eq!(document["message"], "lost address-1.");
    }
}
