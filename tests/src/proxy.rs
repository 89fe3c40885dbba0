//! A TCP proxy on loopback that counts bytes and can stop forwarding, each direction alone, without closing.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// How long a held direction waits before it looks again.
const LOOK: Duration = Duration::from_millis(10);

/// The switches and the counter that every connection shares.
#[derive(Debug, Default)]
struct Shared {
    hold_up: AtomicBool,
    hold_down: AtomicBool,
    bytes: AtomicU64,
}

/// A running proxy; its threads end with their connections.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Forwards to `target`, which need not listen yet.
    ///
    /// # Panics
    /// When loopback has no free port.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if let Ok(far) = TcpStream::connect(target) {
                    join(&near, &far, &own);
                }
            }
        });
        Self { address, shared }
    }

    /// Bytes forwarded so far, both directions together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Stops or goes on forwarding what the client says.
    pub fn hold_up(&self, hold: bool) {
        self.shared.hold_up.store(hold, Ordering::Relaxed);
    }

    /// Stops or goes on forwarding what the server says.
    pub fn hold_down(&self, hold: bool) {
        self.shared.hold_down.store(hold, Ordering::Relaxed);
    }
}

fn join(near: &TcpStream, far: &TcpStream, shared: &Arc<Shared>) {
    let pairs = [(near, far, true), (far, near, false)];
    for (from, to, up) in pairs {
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
        let shared = Arc::clone(shared);
        thread::spawn(move || copy(from, to, &shared, up));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, shared: &Shared, up: bool) {
    let hold = if up { &shared.hold_up } else { &shared.hold_down };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        while hold.load(Ordering::Relaxed) {
            thread::park_timeout(LOOK);
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
        shared.bytes.fetch_add(length as u64, Ordering::Relaxed);
    }
    // A held direction carries no end either.
    while hold.load(Ordering::Relaxed) {
        thread::park_timeout(LOOK);
    }
    // The other direction may have closed it already.
    let _ = to.shutdown(Shutdown::Both);
}
