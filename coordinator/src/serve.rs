//! The running coordinator: listeners, calls, the regular turn, and an orderly end.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use coord_proto::{
    agents::agents_server::AgentsServer,
    border::LARGEST_CLUSTER_FILE,
    control::control_server::ControlServer,
    tls::{CallerVerifier, Window, provider},
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::{
    authority::ServingIdentity,
    clock::{self, ClockTrust},
    config::Settings,
    data::{Data, DataError},
    declared::Declared,
    kubernetes::{self, Kubernetes},
    planned::Planned,
    registry::Registry,
    state::{State, synchronised},
    store::{Store, StoreError, in_flight, meta, nodes, operators, revocations},
};

mod acceptor;
pub(crate) mod addresses;
mod adopt;
mod agents;
mod authorise;
mod cluster_file;
mod connection;
mod control;
mod decide;
pub(crate) mod doors;
mod http;
mod metrics;
mod session;
mod socket;
mod turn;

/// The largest message of an agent: every section at its limit, twice over.
const MAXIMUM_REPORT: usize = 1 << 20;
/// The largest request of an operator: a cluster file, and what is around it.
const MAXIMUM_REQUEST: usize = LARGEST_CLUSTER_FILE + 64 * 1024;
/// Streams that one connection may have open.
const STREAMS: u32 = 16;
/// Flow-control windows bound what a peer can make this side hold; at idle they cost nothing.
const WINDOW: u32 = 256 * 1024;
/// How long open calls may take to finish when the coordinator stops.
const FAREWELL: Duration = Duration::from_secs(3);

/// Why the coordinator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The authority failed.
    #[error(transparent)]
    Authority(#[from] crate::authority::AuthorityError),
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address} (hint: is another program using it? `ss -ltnp` shows; choose another with {flag})"
    )]
    Listen {
        /// Which address.
        address: String,
        /// The flag that changes it.
        flag: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The Unix socket cannot be made.
    #[error("cannot make the socket {} (hint: choose another place with --socket)", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The network stack failed.
    #[error("the server ended")]
    Transport(#[from] tonic::transport::Error),
    /// A part of the coordinator ended by itself.
    #[error("{0} ended by itself (hint: the log says why; systemd starts the coordinator again)")]
    Ended(&'static str),
    /// No signals.
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
}

/// Runs until a signal. What was bound is said on standard error by the log, and to systemd.
///
/// # Errors
/// Why it cannot start, or what failed while it ran.
pub async fn serve(settings: Settings) -> Result<(), ServeError> {
    let stop = stop_signal()?;
    let now = clock::now();
    let data = Data::open(&settings.data, now.wall)?;
    let listener = listen(settings.listen, "--listen").await?;
    let http = listen(settings.http, "--http").await?;
    let socket = settings.socket.clone();
    let local = socket::bind(&socket).map_err(|source| ServeError::Socket { path: socket.clone(), source })?;
    let bound = listener.local_addr().unwrap_or(settings.listen);
    let state = Arc::new(prepare(settings, data.database, data.authority, bound).await?);
    let result = run(Arc::clone(&state), listener, http, local, stop).await;
    socket::remove(&socket);
    state.store.clone().stop();
    drop(data.lock);
    result
}

async fn listen(address: SocketAddr, flag: &'static str) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ServeError::Listen { address: address.to_string(), flag, source })
}

fn kubernetes_settings(settings: &Settings, instance: &str) -> kubernetes::Settings {
    kubernetes::Settings {
        kubeconfig: settings.kubeconfig.clone(),
        namespace: settings.namespace.clone(),
        holder: instance.to_owned(),
    }
}

/// Reads what the store remembers.
async fn prepare(
    settings: Settings,
    database: crate::store::Database,
    authority: crate::authority::Authority,
    bound: SocketAddr,
) -> Result<State, ServeError> {
    let store = Store::run(database)?;
    let started = clock::now();
    let remembered = store.call(|database| {
        // Nobody waits for commands that an earlier process gave.
        for command in in_flight::all(database)? {
            in_flight::finish(database, &command.node, &command.key)?;
        }
        Ok::<_, StoreError>((
            meta::instance(database)?,
            meta::epoch(database)?,
            meta::newest_trusted(database)?,
            nodes::all(database)?,
            operators::all(database)?,
            revocations::all(database)?,
        ))
    });
    let (instance, epoch, trusted, rows, people, revoked) = remembered.await?;
    let operators =
        people.into_iter().filter(|person| person.revoked_at.is_none()).map(|person| person.key_id).collect();
    let decisions = crate::decisions::DecisionsKept::load(store.clone(), started).await?;
    Ok(State {
        decisions,
        plan: Mutex::new(Arc::new(Planned { at: started, ..Planned::default() })),
        registry: Registry::new(rows, operators, revoked, started.boot),
        doors: Arc::default(),
        bound,
        clock: Mutex::new(ClockTrust::start(trusted, started, synchronised(&settings))),
        declared: Declared::new(settings.cluster.clone(), settings.cluster_source),
        kubernetes: Kubernetes::new(kubernetes_settings(&settings, &instance)),
        settings,
        store,
        authority,
        instance,
        epoch,
        started,
    })
}

/// Everything at once, until the first end.
async fn run(
    state: Arc<State>,
    listener: TcpListener,
    http: TcpListener,
    local: tokio::net::UnixListener,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let stopping = CancellationToken::new();
    let (ready, secured) = mpsc::channel(64);
    let tls = Arc::new(tls(&state, state.authority.serving(&state.instance)?)?);
    let acceptor = acceptor::Acceptor::new(tls, Arc::clone(&state.doors), ready);
    announce(&state, &listener, &http);
    let accepting = tokio::spawn(acceptor.run(listener, stopping.clone()));
    let turning = tokio::spawn(turn::run(Arc::clone(&state), stopping.clone()));
    let reconciling = tokio::spawn(crate::reconcile::run(Arc::clone(&state), stopping.clone()));
    let watching = tokio::spawn(watch_cluster(Arc::clone(&state), stopping.clone()));
    let web = tokio::spawn(http::serve(http, Arc::clone(&state), stopping.clone()));
    let remote =
        router(&state).serve_with_incoming_shutdown(ReceiverStream::new(secured), stopping.clone().cancelled_owned());
    let nearby =
        router(&state).serve_with_incoming_shutdown(socket::incoming(local), stopping.clone().cancelled_owned());
    let (mut remote, mut nearby) = (tokio::spawn(remote), tokio::spawn(nearby));
    let (mut accepting, mut turning, mut web) = (accepting, turning, web);
    let (mut reconciling, mut watching) = (reconciling, watching);
    // A part that ends by itself must not leave a coordinator that only looks alive.
    let ended = tokio::select! {
        () = stop => None,
        _ = &mut remote => Some("the gRPC server"),
        _ = &mut nearby => Some("the server of the socket"),
        _ = &mut accepting => Some("the acceptor"),
        _ = &mut turning => Some("the regular turn"),
        _ = &mut reconciling => Some("the reconciling"),
        _ = &mut watching => Some("the watch of the Kubernetes cluster"),
        _ = &mut web => Some("the HTTP server"),
    };
    tracing::info!("stopping");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    state.registry.end_all();
    stopping.cancel();
    if let Some(part) = ended {
        return Err(ServeError::Ended(part));
    }
    // An open watch or a peer that does not read must not hold up the stop.
    let _ = tokio::time::timeout(FAREWELL, async {
        tokio::join!(remote, nearby, accepting, turning, web, reconciling, watching)
    })
    .await;
    Ok(())
}

/// Follows the cluster until the end; what changes there wakes the reconciling.
async fn watch_cluster(state: Arc<State>, stop: CancellationToken) {
    let waking = Arc::clone(&state);
    let wake = move || waking.registry.touch();
    state.kubernetes.run(stop, wake).await;
}

fn announce(state: &State, listener: &TcpListener, http: &TcpListener) {
    let of =
        |listener: &TcpListener| listener.local_addr().map_or_else(|_| "?".to_owned(), |address| address.to_string());
    let (grpc, http) = (of(listener), of(http));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), grpc, http, socket = %state.settings.socket.display(), "listening");
    let status = format!("listening on {grpc}");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(&status)]);
}

