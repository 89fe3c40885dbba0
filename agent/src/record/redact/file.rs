//! Files that hold personal data in a way of their own: environments, command lines, accounts, routes, secrets.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{HOST_NAME, Redactor};

impl Redactor {
    /// The content of the file at `path` with everything personal replaced.
    pub(in super::super) fn file(&mut self, path: &str, bytes: &[u8]) -> Vec<u8> {
        if path.ends_with("/vpd_pg80") {
            return self.page(bytes);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            // What a probe says of it stays the same, and nobody can read in it.
            return vec![0xff];
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        let text = match (path, name) {
            (_, "environ") => keep_variables(text),
            (_, "cmdline") => text.split('\0').next().unwrap_or_default().to_string(),
            ("/etc/hostname" | "/proc/sys/kernel/hostname", _) => format!("{HOST_NAME}\n"),
            ("/etc/group" | "/etc/passwd", _) => accounts(text),
            (_, "route") => return self.routes(text).into_bytes(),
            (_, "mountinfo" | "mountstats") => without_options(text),
            ("/etc/exports", _) => exports(text),
            _ if path.starts_with("/etc/exports.d/") => exports(text),
            _ if path.starts_with("/var/local/emhttp/") => without_owner(&without_secrets(text)),
            _ => without_secrets(text),
        };
        self.text(&text).into_bytes()
    }

    /// A disk's serial number behind four bytes, of which the last is its length.
    fn page(&mut self, bytes: &[u8]) -> Vec<u8> {
        let number = self.text(&String::from_utf8_lossy(bytes.get(4..).unwrap_or_default()));
        let length = u8::try_from(number.len()).unwrap_or(u8::MAX);
        [&[0, 0x80, 0, length], number.as_bytes()].concat()
    }

    /// /proc/net/route writes addresses as hexadecimal numbers in the machine's byte order.
    fn routes(&mut self, text: &str) -> String {
        let mut lines = String::new();
        for line in text.lines() {
            let fields: Vec<String> = line
                .split('\t')
                .enumerate()
                .map(|(place, field)| if matches!(place, 1 | 2) { self.route(field) } else { field.to_string() })
                .collect();
            lines.push_str(&fields.join("\t"));
            lines.push('\n');
        }
        lines
    }

    fn route(&mut self, field: &str) -> String {
        match u32::from_str_radix(field, 16) {
            Ok(number) if field.len() == 8 => {
                let address = self.four(Ipv4Addr::from(number.to_le_bytes()));
                format!("{:08X}", u32::from_le_bytes(address.octets()))
            }
            _ => field.to_string(),
        }
    }
}

/// Only the variable that names a container.
fn keep_variables(text: &str) -> String {
    text.split('\0').filter(|variable| variable.starts_with("container=")).collect::<Vec<_>>().join("\0")
}

/// Whether an account of this number is a person's.
pub(in super::super) fn person(number: u32) -> bool {
    (1000..65_000).contains(&number)
}

/// People's accounts become numbers, and groups lose their members.
fn accounts(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let number = fields.get(2).and_then(|number| number.parse::<u32>().ok());
        let name = match number.filter(|number| person(*number)) {
            Some(number) => format!("user{number}"),
            None => fields[0].to_string(),
        };
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        lines.push_str(&format!("{name}:x:{number}:\n"));
    }
    lines
}

/// Mount options that name people; the rest of the table has a form of its own.
fn without_options(text: &str) -> String {
    let personal = ["username=", "user=", "domain=", "password=", "cruid="];
    let option = |word: &str| match personal.iter().find(|key| word.starts_with(**key)) {
        Some(key) => format!("{key}redacted"),
        None => word.to_string(),
    };
    pieces(text, |letter| letter == ',' || letter.is_whitespace(), option)
}

