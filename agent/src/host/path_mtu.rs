//! The largest packet to an address that is known to arrive, measured over a TCP connection of its own.
//!
//! What an interface or a route says is a belief: a tunnel on the way that drops larger packets in silence is seen only
//! when one is sent. So one segment of full size goes out with the flag that no router may divide it; that the peer's
//! kernel acknowledges it proves its size for this direction, without any right and without the program behind the port.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use coord_model::{Reading, Unknown, ValueState};

use super::{
    fetch,
    kernel_call::{self, TcpState},
};

/// Between two looks at the acknowledgements.
const PAUSE: Duration = Duration::from_millis(5);
/// Headers of IPv4, IPv6 and TCP, and the TCP option for timestamps with its padding.
const FOUR: u32 = 20;
const SIX: u32 = 40;
const TCP: u32 = 20;
const TIMESTAMPS: u32 = 12;
/// The beginning of a TLS record of the largest size: a TLS server waits for the rest and says nothing.
const RECORD: [u8; 5] = [0x16, 3, 1, 0x40, 0];
/// The largest segment that there can be.
const LARGEST: u32 = 1 << 16;

/// Measures to `address`, for instance `192.168.1.10:7443`; within 2 s.
pub(super) fn path_mtu(address: &str) -> Reading<u32> {
    let end = Instant::now() + fetch::DEADLINE;
    let mut stream = fetch::connect(address, end)?;
    let six = stream.peer_addr().is_ok_and(|peer| peer.is_ipv6());
    if !six {
        kernel_call::never_fragment(&stream)?;
    }
    let before = kernel_call::tcp_state(&stream)?;
    stream.write_all(&segment(before.segment)).map_err(|error| fetch::reason(address, &error))?;
    loop {
        let state = kernel_call::tcp_state(&stream)?;
        // The kernel makes segments smaller when a router complains, and larger when the peer has more room: what was
        // sent and arrived is the smaller of the two.
        let state = TcpState { segment: state.segment.min(before.segment), ..state };
        if let Some(settled) = settled(address, state, six) {
            return settled;
        }
        if Instant::now() > end {
            return Err(lost(address, packet(state, six)));
        }
        thread::sleep(PAUSE);
    }
}

/// The size once it is known, or that it never will be; `None` where there is something to wait for.
fn settled(address: &str, state: TcpState, six: bool) -> Option<Reading<u32>> {
    if !state.stands {
        return Some(Err(Unknown::absent(format!("{address}: the connection was closed"))));
    }
    (state.unacknowledged == 0).then(|| Ok(packet(state, six)))
}

fn segment(size: u32) -> Vec<u8> {
    let mut bytes = RECORD.to_vec();
    bytes.resize(size.clamp(1, LARGEST) as usize, 0);
    bytes
}

/// The size of a packet that carries a whole segment.
fn packet(state: TcpState, six: bool) -> u32 {
    let headers = TCP + if six { SIX } else { FOUR } + if state.timestamps { TIMESTAMPS } else { 0 };
    state.segment.saturating_add(headers)
}

fn lost(address: &str, size: u32) -> Unknown {
    let message =
        format!("{address} did not acknowledge a packet of {size} bytes in 2 s: something on the way drops it");
    Unknown::new(ValueState::Timeout, message)
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener};

    use super::*;

    #[test]
    fn a_packet_has_the_headers_of_its_family() {
        let state = TcpState { segment: 1448, timestamps: true, unacknowledged: 0, stands: true };
        assert_eq!(packet(state, false), 1500);
        assert_eq!(packet(TcpState { segment: 1440, timestamps: false, ..state }, true), 1500);
        assert_eq!(packet(TcpState { segment: u32::MAX, ..state }, true), u32::MAX);
        assert_eq!((segment(0).len(), segment(u32::MAX).len()), (1, 1 << 16));
    }

    #[test]
    fn what_was_reset_acknowledged_nothing() {
        let state = TcpState { segment: 1448, timestamps: true, unacknowledged: 0, stands: true };
        assert_eq!(settled("192.0.2.1:7443", state, false), Some(Ok(1500)));
        assert_eq!(settled("192.0.2.1:7443", TcpState { unacknowledged: 1, ..state }, false), None);
        let closed = settled("192.0.2.1:7443", TcpState { stands: false, ..state }, false).unwrap().unwrap_err();
        assert_eq!(closed, Unknown::absent("192.0.2.1:7443: the connection was closed"));
    }

    #[test]
    fn a_reset_connection_does_not_stand() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(kernel_call::tcp_state(&stream).unwrap().stands);
        // Closing with something unread resets the connection.
        let (peer, _) = listener.accept().unwrap();
        stream.write_all(b"unread").unwrap();
        assert_eq!(peer.peek(&mut [0; 16]).unwrap(), 6);
        drop(peer);
        assert!(stream.read(&mut [0; 16]).is_err());
        let state = kernel_call::tcp_state(&stream).unwrap();
        assert_eq!((state.stands, state.unacknowledged), (false, 0));
    }

    #[test]
    fn loopback_carries_large_packets() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all
        });
        let measured = path_mtu(&address).unwrap();
        let received = server.join().unwrap();
        assert!(measured > 1280, "{measured}");
        assert_eq!(received[..5], RECORD);
        let headers = measured as usize - received.len();
        assert!((40..=52).contains(&headers), "{headers}");
    }

    #[test]
    fn what_cannot_be_reached_is_not_measured() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        assert_eq!(path_mtu(&address).unwrap_err().state, ValueState::Absent);
        assert_eq!(path_mtu("coordinator.home:7443").unwrap_err().state, ValueState::Error);
        assert!(lost("192.0.2.1:7443", 1500).message.contains("1500 bytes"));
    }
}
