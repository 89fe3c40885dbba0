//! Which hypervisor host a node stands on: the guests that hosts report, matched with what nodes show of themselves.
//!
//! Nothing inside a virtual machine names its host reliably, and after a migration it is another one. The host's own
//! list does: a virtual machine is known by its DMI UUID, else, like a container, by a MAC address. Containers show the
//! UUID of their host, so theirs is not asked.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use coord_model::section::{Guest, PlatformKind};

/// One node, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// Hash of its public key.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: Option<PlatformKind>,
    /// Its DMI UUID.
    pub uuid: Option<&'a str>,
    /// Its MAC addresses.
    pub macs: &'a [String],
    /// The guests that it runs.
    pub guests: &'a [Guest],
}

/// Where a node stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the host's node.
    pub host: String,
    /// What the host calls the guest: a number, or a UUID.
    pub identifier: String,
}

/// The place of every node that exactly one running guest is, by the node's id. A guest that two hosts claim, as in the
/// middle of a migration or after a copy, has none.
#[must_use]
pub fn places(machines: &[Machine<'_>]) -> BTreeMap<String, Place> {
    machines.iter().filter_map(|node| Some((node.id.to_string(), place(node, machines)?))).collect()
}

fn place(node: &Machine<'_>, machines: &[Machine<'_>]) -> Option<Place> {
    let others = machines.iter().filter(|host| host.id != node.id);
    let all: Vec<(&Machine<'_>, &Guest)> =
        others.flat_map(|host| host.guests.iter().map(move |guest| (host, guest))).collect();
    let running = all.iter().filter(|(_, guest)| guest.running == Some(true));
    let by_uuid: Vec<_> = running.clone().filter(|(_, guest)| same_uuid(node, guest)).collect();
    let found = if by_uuid.is_empty() { running.filter(|(_, guest)| same_mac(node, guest)).collect() } else { by_uuid };
    let [(host, guest)] = found.as_slice() else { return None };
    Some(Place { host: host.name.to_string(), identifier: guest.identifier.clone().unwrap_or_default() })
}

fn same_uuid(node: &Machine<'_>, guest: &Guest) -> bool {
    let both = node.uuid.zip(guest.uuid.as_deref()).filter(|(own, _)| !own.is_empty());
    node.kind == Some(PlatformKind::Vm) && both.is_some_and(|(own, listed)| own.eq_ignore_ascii_case(listed))
}

fn same_mac(node: &Machine<'_>, guest: &Guest) -> bool {
    let listed = || guest.macs.iter().flatten();
    node.macs.iter().any(|own| !own.is_empty() && listed().any(|mac| mac.eq_ignore_ascii_case(own)))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn guest(identifier: &str, uuid: Option<&str>, mac: &str) -> Guest {
        Guest {
            identifier: Some(identifier.into()),
            running: Some(true),
            uuid: uuid.map(Into::into),
            macs: Some(vec![mac.into()]),
            ..Guest::default()
        }
    }

    fn machine<'a>(name: &'a str, kind: PlatformKind, uuid: &'a str, macs: &'a [String]) -> Machine<'a> {
        Machine { id: name, name, kind: Some(kind), uuid: Some(uuid), macs, guests: &[] }
    }

    fn host<'a>(name: &'a str, guests: &'a [Guest]) -> Machine<'a> {
        Machine { guests, ..machine(name, PlatformKind::ProxmoxHost, "4C4C", &[]) }
    }

    fn on(place: Option<&Place>) -> Option<(&str, &str)> {
        place.map(|place| (place.host.as_str(), place.identifier.as_str()))
    }

    #[test]
    fn a_virtual_machine_is_known_by_its_uuid_and_a_container_by_its_mac() {
        let guests = [guest("111", Some("6F0A"), "bc:24:11:00:00:01"), guest("113", None, "BC:24:11:00:00:03")];
        let mac = ["bc:24:11:00:00:03".into()];
        let found = places(&[
            host("proxmox", &guests),
            machine("vm", PlatformKind::Vm, "6f0a", &[]),
            machine("lxc", PlatformKind::Lxc, "4c4c", &mac),
            machine("pi", PlatformKind::RaspberryPi, "", &[]),
        ]);
        assert_eq!(on(found.get("vm")), Some(("proxmox", "111")));
        assert_eq!(on(found.get("lxc")), Some(("proxmox", "113")));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn the_uuid_of_a_container_is_its_hosts() {
        let guests = [guest("111", Some("4c4c"), "bc:24:11:00:00:01")];
        assert!(places(&[host("proxmox", &guests), machine("lxc", PlatformKind::Lxc, "4c4c", &[])]).is_empty());
    }

    #[test]
    fn two_claims_are_none_unless_one_is_stopped() {
        let here = [guest("111", Some("6f0a"), "")];
        let mut there = here.clone();
        let node = machine("vm", PlatformKind::Vm, "6f0a", &[]);
        assert!(places(&[host("a", &here), host("b", &there), node]).is_empty());
        there[0].running = Some(false);
        assert_eq!(on(places(&[host("a", &here), host("b", &there), node]).get("vm")), Some(("a", "111")));
        let nobody = [guest("1", Some(""), "")];
        assert!(places(&[host("a", &nobody), machine("vm", PlatformKind::Vm, "", &[String::new()])]).is_empty());
    }
}