/// Clients of exports by their names; addresses and `*` are left to the patterns.
fn exports(text: &str) -> String {
    let client = |word: &str| {
        let name = word.split('(').next().unwrap_or_default();
        let letters = name.bytes().any(|byte| byte.is_ascii_alphabetic());
        let plain = letters && !name.starts_with(['/', '"', '-', '#', '@', '*']) && name.parse::<Ipv6Addr>().is_err();
        if plain { format!("client{}", &word[name.len()..]) } else { word.to_string() }
    };
    pieces(text, char::is_whitespace, client)
}

/// Every piece between separators, changed; separators stay.
fn pieces(text: &str, separates: impl Fn(char) -> bool, change: impl Fn(&str) -> String) -> String {
    let mut result = String::with_capacity(text.len());
    for piece in text.split_inclusive(&separates) {
        let word = piece.trim_end_matches(&separates);
        result.push_str(&change(word));
        result.push_str(&piece[word.len()..]);
    }
    result
}

/// Unraid's settings that are what somebody wrote or is called.
fn without_owner(text: &str) -> String {
    let personal = ["NAME", "COMMENT", "DOMAIN", "WORKGROUP", "comment", "readList", "writeList", "luksKeyfile"];
    let mut lines = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let key = line.split('=').next().unwrap_or_default();
        let value = line[key.len()..].trim_end_matches(['\r', '\n']);
        if personal.contains(&key) && value.len() > 3 {
            lines.push_str(&format!("{key}=\"redacted\"\n"));
        } else {
            lines.push_str(line);
        }
    }
    lines
}

/// Whether a setting or an option of this name is secret.
fn secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('_', "-");
    let words = ["token", "secret", "password", "passwd", "passphrase", "access-key", "api-key", "private-key"];
    let named = words.iter().any(|word| name.contains(word));
    named && !name.trim_end_matches(['"', '\'', ' ']).ends_with("file")
}

/// Values whose name says that they are secret, words after options that do, and who stands in an address.
fn without_secrets(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut follows = false;
    for line in text.split_inclusive('\n') {
        let border = line.find([':', '=']).filter(|border| !line[..*border].trim_start().starts_with(['-', '\'', '"']));
        match border.filter(|border| secret(&line[..*border])) {
            Some(border) => {
                lines.push_str(&line[..=border]);
                lines.push_str(" redacted");
                lines.push_str(if line.ends_with('\n') { "\n" } else { "" });
            }
            None => lines.push_str(&without_credentials(&without_secret_options(line, &mut follows))),
        }
    }
    lines
}

/// `--token X` and `--token=X` of a command line, which may go on in the next line: `follows` is kept between lines.
fn without_secret_options(line: &str, follows: &mut bool) -> String {
    let mut result = String::with_capacity(line.len());
    for piece in line.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let bare = word.trim_matches(['\'', '"']);
        let rest = &piece[word.len()..];
        match bare.split_once('=') {
            _ if word.is_empty() || word == "\\" => result.push_str(word),
            _ if *follows => {
                *follows = false;
                result.push_str("redacted");
            }
            Some((name, _)) if name.contains("--") && secret(name) => result.push_str(&format!("{name}=redacted")),
            None if bare.starts_with("--") && secret(bare) => {
                *follows = true;
                result.push_str(word);
            }
            Some(_) | None => result.push_str(word),
        }
        result.push_str(rest);
    }
    result
}

