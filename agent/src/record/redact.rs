//! Replaces personal data, the same word always by the same other one, and leaves the rest of the text as it is.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde_json::Value;

use super::personal::Known;

mod file;
mod pattern;

pub(super) use file::person;

/// What every machine is called afterwards.
pub(super) const HOST_NAME: &str = "recorded-host";

/// Remembers what it replaced.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    /// Words known beforehand, and what they become.
    known: Known,
    /// Words replaced so far, by pattern.
    replaced: BTreeMap<String, String>,
    counter: u32,
}

impl Redactor {
    /// A redactor that replaces `known` words besides all that its patterns find.
    pub(super) fn new(known: Known) -> Self {
        Self { known, ..Self::default() }
    }

    /// `text` with everything personal replaced.
    pub(super) fn text(&mut self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        let mut inside_word = false;
        while let Some(first) = rest.chars().next() {
            let after_slashes = text[..text.len() - rest.len()].ends_with("//");
            if !inside_word && let Some((word, replacement)) = self.at_start(rest, after_slashes) {
                result.push_str(&replacement);
                rest = &rest[word..];
                inside_word = true;
                continue;
            }
            result.push(first);
            inside_word = first.is_ascii_alphanumeric();
            rest = &rest[first.len_utf8()..];
        }
        result
    }

    /// All strings and keys of a JSON value; host names by their field.
    pub(super) fn value(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(list) => Value::Array(list.into_iter().map(|value| self.value(value)).collect()),
            Value::Object(object) => {
                let mut fields = serde_json::Map::new();
                for (key, value) in object {
                    let value = match (key.as_str(), value) {
                        ("hostName", Value::String(_)) => Value::String(HOST_NAME.to_string()),
                        (_, value) => self.value(value),
                    };
                    fields.insert(self.text(&key), value);
                }
                Value::Object(fields)
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
        }
    }

    /// The length of the personal word that `text` begins with, and its replacement. `after_slashes`: where a share or
    /// an address names its server.
    fn at_start(&mut self, text: &str, after_slashes: bool) -> Option<(usize, String)> {
        if let Some((word, replacement)) = longest(&self.known.words, text) {
            return Some((word.len(), replacement.clone()));
        }
        let server = longest(&self.known.servers, text);
        if let Some((word, replacement)) =
            server.filter(|(word, _)| after_slashes || text[word.len()..].starts_with(':'))
        {
            return Some((word.len(), replacement.clone()));
        }
        if let Some(place) = pattern::home(text) {
            let folder = place.rfind('/').unwrap_or(0);
            return Some((place.len(), format!("{}/user", &place[..folder])));
        }
        let (word, kind) = pattern::find(text)?;
        Some((word.len(), self.replacement(word, kind)))
    }

    /// What stands for `word`. The same number stays the same in capitals, and a UUID without its dashes.
    fn replacement(&mut self, word: &str, kind: pattern::Kind) -> String {
        let key = format!("{}{}", kind.family(), word.replace('-', "").to_lowercase());
        if let Some(replacement) = self.replaced.get(&key) {
            return if word.contains('-') { pattern::dashed(replacement) } else { replacement.clone() };
        }
        let replacement = match kind {
            pattern::Kind::Uuid => format!("00000000000040008000{:012x}", self.next()),
            pattern::Kind::Mac => mac(word, self.next()),
            pattern::Kind::Interface => format!("{}{:012x}", &word[..3], self.next()),
            pattern::Kind::Hexadecimal => format!("{:0width$x}", self.next(), width = word.len()),
            pattern::Kind::Token => "K10redacted".to_string(),
            pattern::Kind::Four(address) => self.four(address).to_string(),
            pattern::Kind::Six(address) => six(address, self.next()).to_string(),
        };
        self.replaced.insert(key, replacement.clone());
        if word.contains('-') { pattern::dashed(&replacement) } else { replacement }
    }

    fn next(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    /// Another host of the same private network; of a network for documentation where it is public.
    pub(super) fn four(&mut self, address: Ipv4Addr) -> Ipv4Addr {
        let key = format!("address {address}");
        if let Some(found) = self.replaced.get(&key).and_then(|text| text.parse().ok()) {
            return found;
        }
        let [one, two, three, four] = address.octets();
        let kept = address.is_loopback() || address.is_unspecified() || address.is_multicast() || one == 255;
        if kept || (four == 0 && address.is_private()) || four == 255 {
            return address;
        }
        // At most 250 hosts stay apart, which is more than a home has.
        let mut host = four;
        while host == four {
            host = u8::try_from(self.next() % 250 + 2).unwrap_or(2);
        }
        let replaced = if address.is_private() || address.is_link_local() {
            Ipv4Addr::new(one, two, three, host)
        } else {
            Ipv4Addr::new(203, 0, 113, host)
        };
        self.replaced.insert(key, replaced.to_string());
        replaced
    }
}

/// The longest of `words` that `text` begins with.
fn longest<'a>(words: &'a BTreeMap<String, String>, text: &str) -> Option<(&'a String, &'a String)> {
    words.iter().filter(|(word, _)| pattern::whole_word(text, word)).max_by_key(|(word, _)| word.len())
}

