//! Interfaces, addresses and the way out, from sysfs, getifaddrs and the kernel's routing tables.
//!
//! Left out are the loopback and what containers and virtual machines make for themselves: interfaces whose names
//! begin as in [`FOREIGN`], and interfaces without a device and without an address. So an LXC container's `eth0`, a
//! bridge or a VLAN with an address stay, and the hundred `veth…` of a busy node do not hide them.

use std::{collections::BTreeMap, net::IpAddr};

use coord_model::{
    Reading, Section, Unknown, ValueState,
    section::{Interface, InterfaceReading, Network, NetworkReading},
};

mod path;
mod route;
mod tailscale;

use super::Briefing;
use crate::host::Host;

const FOLDER: &str = "/sys/class/net";
/// Beginnings of names that container engines, Kubernetes networks and hypervisors give to interfaces of guests.
const FOREIGN: [&str; 15] = [
    "veth", "cni", "flannel", "cali", "docker", "br-", "kube-", "lxc", "tap", "vnet", "virbr", "fwbr", "fwpr", "fwln",
    "ifb",
];

/// Reads interfaces, their addresses and the default route; measures the way to the coordinator when it is asked to.
pub(crate) fn probe(host: &Host, briefing: &Briefing) -> Section<Network> {
    let addresses = host.addresses();
    let route = route::default(host);
    let path = path::target(briefing);
    let reading = NetworkReading {
        host_name: host.kernel().map(|kernel| kernel.host_name),
        interfaces: host.list(FOLDER).map(|names| interfaces(host, &names, &addresses)),
        default_interface: route.as_ref().map(|route| route.interface.clone()).map_err(Clone::clone),
        gateway: route.and_then(|route| route.gateway),
        virtual_address: holds(&addresses, &briefing.expect.virtual_address),
        tailscale: tailscale::state(host, &addresses),
        path_mtu: path.clone().and_then(|address| host.path_mtu(&address)),
        path_mtu_to: path,
    };
    Section::read("/sys/class/net, getifaddrs, /proc/net/route", reading.into())
}

type Addresses = Reading<BTreeMap<String, Vec<String>>>;

fn interfaces(host: &Host, names: &[String], addresses: &Addresses) -> Vec<Interface> {
    names.iter().filter(|name| belongs(host, name, addresses)).map(|name| interface(host, name, addresses)).collect()
}