/// The calls behind the table of authorisation.
fn router(
    state: &Arc<State>,
) -> tonic::transport::server::Router<tower::layer::util::Stack<authorise::Authorise, tower::layer::util::Identity>> {
    Server::builder()
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .http2_max_header_list_size(16 * 1024)
        .layer(authorise::Authorise::new(Arc::clone(state)))
        .add_service(AgentsServer::new(agents::Agents(Arc::clone(state))).max_decoding_message_size(MAXIMUM_REPORT))
        .add_service(
            ControlServer::new(control::Control(Arc::clone(state)))
                .max_decoding_message_size(MAXIMUM_REQUEST)
                .max_encoding_message_size(usize::MAX),
        )
}

/// TLS 1.3 with roles; windows are judged only while the clock can be believed.
fn tls(state: &Arc<State>, serving: ServingIdentity) -> Result<rustls::ServerConfig, ServeError> {
    let authority = CertificateDer::from(state.authority.certificate_der().to_vec());
    let judge = Arc::clone(state);
    let window = move || if judge.distrust().is_none() { Window::Judge } else { Window::Ignore };
    let verifier = CallerVerifier::new(authority.clone(), Arc::new(window));
    let chain = vec![CertificateDer::from(serving.certificate), authority];
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, PrivatePkcs8KeyDer::from(serving.key.to_vec()).into())?;
    tls.alpn_protocols = vec![b"h2".to_vec()];
    tls.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    Ok(tls)
}

fn stop_signal() -> Result<impl Future<Output = ()>, ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {},
            _ = interrupt.recv() => {},
        }
    })
}
