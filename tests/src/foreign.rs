//! Those who are not who they say: an authority of another fleet, and a server that shows any certificate.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use coord_model::{Enrolled, Wall};
use coord_proto::{
    identity::{Identity, Role},
    tls::provider,
};
use coordinator::authority::{Authority, Request};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{io::AsyncReadExt, net::TcpListener};
use tokio_rustls::TlsAcceptor;

use crate::{lab::Lab, peer};

/// An authority that nobody here knows.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn authority() -> Authority {
    let folder = tempfile::tempdir().unwrap();
    Authority::create(folder.path(), coordinator::clock::now().wall).unwrap()
}

/// The authority of a lab.
///
/// # Panics
/// When the lab has none yet.
#[must_use]
pub fn of_lab(lab: &Lab) -> Authority {
    Authority::open(&lab.path("data")).unwrap()
}

/// The identity with a certificate of this role by `signer`; it goes on believing the authority that it knew.
///
/// # Panics
/// When it cannot be signed.
#[must_use]
pub fn with_certificate(identity: &Identity, signer: &Authority, role: &Role) -> Identity {
    let request = Request::parse(&identity.request().unwrap()).unwrap();
    let lifetime = std::time::Duration::from_secs(3600);
    let issued = signer.issue(&request, role, lifetime, coordinator::clock::now().wall).unwrap();
    identity.with(&Enrolled {
        certificate: issued.der,
        authority: identity.authority_der(),
        id: identity.id.clone(),
        name: identity.name.clone(),
        lifetime,
        expires: Wall(issued.not_after.0),
        ..Enrolled::default()
    })
}

/// What a server that is no coordinator has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Handshakes that the client broke off.
    pub broken_off: usize,
    /// Handshakes that the client finished.
    pub finished: usize,
    /// Bytes that it said inside TLS.
    pub bytes: usize,
}

/// A server on loopback that shows this chain.
#[derive(Clone, Debug)]
pub struct Impostor {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Impostor {
    /// Listens and shows `chain`, leaf first, with the leaf's key.
    ///
    /// # Panics
    /// When TLS cannot be set up.
    #[must_use]
    pub fn start(chain: &[Vec<u8>], key: &[u8]) -> Self {
        let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.to_vec()));
        let mut tls = rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let listener = peer::wait(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        peer::start(listen(listener, TlsAcceptor::from(Arc::new(tls)), Arc::clone(&seen)));
        Self { address, seen }
    }

    /// What came so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

async fn listen(listener: TcpListener, acceptor: TlsAcceptor, seen: Arc<Mutex<Seen>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(mut stream) = acceptor.accept(stream).await else {
            seen.lock().unwrap().broken_off += 1;
            continue;
        };
        seen.lock().unwrap().finished += 1;
        let mut buffer = vec![0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            seen.lock().unwrap().bytes += length;
        }
    }
}
