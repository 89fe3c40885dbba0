//! Which systemd unit runs k3s, as what, and whether it starts at boot. Unit files may be read by anyone.

use std::collections::BTreeSet;

use coord_model::{Reading, Unknown, ValueState, section::K3sRole};

use super::process::{self, Process};
use crate::host::Host;

/// Where unit files lie, in systemd's order of precedence (systemd.unit(5)).
const FOLDERS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
/// Where `systemctl enable` links a unit that k3s's installer made.
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

/// The unit that runs k3s here.
pub(super) struct Unit {
    /// With `.service`.
    pub(super) name: String,
    /// What it runs k3s as.
    pub(super) role: K3sRole,
    /// Words of its command line after the role.
    pub(super) arguments: Vec<String>,
    /// Its main process, or why that is not known.
    pub(super) process: Reading<Process>,
}

/// The unit that runs, else the first by name; `None` where no unit of that name is installed.
///
/// A machine may keep the unit of its former role, so a running one comes first.
pub(super) fn find(host: &Host) -> Reading<Option<Unit>> {
    let mut names = BTreeSet::new();
    for folder in FOLDERS {
        match host.list(folder) {
            Ok(entries) => names.extend(entries.into_iter().filter(|name| is_k3s(name))),
            Err(reason) if reason.state == ValueState::Absent => {}
            Err(reason) => return Err(reason),
        }
    }
    let mut units: Vec<Unit> = names.iter().map(|name| describe(host, name)).collect();
    units.sort_by_key(|unit| !unit.process.as_ref().is_ok_and(Process::runs));
    Ok(units.into_iter().next())
}

/// `k3s.service`, `k3s-agent.service`, or the `k3s-NAME.service` of INSTALL_K3S_NAME.
fn is_k3s(name: &str) -> bool {
    name == "k3s.service" || (name.starts_with("k3s-") && name.ends_with(".service"))
}

fn describe(host: &Host, name: &str) -> Unit {
    let text = FOLDERS.iter().find_map(|folder| host.text(&format!("{folder}/{name}")).ok()).unwrap_or_default();
    let (role, arguments) = parse_command(&text).unwrap_or_else(|| (role_by_name(name), Vec::new()));
    Unit { name: name.to_string(), role, arguments, process: process::find(host, name) }
}

/// What the installer means by the name, for a unit whose command line cannot be read.
fn role_by_name(name: &str) -> K3sRole {
    if name == "k3s-agent.service" { K3sRole::Agent } else { K3sRole::Server }
}

/// Role and further arguments from `ExecStart=`, whose lines may end in a backslash.
fn parse_command(text: &str) -> Option<(K3sRole, Vec<String>)> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let command = joined.lines().find_map(|line| line.trim().strip_prefix("ExecStart="))?;
    let mut words = command.split_whitespace().map(|word| word.trim_matches(['\'', '"']).to_string());
    let role = words.by_ref().find_map(|word| match word.as_str() {
        "server" => Some(K3sRole::Server),
        "agent" => Some(K3sRole::Agent),
        _ => None,
    })?;
    Some((role, words.collect()))
}

/// Whether the unit is linked into the target of a normal boot.
pub(super) fn enabled(host: &Host, name: &str) -> Reading<bool> {
    match host.link(&format!("{WANTS}/{name}")) {
        Ok(_) => Ok(true),
        Err(Unknown { state: ValueState::Absent, .. }) => Ok(false),
        Err(reason) => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_says_the_role() {
        let text = "[Service]\nExecStartPre=-/sbin/modprobe overlay\nExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--cluster-init' \\\n\n";
        assert_eq!(parse_command(text), Some((K3sRole::Server, vec!["--cluster-init".to_string()])));
        assert_eq!(parse_command("ExecStart=/usr/local/bin/k3s agent"), Some((K3sRole::Agent, Vec::new())));
    }

    #[test]
    fn a_broken_unit_file_says_nothing() {
        for text in ["", "ExecStart=", "ExecStart=/usr/local/bin/k3s", "ExecSta", "\\\n\\\n", "ExecStart=\u{0}\u{1}"] {
            assert_eq!(parse_command(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_name_stands_in_for_an_unreadable_command_line() {
        assert_eq!(role_by_name("k3s-agent.service"), K3sRole::Agent);
        assert_eq!(role_by_name("k3s.service"), K3sRole::Server);
        assert!(is_k3s("k3s-lab.service") && !is_k3s("k3sup.service") && !is_k3s("k3s.service.d"));
    }
}
