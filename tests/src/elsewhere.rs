//! A second address of this machine: what is forwarded comes from 127.0.0.2, as from another machine.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpSocket, TcpStream},
};

use crate::peer;

/// Where the forwarded connections seem to come from.
pub const ADDRESS: &str = "127.0.0.2";

/// Forwards to `target` from there, and says where it listens.
///
/// # Panics
/// When loopback has no free port.
#[must_use]
pub fn forward(target: SocketAddr) -> SocketAddr {
    let listener = peer::wait(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    peer::start(async move {
        while let Ok((near, _)) = listener.accept().await {
            peer::start(pass(near, target));
        }
    });
    address
}

async fn pass(mut near: TcpStream, target: SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{ADDRESS}:0").parse().unwrap()).unwrap();
    // Both ends see for themselves that the other is gone.
    let Ok(mut far) = socket.connect(target).await else { return };
    let _ = copy_bidirectional(&mut near, &mut far).await;
}
