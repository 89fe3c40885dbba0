//! Personal data that has no form of its own: it is known by the file or the answer that it stands in.

use std::{collections::BTreeMap, net::IpAddr};

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

/// Words that are personal on one machine, and what they become.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Replaced wherever they stand alone.
    pub(super) words: BTreeMap<String, String>,
    /// Other machines' names, which may be ordinary words: replaced where they are named as a server.
    pub(super) servers: BTreeMap<String, String>,
}

impl Known {
    fn add(&mut self, word: &str, kind: &str) {
        let word = word.trim_matches(|character: char| character.is_whitespace() || character == '\0');
        if word.len() >= SHORTEST && !self.words.contains_key(word) {
            let replacement = format!("{kind}{:04}", self.words.len() + 1);
            if kind == "SERIAL" {
                // smartd names its files by serial numbers, with `_` for all but letters and digits.
                let plain = word.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' });
                self.words.insert(plain.collect(), replacement.clone());
            }
            self.words.insert(word.to_string(), replacement);
        }
    }

    fn add_server(&mut self, name: &str) {
        let number = self.servers.len() + 1;
        if !name.is_empty() && name != "localhost" && name.parse::<IpAddr>().is_err() {
            self.servers.entry(name.to_string()).or_insert_with(|| format!("server{number}"));
        }
    }
}

/// What is personal on the machine of this tape.
pub(super) fn known(taped: &Taped) -> Known {
    let mut known = Known::default();
    for (path, bytes) in &taped.files {
        let text = String::from_utf8_lossy(bytes);
        if SERIAL_FILES.iter().any(|name| path.ends_with(name)) {
            known.add(&text, "SERIAL");
        }
        if path.ends_with("/vpd_pg80") {
            known.add(&String::from_utf8_lossy(bytes.get(4..).unwrap_or_default()), "SERIAL");
        }
        if path.ends_with("/var.ini") {
            UNRAID_KEYS.iter().filter_map(|key| assigned(&text, key)).for_each(|value| known.add(&value, "UNRAID"));
        }
        if path.ends_with("/disks.ini") {
            disk_serials(&text).for_each(|serial| known.add(serial, "SERIAL"));
        }
        if path.ends_with("/mountinfo") || path.ends_with("/mountstats") {
            text.split_whitespace().filter_map(share_server).for_each(|name| known.add_server(name));
        }
        if path == "/etc/passwd" {
            known.words.extend(people(&text));
        }
        servers_of_addresses(&text).for_each(|name| known.add_server(name));
    }
    for path in taped.files.keys().chain(&taped.seen) {
        smart_serial(path).into_iter().for_each(|serial| known.add(serial, "SERIAL"));
    }
    if let Some(name) = host_name(taped).filter(|name| distinctive(name)) {
        known.words.insert(name, super::redact::HOST_NAME.to_string());
    }
    for (number, name) in guests(taped).into_iter().enumerate().filter(|(_, name)| distinctive(name)) {
        known.words.entry(name).or_insert_with(|| format!("guest{}", number + 1));
    }
    known
}

/// What the kernel calls the machine.
pub(super) fn host_name(taped: &Taped) -> Option<String> {
    match taped.answers.kernel.as_ref()? {
        Answer::Value(kernel) => Some(kernel.host_name.clone()),
        Answer::Unknown { .. } => None,
    }
}

/// The names of the guests, in the order of the answer.
fn guests(taped: &Taped) -> Vec<String> {
    let answer = taped.answers.helper.as_ref().and_then(|helper| helper.guests.as_ref());
    let guests = answer.and_then(|answer| answer.reading().ok()).unwrap_or_default();
    guests.into_iter().map(|guest| guest.name.unwrap_or_default()).collect()
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

/// The server of `SERVER:/EXPORT` or `//SERVER/SHARE`.
fn share_server(word: &str) -> Option<&str> {
    let nfs = word.split_once(":/").map(|(server, _)| server);
    let windows = word.strip_prefix("//").and_then(|rest| rest.split('/').next());
    nfs.or(windows).filter(|name| host(name))
}

/// The machines of `https://NAME:6443` and its like.
fn servers_of_addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split("://").skip(1).filter_map(|rest| {
        let end = rest.find(|next: char| next.is_whitespace() || "/\"',)".contains(next)).unwrap_or(rest.len());
        let address = rest[..end].rsplit('@').next()?;
        let name = address.split(':').next()?;
        (host(name) && !public(name)).then_some(name)
    })
}

