//! Which server is behind a mount, from the mount's own options, and one ping a server, all at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    thread,
};

use coord_model::{Reading, Unknown};

use super::{
    source,
    table::{self, Row},
};
use crate::host::{Host, Ping, Protocol, Server};

/// No home has more servers; more of them are not asked.
const MOST: usize = 64;
/// A ping needs little room.
const STACK: usize = 256 << 10;
/// Where NFS listens unless the mount says otherwise.
const NFS_PORT: u16 = 2049;
/// Where SMB listens unless the mount says otherwise.
const SMB_PORT: u16 = 445;

/// What the servers said.
pub(super) type Pings = BTreeMap<Server, Reading<Ping>>;

/// The server that a mount talks to. Names are never resolved here: the kernel wrote down the address that it uses.
pub(super) fn behind(row: &Row) -> Reading<Server> {
    let smb = match row.kind.as_str() {
        "nfs" | "nfs4" => false,
        "cifs" | "smb3" => true,
        kind => return Err(Unknown::not_applicable(format!("{kind} has no server that could be asked"))),
    };
    let transport = table::value(&row.super_options, "proto").unwrap_or("tcp");
    if !smb && !matches!(transport, "tcp" | "tcp6") {
        return Err(Unknown::not_applicable(format!("only servers over TCP are asked, this one is over {transport}")));
    }
    let address = address(row).ok_or_else(|| Unknown::absent("its options name no address of the server"))?;
    let port = table::value(&row.super_options, "port").and_then(|port| port.parse().ok()).filter(|port| *port > 0);
    let protocol = if smb { Protocol::Smb } else { Protocol::Nfs(version(row)) };
    Ok(Server { address, port: port.unwrap_or(if smb { SMB_PORT } else { NFS_PORT }), protocol })
}

/// `addr=`, else the server of the source where that is an address.
fn address(row: &Row) -> Option<IpAddr> {
    let option = table::value(&row.super_options, "addr").map(str::to_string);
    let address = option.or_else(|| source::split(&row.kind, &row.source).0.ok())?;
    // A link-local address carries its interface behind a percent sign, which a socket address cannot.
    address.parse().ok()
}

/// The major version of NFS.
fn version(row: &Row) -> u32 {
    let named = table::value(&row.super_options, "vers").and_then(|version| version.split('.').next()?.parse().ok());
    named.unwrap_or(if row.kind == "nfs4" { 4 } else { 3 })
}

/// Asks all `servers` at once and does `meanwhile` in the meantime.
pub(super) fn ping_all<T>(host: &Host, servers: BTreeSet<Server>, meanwhile: impl FnOnce() -> T) -> (Pings, T) {
    thread::scope(|scope| {
        let asked: Vec<_> = servers
            .into_iter()
            .take(MOST)
            .map(|server| {
                let ask = move || host.ping(&server);
                (server, thread::Builder::new().stack_size(STACK).spawn_scoped(scope, ask))
            })
            .collect();
        let done = meanwhile();
        let answer = |thread: std::io::Result<thread::ScopedJoinHandle<'_, Reading<Ping>>>| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(Unknown::error("the ping was lost"))),
            Err(error) => Err(Unknown::error(format!("no thread for a ping: {error}"))),
        };
        (asked.into_iter().map(|(server, thread)| (server, answer(thread))).collect(), done)
    })
}

/// What `server` said.
pub(super) fn said(pings: &Pings, server: &Reading<Server>) -> Reading<Ping> {
    let server = server.as_ref().map_err(Clone::clone)?;
    pings.get(server).cloned().unwrap_or_else(|| Err(Unknown::absent(format!("more than {MOST} servers"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(kind: &str, source: &str, options: &str) -> Option<String> {
        let row = Row {
            kind: kind.to_string(),
            source: source.to_string(),
            super_options: options.to_string(),
            ..Row::default()
        };
        behind(&row).ok().map(|server| server.to_string())
    }

    #[test]
    fn the_options_name_the_server() {
        let of = |kind, source, options| server(kind, source, options).unwrap_or_default();
        assert_eq!(of("nfs4", "nas.lan:/x", "rw,vers=4.2,proto=tcp,addr=10.0.0.2"), "10.0.0.2:2049/4");
        assert_eq!(of("nfs", "nas:/x", "rw,vers=3,mountport=635,proto=tcp,addr=10.0.0.2"), "10.0.0.2:2049/3");
        assert_eq!(of("nfs4", "nas:/x", "rw,port=12049,proto=tcp6,addr=fd00::1"), "[fd00::1]:12049/4");
        assert_eq!(of("nfs", "10.0.0.3:/x", "rw"), "10.0.0.3:2049/3");
        assert_eq!(of("cifs", "//nas/share", "rw,vers=3.1.1,addr=10.0.0.2"), "10.0.0.2:445/smb");
    }

    #[test]
    fn others_have_none() {
        assert_eq!(server("nfs4", "nas.lan:/x", "rw"), None);
        assert_eq!(server("nfs", "nas:/x", "rw,proto=udp,addr=10.0.0.2"), None);
        assert_eq!(server("nfs4", "nas:/x", "rw,addr=fe80::1%eth0"), None);
        for kind in ["9p", "virtiofs", "fuse.shfs", "fuse.sshfs", "ceph"] {
            assert_eq!(server(kind, "box:/x", "rw,addr=10.0.0.2"), None, "{kind}");
        }
    }

    #[test]
    fn each_server_is_asked_once_and_all_at_the_same_time() {
        let silent: Vec<_> = (0..8).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let servers: BTreeSet<Server> = silent
            .iter()
            .map(|listener| listener.local_addr().unwrap())
            .map(|place| Server { address: place.ip(), port: place.port(), protocol: Protocol::Nfs(4) })
            .collect();
        let began = std::time::Instant::now();
        let (pings, done) = ping_all(&Host::here(), servers, || 7);
        assert_eq!((pings.len(), done), (8, 7));
        assert!(pings.values().all(|ping| *ping == Ok(Ping::Silent)), "{pings:?}");
        // One after the other they would take sixteen seconds.
        assert!(began.elapsed() < std::time::Duration::from_secs(10));
    }
}
