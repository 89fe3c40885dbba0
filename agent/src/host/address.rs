//! Addresses of this machine's interfaces, with prefix, from getifaddrs(3).

use std::{collections::BTreeMap, net::IpAddr};

use coord_model::Reading;
use nix::{
    ifaddrs::{InterfaceAddress, getifaddrs},
    sys::socket::SockaddrStorage,
};

use super::error::unknown;

/// Addresses by interface, sorted.
pub(super) fn addresses() -> Reading<BTreeMap<String, Vec<String>>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in getifaddrs().map_err(|errno| unknown("getifaddrs", errno))? {
        let list = found.entry(row.interface_name.clone()).or_default();
        list.extend(with_prefix(&row));
    }
    for list in found.values_mut() {
        list.sort();
        list.dedup();
    }
    Ok(found)
}

fn with_prefix(row: &InterfaceAddress) -> Option<String> {
    let address = internet(row.address.as_ref()?)?;
    let prefix = row.netmask.as_ref().and_then(internet).map_or(0, prefix);
    Some(format!("{address}/{prefix}"))
}

fn internet(socket: &SockaddrStorage) -> Option<IpAddr> {
    let four = socket.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    four.or_else(|| socket.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}

/// Leading ones of a netmask.
fn prefix(mask: IpAddr) -> u32 {
    match mask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones(),
        IpAddr::V6(mask) => mask.to_bits().leading_ones(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_netmask_becomes_a_prefix() {
        assert_eq!(prefix("255.255.255.0".parse().unwrap()), 24);
        assert_eq!(prefix("ffff:ffff:ffff:ffff::".parse().unwrap()), 64);
    }
}
