//! Links and addresses that come, go or change: rtnetlink(7), which anyone may listen to.
//!
//! Only a state that differs from the last one counts: the kernel repeats addresses with each router advertisement and
//! links with each wireless scan. Interfaces of containers and guests do not count.

use std::{collections::BTreeMap, io, os::fd::OwnedFd};

use coord_model::{AnySection, SectionKind};
use nix::{libc, sys::socket::SockProtocol};
use tokio::io::unix::AsyncFd;

use super::{
    Place,
    source::Watched,
    uevent::{batch, socket_of},
};
use crate::{fingerprint::Fingerprint, probe::foreign_interface};

/// Links, IPv4 and IPv6 addresses (linux/rtnetlink.h).
const GROUPS: u32 = 0x1 | 0x10 | 0x100;
/// The most states that are remembered; on a machine with more, repetitions count too.
const MOST: usize = 4096;
/// The length of nlmsghdr, ifinfomsg and ifaddrmsg (linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h).
const HEADER: usize = 16;
const LINK: usize = 16;
const ADDRESS: usize = 8;

/// The socket, and what it told last.
#[derive(Debug)]
pub(super) struct Route {
    socket: AsyncFd<OwnedFd>,
    known: Known,
}

impl Watched for Route {
    const NAME: &'static str = "route";

    fn open(_: &Place) -> Result<Self, String> {
        let socket = socket_of(SockProtocol::NetlinkRoute, GROUPS);
        let socket = socket.map_err(|error| format!("cannot listen to changes of the network: {error}"))?;
        Ok(Self { socket, known: Known::default() })
    }

    async fn changed(&mut self) -> io::Result<Vec<SectionKind>> {
        let known = &mut self.known;
        loop {
            let kinds = batch(&mut self.socket, &[SectionKind::Network], |message, found: &mut Vec<SectionKind>| {
                // Every message is remembered, also behind one that counts.
                if known.changes(message) && found.is_empty() {
                    found.push(SectionKind::Network);
                }
            });
            let kinds = kinds.await?;
            if !kinds.is_empty() {
                return Ok(kinds);
            }
        }
    }

    fn structure(sections: &[AnySection]) -> Option<Fingerprint> {
        let network = sections.iter().find_map(|section| {
            let AnySection::Network(section) = section else { return None };
            section.facts.as_ref()
        })?;
        let mut found = Fingerprint::default();
        for interface in network.interfaces.iter().flatten() {
            let words = interface.name.iter().chain(&interface.state).chain(interface.addresses.iter().flatten());
            words.for_each(|text| found.add_text(text));
        }
        Some(found)
    }
}

/// What is known of links and addresses.
#[derive(Debug, Default)]
struct Known {
    /// Interfaces of containers and guests, by index.
    foreign: BTreeMap<u32, ()>,
    /// The last state of each link and address.
    states: BTreeMap<Fingerprinted, Fingerprint>,
}

/// A link by its index, or an address by index and text of its bytes.
type Fingerprinted = (u32, Vec<u8>);

impl Known {
    /// Whether a datagram says something new of this machine's own network.
    fn changes(&mut self, datagram: &[u8]) -> bool {
        let mut new = false;
        for (kind, body) in messages(datagram) {
            new |= match kind {
                libc::RTM_NEWLINK | libc::RTM_DELLINK => self.link(kind, body).unwrap_or(false),
                libc::RTM_NEWADDR | libc::RTM_DELADDR => self.address(kind, body).unwrap_or(false),
                _ => false,
            };
        }
        new
    }

    fn link(&mut self, kind: u16, body: &[u8]) -> Option<bool> {
        let (head, rest) = body.split_at_checked(LINK)?;
        let index = u32::from_ne_bytes(head.get(4..8)?.try_into().ok()?);
        let flags = head.get(8..12)?;
        let name = attributes(rest).find(|(name, _)| *name == libc::IFLA_IFNAME).map_or(&[][..], |(_, value)| value);
        let name = String::from_utf8_lossy(name);
        if name == "lo\0" || foreign_interface(&name) {
            if kind == libc::RTM_NEWLINK && self.foreign.len() < MOST {
                self.foreign.insert(index, ());
            } else {
                self.foreign.remove(&index);
            }
            return Some(false);
        }
        let mut state = Fingerprint::of(&kind.to_ne_bytes());
        state.add(flags);
        for (attribute, value) in attributes(rest) {
            if matches!(attribute, libc::IFLA_IFNAME | libc::IFLA_ADDRESS | libc::IFLA_MTU | libc::IFLA_OPERSTATE) {
                state.add(value);
            }
        }
        // A message about wireless or bridge details has no such attributes, and says nothing of the link.
        let whole = attributes(rest).any(|(attribute, _)| attribute == libc::IFLA_MTU);
        Some(whole && self.differs((index, Vec::new()), state))
    }

