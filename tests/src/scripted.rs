//! A coordinator whose every word a test chooses, for a real agent: real TLS and gRPC, no registry and no store.

use std::{
    convert::Infallible,
    fs,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use coord_model::{AgentMessage, CoordinatorMessage, Enrolled, Welcome};
use coord_proto::{
    identity::{Identity, Role},
    tls::{CallerVerifier, Window, provider},
};
use coordinator::authority::{Authority, Request as SigningRequest};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::{io::DuplexStream, net::TcpListener, sync::mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    server::{Grpc, NamedService, StreamingService},
    transport::Server,
};

use crate::{
    foreign,
    lab::Lab,
    peer,
    raw::{self, Raw},
};

/// What the coordinator says when it hears something in its `n`-th session, from one. Nothing in the list is said;
/// `None` ends the stream.
pub type Script = dyn Fn(usize, &AgentMessage) -> Option<Vec<Vec<u8>>> + Send + Sync;

/// Something that an agent said, in which session, and when.
#[derive(Clone, Debug)]
pub struct Said {
    /// From one.
    pub session: usize,
    /// When it came.
    pub at: Instant,
    /// What.
    pub message: AgentMessage,
}

struct Inner {
    script: Box<Script>,
    sessions: AtomicUsize,
    said: Mutex<Vec<Said>>,
}

/// A listening coordinator that follows a script.
#[derive(Clone)]
pub struct Scripted {
    /// Where it listens.
    pub address: SocketAddr,
    authority: Arc<Authority>,
    inner: Arc<Inner>,
}

impl Scripted {
    /// Listens and answers each message of an agent as `script` says.
    ///
    /// # Panics
    /// When TLS cannot be set up.
    #[must_use]
    pub fn start(script: impl Fn(usize, &AgentMessage) -> Option<Vec<Vec<u8>>> + Send + Sync + 'static) -> Self {
        let authority = Arc::new(foreign::authority());
        let inner = Inner { script: Box::new(script), sessions: AtomicUsize::new(0), said: Mutex::default() };
        let inner = Arc::new(inner);
        let listener = peer::wait(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (connected, incoming) = mpsc::channel(16);
        peer::start(accept(listener, acceptor(&authority), connected));
        let service = Sessions(Arc::clone(&inner));
        peer::start(async move {
            // It runs until the test's program ends.
            let _ = Server::builder().add_service(service).serve_with_incoming(ReceiverStream::new(incoming)).await;
        });
        Self { address, authority, inner }
    }

    /// Puts an identity of this coordinator where the agent `name` of the lab looks for it.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn admit(&self, lab: &Lab, name: &str) {
        let key = Identity::generate().unwrap();
        let request = SigningRequest::parse(&key.request().unwrap()).unwrap();
        let id = request.key_id();
        let lifetime = Duration::from_secs(24 * 3600);
        let now = coordinator::clock::now().wall;
        let issued = self.authority.issue(&request, &Role::Node(id.clone()), lifetime, now).unwrap();
        let identity = key.with(&Enrolled {
            certificate: issued.der,
            authority: self.authority.certificate_der().to_vec(),
            name: name.to_owned(),
            id,
            credential: vec![7; 32],
            coordinators: vec![self.address.to_string()],
            lifetime,
            expires: issued.not_after,
        });
        let folder = lab.path(&format!("{name}.state"));
        fs::create_dir_all(&folder).unwrap();
        identity.save(&folder.join("identity.json")).unwrap();
    }

    /// Everything that agents said so far.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        self.inner.said.lock().unwrap().clone()
    }

    /// How many sessions were opened so far.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.inner.sessions.load(Ordering::Relaxed)
    }
}

/// A Welcome at a quick pace.
#[must_use]
pub fn welcome() -> Welcome {
    Welcome {
        protocol: coord_model::PROTOCOL,
        features: Vec::new(),
        version: "0.0.0-scripted".into(),
        instance: "scripted".into(),
        epoch: 1,
        name: "actor".into(),
        pending: false,
        heartbeat: Duration::from_millis(300),
        facts: Duration::from_secs(3600),
        reconnect_cap: Duration::from_millis(300),
        coordinators: Vec::new(),
    }
}

/// What a good coordinator answers: Welcome, and that it heard.
#[must_use]
pub fn polite(message: &AgentMessage) -> Vec<Vec<u8>> {
    let answer = match message {
        AgentMessage::Hello(_) => CoordinatorMessage::Welcome(welcome()),
        AgentMessage::Heartbeat { number } => CoordinatorMessage::HeartbeatHeard { number: *number },
        AgentMessage::Sections { sequence, .. } => CoordinatorMessage::SectionsHeard { sequence: *sequence },
        AgentMessage::Outcome(outcome) => CoordinatorMessage::OutcomeHeard { key: outcome.key.clone() },
        AgentMessage::Unrecognised => return Vec::new(),
    };
    vec![raw::coordinator(answer)]
}

fn acceptor(authority: &Authority) -> TlsAcceptor {
    let serving = authority.serving("scripted").unwrap();
    let root = CertificateDer::from(authority.certificate_der().to_vec());
    let verifier = CallerVerifier::new(root.clone(), Arc::new(|| Window::Ignore));
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(
            vec![CertificateDer::from(serving.certificate), root],
            PrivatePkcs8KeyDer::from(serving.key.to_vec()).into(),
        )
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(tls))
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, connected: mpsc::Sender<std::io::Result<DuplexStream>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(mut secured) = acceptor.accept(stream).await else { continue };
        let (mut near, far) = tokio::io::duplex(64 * 1024);
        drop(tokio::spawn(async move {
            // Either end may go at any time.
            let _ = tokio::io::copy_bidirectional(&mut secured, &mut near).await;
        }));
        if connected.send(Ok(far)).await.is_err() {
            return;
        }
    }
}

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The service `Agents`, of which only `Session` is served.
#[derive(Clone)]
struct Sessions(Arc<Inner>);

impl NamedService for Sessions {
    const NAME: &'static str = "coord.v1.Agents";
}

impl tower::Service<http::Request<Body>> for Sessions {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer<Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let session = self.clone();
        Box::pin(async move { Ok(Grpc::new(Raw).streaming(session, request).await) })
    }
}

impl StreamingService<Vec<u8>> for Sessions {
    type Response = Vec<u8>;
    type ResponseStream = ReceiverStream<Result<Vec<u8>, Status>>;
    type Future = Answer<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<Vec<u8>>>) -> Self::Future {
        let (send, receive) = mpsc::channel(64);
        peer::start(follow(Arc::clone(&self.0), request.into_inner(), send));
        Box::pin(async move { Ok(Response::new(ReceiverStream::new(receive))) })
    }
}

/// One session by the script.
async fn follow(inner: Arc<Inner>, mut inbound: Streaming<Vec<u8>>, send: mpsc::Sender<Result<Vec<u8>, Status>>) {
    let session = inner.sessions.fetch_add(1, Ordering::Relaxed) + 1;
    while let Ok(Some(bytes)) = inbound.message().await {
        let message = raw::from_agent(&bytes);
        let answers = (inner.script)(session, &message);
        inner.said.lock().unwrap().push(Said { session, at: Instant::now(), message });
        let Some(answers) = answers else { return };
        for answer in answers {
            if send.send(Ok(answer)).await.is_err() {
                return;
            }
        }
    }
}
