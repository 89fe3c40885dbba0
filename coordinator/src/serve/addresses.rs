//! Where agents are told to find this coordinator.

use std::net::{IpAddr, SocketAddr};

use nix::ifaddrs::getifaddrs;

/// What the settings say; else the address that was bound; else, when that is every address of the machine, those
/// that are not loopback.
pub(crate) fn advertised(given: &[String], bound: SocketAddr) -> Vec<String> {
    if !given.is_empty() {
        return given.to_vec();
    }
    if !bound.ip().is_unspecified() {
        return vec![bound.to_string()];
    }
    let own = own_addresses();
    let chosen: Vec<IpAddr> = own.iter().copied().filter(|address| worth_telling(*address)).collect();
    let chosen = if chosen.is_empty() { own } else { chosen };
    chosen.into_iter().map(|address| SocketAddr::new(address, bound.port()).to_string()).collect()
}

/// Neither loopback nor link-local: those mean something else on the other machine.
fn worth_telling(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    }
}

/// Addresses of every interface, IPv4 first; empty when the system does not tell.
fn own_addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = getifaddrs()
        .map(|interfaces| {
            interfaces
                .filter_map(|interface| interface.address)
                .filter_map(|address| {
                    let four = address.as_sockaddr_in().map(|four| IpAddr::V4(four.ip()));
                    four.or_else(|| address.as_sockaddr_in6().map(|six| IpAddr::V6(six.ip())))
                })
                .collect()
        })
        .unwrap_or_default();
    addresses.sort();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_goes_first() {
        let bound = "0.0.0.0:7443".parse().unwrap();
        assert_eq!(advertised(&["pi:7443".into()], bound), ["pi:7443"]);
    }

    #[test]
    fn a_single_bound_address_is_told_as_it_is() {
        assert_eq!(advertised(&[], "127.0.0.1:9".parse().unwrap()), ["127.0.0.1:9"]);
    }

    #[test]
    fn loopback_is_told_only_when_there_is_nothing_else() {
        assert!(!worth_telling("127.0.0.1".parse().unwrap()));
        assert!(!worth_telling("fe80::1".parse().unwrap()));
        assert!(worth_telling("192.168.1.30".parse().unwrap()) && worth_telling("fd00::5".parse().unwrap()));
    }
}