    fn address(&mut self, kind: u16, body: &[u8]) -> Option<bool> {
        let (head, rest) = body.split_at_checked(ADDRESS)?;
        let index = u32::from_ne_bytes(head.get(4..8)?.try_into().ok()?);
        if self.foreign.contains_key(&index) {
            return Some(false);
        }
        let mut attributes = attributes(rest).filter(|(name, _)| matches!(*name, libc::IFA_ADDRESS | libc::IFA_LOCAL));
        let (_, address) = attributes.next()?;
        let mut state = Fingerprint::of(&kind.to_ne_bytes());
        state.add(head.get(..4)?);
        Some(self.differs((index, address.to_vec()), state))
    }

    fn differs(&mut self, of: Fingerprinted, state: Fingerprint) -> bool {
        if self.states.len() >= MOST && !self.states.contains_key(&of) {
            return true;
        }
        self.states.insert(of, state) != Some(state)
    }
}

/// Kind and body of each message in a datagram.
fn messages(datagram: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = usize::try_from(u32::from_ne_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        let kind = u16::from_ne_bytes(rest.get(4..6)?.try_into().ok()?);
        let body = rest.get(HEADER..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

/// Kind and value of each attribute.
fn attributes(text: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?);
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len() + 4).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend_from_slice(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + HEADER).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.resize(HEADER, 0);
        bytes.extend_from_slice(body);
        bytes
    }

    fn link(kind: u16, index: u32, name: &str, mtu: u32) -> Vec<u8> {
        let mut body = vec![0; LINK];
        body[4..8].copy_from_slice(&index.to_ne_bytes());
        body.extend(attribute(libc::IFLA_IFNAME, format!("{name}\0").as_bytes()));
        body.extend(attribute(libc::IFLA_MTU, &mtu.to_ne_bytes()));
        message(kind, &body)
    }

    fn address(kind: u16, index: u32, address: [u8; 4]) -> Vec<u8> {
        let mut body = vec![0; ADDRESS];
        body[4..8].copy_from_slice(&index.to_ne_bytes());
        body.extend(attribute(libc::IFA_ADDRESS, &address));
        message(kind, &body)
    }

    #[test]
    fn a_repetition_counts_once() {
        let mut known = Known::default();
        assert!(known.changes(&link(libc::RTM_NEWLINK, 2, "eth0", 1500)));
        assert!(!known.changes(&link(libc::RTM_NEWLINK, 2, "eth0", 1500)));
        assert!(known.changes(&link(libc::RTM_NEWLINK, 2, "eth0", 9000)));
        assert!(known.changes(&address(libc::RTM_NEWADDR, 2, [192, 0, 2, 1])));
        assert!(!known.changes(&address(libc::RTM_NEWADDR, 2, [192, 0, 2, 1])));
        assert!(known.changes(&address(libc::RTM_DELADDR, 2, [192, 0, 2, 1])));
        assert!(known.changes(&link(libc::RTM_DELLINK, 2, "eth0", 9000)));
    }

    #[test]
    fn interfaces_of_containers_do_not_count() {
        let mut known = Known::default();
        assert!(!known.changes(&link(libc::RTM_NEWLINK, 7, "veth12ab", 1450)));
        assert!(!known.changes(&address(libc::RTM_NEWADDR, 7, [10, 42, 0, 1])));
        assert!(!known.changes(&link(libc::RTM_DELLINK, 7, "veth12ab", 1450)));
        // The index is given again.
        assert!(known.changes(&link(libc::RTM_NEWLINK, 7, "eth1", 1500)));
    }

    #[test]
    fn several_messages_may_come_together() {
        let datagram =
            [link(libc::RTM_NEWLINK, 7, "cni0", 1450), address(libc::RTM_NEWADDR, 2, [192, 0, 2, 1])].concat();
        assert!(Known::default().changes(&datagram));
        assert_eq!(messages(&datagram).count(), 2);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0_u8.., 0..400), kind in 16_u16..22) {
            let mut known = Known::default();
            known.changes(&bytes);
            known.changes(&message(kind, &bytes));
        }
    }
}