/// Whether an interface belongs to a container or a guest by its name.
pub(crate) fn foreign(name: &str) -> bool {
    FOREIGN.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether an interface is this machine's own; see the module's head.
fn belongs(host: &Host, name: &str, addresses: &Addresses) -> bool {
    if name == "lo" || foreign(name) {
        return false;
    }
    let addressed = addresses.as_ref().is_ok_and(|map| map.get(name).is_some_and(|list| !list.is_empty()));
    addressed || physical(host, name) == Ok(true)
}

/// The kernel links `device` for an interface that hardware, real or virtual, stands behind.
fn physical(host: &Host, name: &str) -> Reading<bool> {
    match host.link(&format!("{FOLDER}/{name}/device")) {
        Ok(_) => Ok(true),
        Err(Unknown { state: ValueState::Absent, .. }) => Ok(false),
        Err(reason) => Err(reason),
    }
}

fn interface(host: &Host, name: &str, addresses: &Addresses) -> Interface {
    let file = |file: &str| host.text(&format!("{FOLDER}/{name}/{file}"));
    let own = |map: &BTreeMap<String, Vec<String>>| map.get(name).cloned().unwrap_or_default();
    InterfaceReading {
        name: Ok(name.to_string()),
        mac: file("address").and_then(|text| parse_mac(&text)),
        physical: physical(host, name),
        state: file("operstate"),
        mtu: file("mtu").and_then(|text| text.parse().map_err(|_| Unknown::error(format!("mtu of {name}: {text}")))),
        speed_megabits: speed(file("speed")),
        addresses: addresses.as_ref().map(own).map_err(Clone::clone),
    }
    .into()
}

/// Six bytes that are not all zero; tunnels have none.
fn parse_mac(text: &str) -> Reading<String> {
    let bytes: Vec<&str> = text.split(':').collect();
    let well_formed =
        bytes.len() == 6 && bytes.iter().all(|byte| byte.len() == 2 && u8::from_str_radix(byte, 16).is_ok());
    match (well_formed, text) {
        (true, "00:00:00:00:00:00") | (false, "") => Err(Unknown::absent("it has no hardware address")),
        (true, text) => Ok(text.to_ascii_lowercase()),
        (false, text) => Err(Unknown::error(format!("not a hardware address: {text}"))),
    }
}

/// The kernel answers EINVAL for a link that is down and for drivers that do not know, and some drivers say -1.
fn speed(text: Reading<String>) -> Reading<u32> {
    match text {
        Ok(text) => match text.parse::<i64>() {
            Ok(speed) => u32::try_from(speed).map_err(|_| Unknown::absent("the driver does not know the speed")),
            Err(_) => Err(Unknown::error(format!("speed is not a number: {text}"))),
        },
        Err(Unknown { state: ValueState::Error, message }) if message.contains("EINVAL") => {
            Err(Unknown::absent("the driver does not know the speed"))
        }
        Err(reason) => Err(reason),
    }
}

/// Whether the cluster's virtual address, if one is declared, is on one of this machine's interfaces.
fn holds(addresses: &Addresses, declared: &str) -> Reading<bool> {
    if declared.is_empty() {
        return Err(Unknown::not_applicable("no virtual address is declared"));
    }
    let wanted: IpAddr =
        declared.parse().map_err(|_| Unknown::error(format!("the virtual address is no address: {declared}")))?;
    let own = addresses.as_ref().map_err(Clone::clone)?.values().flatten();
    Ok(own.filter_map(|text| text.split('/').next()?.parse().ok()).any(|address: IpAddr| address == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardware_address_is_six_bytes() {
        assert_eq!(parse_mac("BC:24:11:00:00:0e"), Ok("bc:24:11:00:00:0e".into()));
        for text in ["", "00:00:00:00:00:00", "bc:24:11", "bc:24:11:00:00:0g", "\u{0}", "bc:24:11:00:00:0e:ff:ff"] {
            assert!(parse_mac(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_link_without_speed_is_absent_and_nonsense_is_an_error() {
        assert_eq!(speed(Ok("1000".into())), Ok(1000));
        assert_eq!(speed(Ok("-1".into())).unwrap_err().state, ValueState::Absent);
        let invalid = Unknown::error("/sys/class/net/eth0/speed: Invalid argument (EINVAL)");
        assert_eq!(speed(Err(invalid)).unwrap_err().state, ValueState::Absent);
        assert_eq!(speed(Ok("fast".into())).unwrap_err().state, ValueState::Error);
    }

    #[test]
    fn a_virtual_address_is_held_or_not() {
        let lists = [("eth0", vec!["192.168.1.13/24".to_string(), "192.168.1.100/32".to_string()])];
        let addresses = Ok(lists.into_iter().map(|(name, list)| (name.to_string(), list)).collect());
        assert_eq!(holds(&addresses, "192.168.1.100"), Ok(true));
        assert_eq!(holds(&addresses, "192.168.1.10"), Ok(false));
        assert_eq!(holds(&addresses, "").unwrap_err().state, ValueState::NotApplicable);
        assert_eq!(holds(&addresses, "k3s.home").unwrap_err().state, ValueState::Error);
        assert!(holds(&Err(Unknown::denied("x")), "192.168.1.100").is_err());
        let six = Ok([("eth0".to_string(), vec!["fd12::100/128".to_string()])].into());
        assert_eq!(holds(&six, "fd12:0:0::100"), Ok(true));
    }
}