/// `://USER:PASSWORD@` of an address.
fn without_credentials(line: &str) -> String {
    let mut parts = line.split("://");
    let mut result = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let end = part.find(|next: char| next.is_whitespace() || "/\"'".contains(next)).unwrap_or(part.len());
        let host = part[..end].rfind('@').map_or(0, |place| place + 1);
        result.push_str("://");
        result.push_str(&part[host..]);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::personal::Known;

    fn redacted(path: &str, text: &str) -> String {
        String::from_utf8(Redactor::default().file(path, text.as_bytes())).unwrap()
    }

    #[test]
    fn a_page_of_a_disk_keeps_its_form() {
        let words = [("WD-WCC4E123".to_string(), "SERIAL0001".to_string())].into();
        let known = Known { words, ..Known::default() };
        let mut redactor = Redactor::new(known);
        assert_eq!(redactor.file("/d/vpd_pg80", b"\0\x80\0\x0bWD-WCC4E123"), b"\0\x80\0\x0aSERIAL0001");
        assert_eq!(redactor.file("/d/vpd_pg80", b"\0"), b"\0\x80\0\0");
    }

    #[test]
    fn secrets_are_gone() {
        let config = redacted("/etc/rancher/k3s/config.yaml", "server: https://x\ntoken: hunter2\ntoken-file: /t\n");
        assert_eq!(config, "server: https://x\ntoken: redacted\ntoken-file: /t\n");
        assert_eq!(redacted("/proc/1/environ", "K3S_TOKEN=x\0container=lxc\0A=b"), "container=lxc");
        assert_eq!(redacted("/proc/9/cmdline", "k3s\0--token\0x"), "k3s");
        assert_eq!(redacted("/etc/group", "render:x:104:jane\njane:x:1000:\n"), "render:x:104:\nuser1000:x:1000:\n");
    }

    #[test]
    fn secrets_of_a_command_line_are_gone() {
        let unit = "Environment=X=y\nExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--token' \\\n\t'hunter2' \\\n\t'--tls-san' 'k3s' \\\n\
                    \t--etcd-s3-access-key=AKIA --agent-token \"hunter3\" --cluster-init\n";
        let told = redacted("/etc/systemd/system/k3s.service", unit);
        assert!(!told.contains("hunter") && !told.contains("AKIA"), "{told}");
        assert!(told.contains("'--tls-san' 'k3s'") && told.ends_with("--cluster-init\n"), "{told}");
        let direct =
            redacted("/etc/systemd/system/k3s.service", "ExecStart=/usr/local/bin/k3s agent --token=hunter2\n");
        assert_eq!(direct, "ExecStart=/usr/local/bin/k3s agent --token=redacted\n");
    }

    #[test]
    fn a_datastore_loses_who_asks_it() {
        let config =
            redacted("/etc/rancher/k3s/config.yaml", "datastore-endpoint: \"postgres://k3s:hunter2@db:5432/k3s\"\n");
        assert_eq!(config, "datastore-endpoint: \"postgres://db:5432/k3s\"\n");
    }

    #[test]
    fn names_in_tables_are_gone() {
        let table =
            redacted("/proc/self/mountinfo", "41 27 0:46 / /x rw - cifs //nas/share rw,username=jane,vers=3.1\n");
        assert_eq!(table, "41 27 0:46 / /x rw - cifs //nas/share rw,username=redacted,vers=3.1\n");
        let exported = redacted("/etc/exports", "/srv  janes-laptop(rw,sync) *(ro) @lab(rw)\n# x\n");
        assert_eq!(exported, "/srv  client(rw,sync) *(ro) @lab(rw)\n# client\n");
        let shares = redacted(
            "/var/local/emhttp/shares.ini",
            "[\"media\"]\nname=\"media\"\ncomment=\"Jane's films\"\nfree=\"1\"\n",
        );
        assert_eq!(shares, "[\"media\"]\nname=\"media\"\ncomment=\"redacted\"\nfree=\"1\"\n");
    }

    #[test]
    fn a_gateway_is_replaced_like_its_address() {
        let mut redactor = Redactor::default();
        let route = "Iface\tDestination\tGateway\neth0\t00000000\t0101A8C0\neth0\t0001A8C0\t00000000\n";
        let text = String::from_utf8(redactor.file("/proc/net/route", route.as_bytes())).unwrap();
        assert!(!text.contains("0101A8C0") && text.contains("0001A8C0") && text.contains("00000000"), "{text}");
        let gateway = text.lines().nth(1).unwrap().split('\t').nth(2).unwrap();
        let address = Ipv4Addr::from(u32::from_str_radix(gateway, 16).unwrap().to_le_bytes());
        assert_eq!(redactor.text("192.168.1.1"), address.to_string());
    }

    #[test]
    fn what_is_not_utf_8_stays_so() {
        assert_eq!(Redactor::default().file("/x", b"\xfe\xff"), [0xff]);
    }
}
