//! The default route: IPv4 from `/proc/net/route`, else IPv6 from `/proc/net/ipv6_route`.

use std::net::{Ipv4Addr, Ipv6Addr};

use coord_model::{Reading, Unknown, ValueState};

use crate::host::Host;

/// RTF_UP of the kernel's include/uapi/linux/route.h.
const UP: u32 = 1;

/// Where packets go that have no better way.
#[derive(Debug, PartialEq)]
pub(super) struct Route {
    /// By which interface.
    pub(super) interface: String,
    /// To which router; a tunnel needs none.
    pub(super) gateway: Reading<String>,
}

/// The default route with the lowest metric, IPv4 before IPv6.
pub(super) fn default(host: &Host) -> Reading<Route> {
    let four = host.text("/proc/net/route").map(|text| parse_four(&text))?;
    let six = || match host.text("/proc/net/ipv6_route") {
        Ok(text) => Ok(parse_six(&text)),
        Err(Unknown { state: ValueState::Absent, .. }) => Ok(None),
        Err(reason) => Err(reason),
    };
    match four {
        Some(route) => Ok(route),
        None => six()?.ok_or_else(|| Unknown::absent("no default route")),
    }
}

/// Columns: interface, destination, gateway, flags, references, use, metric, mask; addresses as the machine stores
/// them.
fn parse_four(text: &str) -> Option<Route> {
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [interface, destination, gateway, flags, _, _, metric, mask, ..] = columns.as_slice() else { return None };
        let number = |text: &str| u32::from_str_radix(text, 16).ok();
        let default = number(destination)? == 0 && number(mask)? == 0 && number(flags)? & UP != 0;
        let gateway = Ipv4Addr::from(number(gateway)?.to_ne_bytes());
        default.then(|| (metric.parse::<u32>().unwrap_or(u32::MAX), (*interface).to_string(), gateway))
    };
    let (_, interface, gateway) = text.lines().filter_map(row).min_by_key(|(metric, ..)| *metric)?;
    Some(Route { interface, gateway: known(gateway.is_unspecified(), &gateway.to_string()) })
}

/// Columns: destination, its length, source, its length, router, metric, references, use, flags, interface.
fn parse_six(text: &str) -> Option<Route> {
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [destination, length, _, _, gateway, metric, _, _, flags, interface] = columns.as_slice() else {
            return None;
        };
        let all_zero = destination.bytes().all(|byte| byte == b'0') && *length == "00";
        let up = u32::from_str_radix(flags, 16).ok()? & UP != 0 && *interface != "lo";
        let gateway = Ipv6Addr::from_bits(u128::from_str_radix(gateway, 16).ok()?);
        let metric = u32::from_str_radix(metric, 16).unwrap_or(u32::MAX);
        (all_zero && up).then(|| (metric, (*interface).to_string(), gateway))
    };
    let (_, interface, gateway) = text.lines().filter_map(row).min_by_key(|(metric, ..)| *metric)?;
    Some(Route { interface, gateway: known(gateway.is_unspecified(), &gateway.to_string()) })
}

fn known(unspecified: bool, gateway: &str) -> Reading<String> {
    if unspecified { Err(Unknown::absent("the default route has no router")) } else { Ok(gateway.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_metric_wins() {
        let text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                    wlan0\t00000000\t0201A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
                    eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
                    eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
        let expected = Route { interface: "eth0".into(), gateway: Ok("192.168.1.1".into()) };
        assert_eq!(parse_four(text), Some(expected));
    }

    #[test]
    fn a_tunnel_needs_no_router_and_ipv6_is_written_plainly() {
        let zero = "0".repeat(32);
        let line = format!("{zero} 00 {zero} 00 fe80000000000000000000000000abcd 00000400 1 0 00000003 eth0");
        assert_eq!(parse_six(&line).unwrap().gateway, Ok("fe80::abcd".into()));
        let tunnel = "wg0 00000000 00000000 0001 0 0 0 00000000 0 0 0";
        assert!(parse_four(tunnel).unwrap().gateway.is_err());
    }

    #[test]
    fn unreachable_defaults_and_broken_lines_are_passed_over() {
        let zero = "0".repeat(32);
        let unreachable = format!("{zero} 00 {zero} 00 {zero} ffffffff 1 0 00200200 lo");
        assert_eq!(parse_six(&unreachable), None);
        for text in ["", "Iface", "eth0 00000000", "eth0 x y z 0 0 0 0", "\u{0}\u{0}"] {
            assert_eq!((parse_four(text), parse_six(text)), (None, None), "{text:?}");
        }
    }
}
