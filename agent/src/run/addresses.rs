//! Where to call: what worked last goes first, and nobody is called for ever in vain.

use std::net::IpAddr;

/// The most addresses that are remembered.
const MOST: usize = 16;

/// `given` and `known` without repeats, begun at the `turn`-th, so that each gets its turn when the others fail.
pub(super) fn in_turn(given: &[String], known: &[String], turn: usize) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for address in given.iter().chain(known) {
        if !addresses.contains(address) {
            addresses.push(address.clone());
        }
    }
    if !addresses.is_empty() {
        let first = turn % addresses.len();
        addresses.rotate_left(first);
    }
    addresses
}

/// What is remembered after a Welcome from `worked`: that one first, then what the coordinator told.
///
/// A coordinator that started before its network tells addresses that mean somebody else here; one that worked is
/// never given up for them.
pub(super) fn merged(worked: &str, told: &[String]) -> Vec<String> {
    let near = is_loopback(worked);
    let others = told.iter().filter(|address| *address != worked && (near || !is_loopback(address)));
    std::iter::once(worked.to_owned()).chain(others.cloned()).take(MOST).collect()
}

fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn each_address_gets_its_turn() {
        let (given, known) = (texts(&["a:1", "b:1"]), texts(&["b:1", "c:1"]));
        assert_eq!(in_turn(&given, &known, 0), texts(&["a:1", "b:1", "c:1"]));
        assert_eq!(in_turn(&given, &known, 4), texts(&["b:1", "c:1", "a:1"]));
        assert_eq!(in_turn(&[], &[], 7), texts(&[]));
    }

    #[test]
    fn what_worked_is_never_given_up_for_loopback() {
        let told = texts(&["127.0.0.1:7443", "[::1]:7443", "192.0.2.9:7443"]);
        assert_eq!(merged("192.0.2.1:7443", &told), texts(&["192.0.2.1:7443", "192.0.2.9:7443"]));
        assert_eq!(merged("127.0.0.1:7443", &texts(&["127.0.0.1:9"])), texts(&["127.0.0.1:7443", "127.0.0.1:9"]));
    }
}
