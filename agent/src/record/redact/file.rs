//! Files that hold personal data in a way of their own: environments, command lines, accounts, routes, secrets.

use std::net::Ipv4Addr;

use super::{HOST_NAME, Redactor};

impl Redactor {
    /// The content of the file at `path` with everything personal replaced.
    pub(in super::super) fn file(&mut self, path: &str, bytes: &[u8]) -> Vec<u8> {
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
            _ => without_secrets(text),
        };
        self.text(&text).into_bytes()
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

/// People's accounts become numbers, and groups lose their members.
fn accounts(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let number = fields.get(2).and_then(|number| number.parse::<u32>().ok());
        let person = number.is_some_and(|number| (1000..65_000).contains(&number));
        let name = if person { format!("user{}", number.unwrap_or_default()) } else { fields[0].to_string() };
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        lines.push_str(&format!("{name}:x:{number}:\n"));
    }
    lines
}

/// Values whose name says that they are secret.
fn without_secrets(text: &str) -> String {
    let secret = |name: &str| {
        let name = name.to_lowercase();
        let named = ["token", "secret", "password", "passwd", "passphrase"].iter().any(|word| name.contains(word));
        named && !name.trim_end_matches(['"', '\'', ' ']).ends_with("file")
    };
    let mut lines = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let border = line.find([':', '=']);
        match border {
            Some(border) if secret(&line[..border]) => {
                lines.push_str(&line[..=border]);
                lines.push_str(" redacted");
                lines.push_str(if line.ends_with('\n') { "\n" } else { "" });
            }
            Some(_) | None => lines.push_str(line),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(path: &str, text: &str) -> String {
        String::from_utf8(Redactor::default().file(path, text.as_bytes())).unwrap()
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