/// Whether this may be the name of a machine.
fn host(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// Addresses that a distribution writes into its files.
fn public(name: &str) -> bool {
    ["debian.org", "ubuntu.com", "raspberrypi.com", "raspbian.org", "k3s.io", "kernel.org", "unraid.net"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// `/var/lib/smartmontools/attrlog.MODEL-SERIAL.ata.csv`.
fn smart_serial(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/var/lib/smartmontools/")?;
    let end = [".ata", ".scsi", ".nvme"].iter().find_map(|kind| name.find(kind))?;
    name[..end].rsplit_once('-').map(|(_, serial)| serial)
}

/// The accounts of people, by the numbers that they become.
fn people(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| name.len() >= SHORTEST)?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        super::redact::person(number).then(|| (name.to_string(), format!("user{number}")))
    })
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
        taped.seen.insert("/var/lib/smartmontools/attrlog.WDC_WD40-9KX8.ata.csv".to_string());
        taped.seen.insert("/var/lib/smartmontools/attrlog.WDC_WD40EFRX_68N32N0-WD_WCC7K1.ata.csv".to_string());
        let known = known(&taped);
        let words: Vec<&str> = known.words.keys().map(String::as_str).collect();
        assert_eq!(words, ["20230101ABC", "5PG12345", "Jane Doe", "WD_WCC7K1"]);
    }

    #[test]
    fn a_disks_serial_number_is_known_in_smartds_spelling_too() {
        let mut taped = Taped::default();
        taped.files.insert("/sys/block/sda/device/vpd_pg80".to_string(), b"\0\x80\0\x0c  WD-WCC4E123".to_vec());
        let known = known(&taped);
        assert_eq!(known.words["WD-WCC4E123"], known.words["WD_WCC4E123"]);
        taped.files.insert("/sys/block/sda/device/vpd_pg80".to_string(), b"\0\x80".to_vec());
        assert!(super::known(&taped).words.is_empty());
    }

    #[test]
    fn only_unmistakable_host_names_are_replaced_everywhere() {
        assert!(distinctive("k3s-w3") && distinctive("nas01"));
        assert!(!distinctive("tower") && !distinctive("vm") && !distinctive("a-1"));
    }

    #[test]
    fn other_machines_are_known_by_what_they_serve() {
        let mut taped = Taped::default();
        let mountinfo = b"40 27 0:45 / /data rw - nfs4 tower:/mnt/user rw\n41 27 0:46 / /x rw - cifs //nas/share rw\n\
                          42 27 0:47 / /y rw - nfs 192.168.1.29:/z rw\n";
        taped.files.insert("/proc/self/mountinfo".to_string(), mountinfo.to_vec());
        let environment = b"K3S_URL=https://lan.example:6443\nstore=postgres://jane:secret@db.example/k3s\n";
        taped.files.insert("/etc/systemd/system/k3s.service.env".to_string(), environment.to_vec());
        taped.files.insert("/etc/os-release".to_string(), b"HOME_URL=\"https://www.debian.org/\"\n".to_vec());
        let servers: Vec<String> = known(&taped).servers.into_keys().collect();
        assert_eq!(servers, ["db.example", "lan.example", "nas", "tower"]);
    }

    #[test]
    fn people_are_known_by_their_accounts() {
        let accounts = "root:x:0:0::/root:/bin/bash\njanedoe:x:1000:1000:Jane Doe,,,:/home/janedoe:/bin/bash\nbad\n";
        let found: Vec<_> = people(accounts).collect();
        assert_eq!(found, [("janedoe".to_string(), "user1000".to_string())]);
    }
}
