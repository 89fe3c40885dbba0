//! Who has a GPU: programs outside Kubernetes that hold it open, and guests that it was given to.

use std::collections::BTreeSet;

use coord_model::{
    Reading,
    section::{Guest, PlatformKind},
};

use super::busy::Names;
use crate::{
    host::{DrmClient, Host},
    probe::platform,
};

/// What is asked once for all devices.
pub(super) struct People {
    clients: Reading<Vec<DrmClient>>,
    open: Reading<std::collections::BTreeMap<String, Vec<String>>>,
    guests: Reading<Vec<Guest>>,
    /// Whether this machine is a container, which sees its own processes only.
    pub(super) contained: bool,
}

impl People {
    /// Asks the helper; it answers from what it read for this process already.
    pub(super) fn ask(host: &Host) -> Self {
        let kind = platform::kind(host);
        Self {
            clients: host.root_fact(|answers| &answers.drm_clients),
            open: host.root_fact(|answers| &answers.open_devices),
            guests: platform::guests(host, kind),
            contained: matches!(kind, Some(PlatformKind::Lxc | PlatformKind::Container)),
        }
    }

    /// Names of programs that have the device open, pods left out.
    pub(super) fn users(&self, names: &Names, nodes: &[String]) -> Reading<Vec<String>> {
        let clients = self.clients.as_ref().map(|clients| clients.iter().filter(|client| names.fit(client)));
        let (mut users, mut pods) = (BTreeSet::new(), BTreeSet::new());
        if let Ok(clients) = &clients {
            for client in clients.clone() {
                (if client.in_pod { &mut pods } else { &mut users }).insert(client.program.clone());
            }
        }
        match (clients, &self.open) {
            (Err(unknown), Err(_)) => return Err(unknown.clone()),
            (_, Err(_)) => {}
            (_, Ok(open)) => {
                // Nodes that no DRM client stands for, such as NVIDIA's, and drivers that write no fdinfo.
                let holders = nodes.iter().filter_map(|node| open.get(node)).flatten();
                users.extend(holders.filter(|program| !pods.contains(*program)).cloned());
            }
        }
        Ok(users.into_iter().collect())
    }

    /// Whether anybody has one of these nodes open.
    pub(super) fn hold(&self, nodes: &[String]) -> Reading<bool> {
        let open = self.open.as_ref().map_err(Clone::clone)?;
        Ok(nodes.iter().any(|node| open.get(node).is_some_and(|holders| !holders.is_empty())))
    }

    /// Names of guests that were given the device at `address`.
    pub(super) fn guests(&self, address: &str) -> Reading<Vec<String>> {
        let guests = self.guests.as_ref().map_err(Clone::clone)?;
        let given = |guest: &&Guest| guest.gpus.iter().flatten().any(|gpu| same_device(gpu, address));
        Ok(guests.iter().filter(given).filter_map(|guest| guest.name.clone().or(guest.identifier.clone())).collect())
    }
}

/// Hypervisors name a device with or without its domain, and all of its functions by leaving the function out.
fn same_device(given: &str, address: &str) -> bool {
    let given = given.trim().to_ascii_lowercase();
    let full = if given.matches(':').count() == 1 { format!("0000:{given}") } else { given };
    full == address || address.strip_prefix(&full).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn people(clients: &[(&str, &str, bool)], open: &[(&str, &str)]) -> People {
        let client = |(device, program, in_pod): &(&str, &str, bool)| DrmClient {
            device: device.to_string(),
            program: program.to_string(),
            in_pod: *in_pod,
            ..DrmClient::default()
        };
        let mut nodes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (node, program) in open {
            nodes.entry(node.to_string()).or_default().push(program.to_string());
        }
        People {
            clients: Ok(clients.iter().map(client).collect()),
            open: Ok(nodes),
            guests: Err(coord_model::Unknown::not_applicable("")),
            contained: false,
        }
    }

    #[test]
    fn pods_are_left_out_wherever_they_are_seen() {
        let names = Names { address: "0000:00:02.0".to_string(), numbers: vec!["226:128".to_string()] };
        let people = people(
            &[("0000:00:02.0", "jellyfin", false), ("226:128", "ffmpeg", true), ("0000:01:00.0", "other", false)],
            &[("/dev/dri/renderD128", "ffmpeg"), ("/dev/dri/renderD128", "Xorg"), ("/dev/dri/renderD129", "else")],
        );
        let users = people.users(&names, &["/dev/dri/renderD128".to_string()]).unwrap();
        assert_eq!(users, ["Xorg", "jellyfin"]);
    }

    #[test]
    fn addresses_are_told_as_hypervisors_write_them() {
        for given in ["0000:01:00.0", "01:00.0", "01:00", "0000:01:00"] {
            assert!(same_device(given, "0000:01:00.0"), "{given}");
        }
        for given in ["01:00.1", "0000:01:0", "", "02:00"] {
            assert!(!same_device(given, "0000:01:00.0"), "{given}");
        }
    }
}
