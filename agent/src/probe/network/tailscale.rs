//! Tailscale: what its daemon says, else what its interface shows.

use coord_model::{Reading, Unknown, ValueState};

use super::Addresses;
use crate::host::{Host, Tailscale};

/// The folder of the daemon's socket; there since it was first started.
const FOLDER: &str = "/run/tailscale";
const INTERFACE: &str = "tailscale0";

/// `Running 100.64.0.7`, `NeedsLogin` and so on; in a container that shares the host's network `up` or `down`.
pub(super) fn state(host: &Host, addresses: &Addresses) -> Reading<String> {
    let interface = addresses.as_ref().ok().and_then(|map| map.get(INTERFACE));
    if host.exists(FOLDER) {
        return match (host.tailscale(), interface) {
            (Ok(answer), _) => Ok(words(&answer)),
            (Err(unknown), None) if unknown.state == ValueState::Absent => {
                Err(Unknown::absent("tailscaled is installed and does not run"))
            }
            (Err(unknown), _) => Err(unknown),
        };
    }
    match interface {
        None => Err(Unknown::absent("tailscaled is not installed")),
        Some(list) if list.is_empty() => Ok("down".into()),
        Some(_) => Ok("up".into()),
    }
}

fn words(answer: &Tailscale) -> String {
    let mut words = vec![answer.state.clone()];
    words.extend(answer.addresses.iter().cloned());
    if answer.state == "Running" && !answer.online {
        words.push("(its control server does not see it)".to_string());
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::*;

    fn host(answers: &str, folder: bool) -> Host {
        let place = tempfile::tempdir().unwrap().keep();
        fs::create_dir_all(place.join(if folder { "root/run/tailscale" } else { "root/run" })).unwrap();
        fs::write(place.join("answers.json"), answers).unwrap();
        Host::recorded(&place).unwrap()
    }

    fn with_interface(list: &[&str]) -> Addresses {
        Ok(BTreeMap::from([(INTERFACE.into(), list.iter().map(|address| (*address).into()).collect())]))
    }

    #[test]
    fn the_daemon_is_asked_where_it_was_installed() {
        let running =
            r#"{"schema": 1, "tailscale": {"state": "Running", "addresses": ["100.64.0.7"], "online": true}}"#;
        assert_eq!(state(&host(running, true), &with_interface(&[])), Ok("Running 100.64.0.7".to_string()));
        let alone = running.replace("true", "false");
        assert!(state(&host(&alone, true), &with_interface(&[])).unwrap().ends_with("does not see it)"));
        let stopped = r#"{"schema": 1, "tailscale": {"unknown": {"state": "absent"}}}"#;
        let none = Ok(BTreeMap::new());
        assert!(state(&host(stopped, true), &none).unwrap_err().message.ends_with("does not run"));
        let refused = r#"{"schema": 1, "tailscale": {"unknown": {"state": "denied"}}}"#;
        assert_eq!(state(&host(refused, true), &none).unwrap_err().state, ValueState::Denied);
    }

    #[test]
    fn without_its_daemon_the_interface_is_all_there_is() {
        let nothing = host(r#"{"schema": 1}"#, false);
        assert_eq!(state(&nothing, &with_interface(&["100.64.0.7/32"])), Ok("up".into()));
        assert_eq!(state(&nothing, &with_interface(&[])), Ok("down".into()));
        assert_eq!(state(&nothing, &Ok(BTreeMap::new())).unwrap_err().state, ValueState::Absent);
    }
}