/// The same maker, another number.
fn mac(word: &str, number: u32) -> String {
    let [_, high, middle, low] = number.to_be_bytes();
    format!("{}:{high:02x}:{middle:02x}:{low:02x}", &word[..8])
}

/// The same kind of address with another end.
fn six(address: Ipv6Addr, number: u32) -> Ipv6Addr {
    let number = u16::try_from(number % 0xffff).unwrap_or(1);
    match address.segments()[0] {
        first if first & 0xffc0 == 0xfe80 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number),
        first if first & 0xfe00 == 0xfc00 => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number),
        _ => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_word_becomes_the_same_other_word() {
        let words = BTreeMap::from([("k3s-w3".to_string(), HOST_NAME.to_string())]);
        let mut redactor = Redactor::new(Known { words, ..Known::default() });
        let text = "k3s-w3 bc:24:11:aa:bb:cc 192.168.1.29:/mnt addr=192.168.1.29,rw xk3s-w3";
        let redacted = redactor.text(text);
        assert!(redacted.starts_with("recorded-host bc:24:11:00:00:01 192.168.1."), "{redacted}");
        assert!(!redacted.contains("192.168.1.29") && redacted.ends_with("xk3s-w3"), "{redacted}");
        let server = redacted.split(' ').nth(2).unwrap().split_once(':').unwrap().0;
        assert!(redacted.contains(&format!("addr={server},rw")), "{redacted}");
        assert_eq!(redactor.text(text), redacted);
    }

    #[test]
    fn one_number_in_two_forms_stays_one_number() {
        let mut redactor = Redactor::default();
        let redacted = redactor.text("BC:24:11:AA:BB:CC 2F1C63A0-8d1e-4b5a-9c3e-0123456789ab");
        let again =
            redactor.text("bc:24:11:aa:bb:cc 2f1c63a0-8D1E-4b5a-9c3e-0123456789ab 2f1c63a08d1e4b5a9c3e0123456789ab");
        let (mac, uuid) = redacted.split_once(' ').unwrap();
        assert_eq!(again, format!("{mac} {uuid} {}", uuid.replace('-', "")));
        assert!(mac.starts_with("BC:24:11:") && uuid.len() == 36, "{redacted}");
    }

    #[test]
    fn the_longest_known_word_counts() {
        let words =
            [("k3s-cp", "short"), ("k3s-cp-1", "long")].map(|(word, other)| (word.to_string(), other.to_string()));
        let mut redactor = Redactor::new(Known { words: words.into(), ..Known::default() });
        assert_eq!(redactor.text("etcd-snapshot-k3s-cp-1-17"), "etcd-snapshot-long-17");
    }

    #[test]
    fn a_server_is_replaced_where_it_serves_only() {
        let servers = BTreeMap::from([("tower".to_string(), "server1".to_string())]);
        let mut redactor = Redactor::new(Known { servers, ..Known::default() });
        let text = "tower:/mnt/user //tower/media https://tower:6443 tower:2049/4";
        assert_eq!(redactor.text(text), "server1:/mnt/user //server1/media https://server1:6443 server1:2049/4");
        assert_eq!(redactor.text("/mnt/tower/x tower-case"), "/mnt/tower/x tower-case");
    }

    #[test]
    fn what_is_no_personal_data_stays() {
        let mut redactor = Redactor::default();
        for text in [
            "0000:00:02.0",
            "127.0.0.1:10248",
            "0.0.0.0",
            "::1",
            "fe80",
            "12:30:45",
            "226:128",
            "6.14.11-4-pve",
            "rw,vers=4.2,timeo=600",
            "ä € 1.2.3",
            "00:00:00:00:00:00",
            "255.255.255.0",
            "enp3s0",
            "enx",
        ] {
            assert_eq!(redactor.text(text), text);
        }
    }

    #[test]
    fn every_form_is_replaced() {
        let mut redactor = Redactor::default();
        for text in [
            "2f1c63a0-8d1e-4b5a-9c3e-0123456789ab",
            "2f1c63a08d1e4b5a9c3e0123456789ab",
            "8.8.8.8",
            "fe80::be24:11ff:feaa:bbcc",
            "2a02:8108:1::5",
            "fd12:3456:789a::1",
            "K10abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789::server:secret",
            "/home/jane/media",
            "/run/media/jane/stick",
            "enxbc2411aabbcc",
            "wlxBC2411AABBCC",
        ] {
            assert_ne!(redactor.text(text), text);
        }
    }

    #[test]
    fn host_names_are_found_by_their_field_and_kinds_are_not() {
        let value = serde_json::json!({"hostName": "vm", "kind": "vm", "list": ["10.1.2.3"]});
        let redacted = Redactor::default().value(value);
        assert_eq!((redacted["hostName"].as_str(), redacted["kind"].as_str()), (Some(HOST_NAME), Some("vm")));
        assert!(redacted["list"][0].as_str().unwrap().starts_with("10.1.2.") && redacted["list"][0] != "10.1.2.3");
    }
}
