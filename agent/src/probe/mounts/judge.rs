//! What can be said of a mount without touching it, from its server's ping and from what moved.

use coord_model::{Reading, Unknown, section::MountState};

use super::memory::Movement;
use crate::host::{Ping, Protocol, Server};

/// A disk of the server that spins up takes 10 to 30 s; what takes longer is no spin-up.
pub(crate) const SPIN_UP_SECONDS: f64 = 30.0;
/// What is said while a server answers and its file system does not.
pub(crate) const SPINS_UP: &str =
    "its server answers, its file system does not yet; a disk that spins up takes 10 to 30 s";

/// A state that needs no further question, and the sentence for it.
pub(super) type Decided = (MountState, String);

/// What `ping` says where it settles the question; `None` where the mount may be asked.
pub(super) fn by_ping(server: &Server, ping: &Reading<Ping>) -> Option<Decided> {
    let service = match server.protocol {
        Protocol::Nfs(_) => "NFS",
        Protocol::Smb => "SMB",
    };
    let (address, port) = (server.address, server.port);
    match ping.as_ref().ok()? {
        Ping::Answered(_) => None,
        Ping::Refused => Some((
            MountState::ServiceDown,
            format!("{address} refuses connections to its {service} service on port {port}"),
        )),
        Ping::Silent => Some((
            MountState::ServiceDown,
            format!("{address} takes connections on port {port}, its {service} service does not answer"),
        )),
        Ping::Nonsense(why) => {
            Some((MountState::ServiceDown, format!("{address} does not speak {service} on port {port}: {why}")))
        }
        Ping::Unreachable(why) => Some((MountState::ServerDown, format!("{address} does not answer: {why}"))),
    }
}

/// What the counters say: requests go out again and again, and no reply comes.
pub(super) fn by_movement(movement: Movement, answered: bool) -> Option<Decided> {
    let seconds = movement.unanswered_seconds?;
    if answered && seconds < SPIN_UP_SECONDS {
        return Some((MountState::Slow, SPINS_UP.to_string()));
    }
    let server = if answered { "its server answers a ping, but " } else { "" };
    Some((MountState::Stuck, format!("{server}the kernel gets no reply to what it asks")))
}

/// The answer time, or why there is none.
pub(super) fn seconds(ping: &Reading<Ping>) -> Reading<f64> {
    use coord_model::ValueState::Timeout;
    match ping.as_ref().map_err(Clone::clone)? {
        Ping::Answered(seconds) => Ok(*seconds),
        Ping::Refused => Err(Unknown::absent("the connection was refused")),
        Ping::Silent => Err(Unknown::new(Timeout, "no reply in 2 s")),
        Ping::Unreachable(why) => Err(Unknown::new(Timeout, why)),
        // The value is unknown because of what the other side said, which is a fact about it and no failure here.
        Ping::Nonsense(why) => Err(Unknown::absent(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server { address: [192, 168, 1, 29].into(), port: 2049, protocol: Protocol::Nfs(4) }
    }

    #[test]
    fn a_ping_tells_a_dead_server_from_a_dead_service() {
        let state = |ping| by_ping(&server(), &Ok(ping)).map(|(state, _)| state);
        assert_eq!(state(Ping::Answered(0.001)), None);
        assert_eq!(state(Ping::Refused), Some(MountState::ServiceDown));
        assert_eq!(state(Ping::Silent), Some(MountState::ServiceDown));
        assert_eq!(state(Ping::Nonsense("x".to_string())), Some(MountState::ServiceDown));
        assert_eq!(state(Ping::Unreachable("x".to_string())), Some(MountState::ServerDown));
        assert_eq!(by_ping(&server(), &Err(Unknown::error("no thread"))), None);
        let (_, detail) = by_ping(&server(), &Ok(Ping::Refused)).unwrap();
        assert_eq!(detail, "192.168.1.29 refuses connections to its NFS service on port 2049");
    }

    #[test]
    fn a_spin_up_is_slow_for_thirty_seconds_and_then_stuck() {
        let state = |seconds, answered| {
            let movement = Movement { unanswered_seconds: seconds, ..Movement::default() };
            by_movement(movement, answered).map(|(state, _)| state)
        };
        assert_eq!(state(None, true), None);
        assert_eq!(state(Some(10.0), true), Some(MountState::Slow));
        assert_eq!(state(Some(29.9), true), Some(MountState::Slow));
        assert_eq!(state(Some(30.0), true), Some(MountState::Stuck));
        assert_eq!(state(Some(10.0), false), Some(MountState::Stuck));
    }
}
