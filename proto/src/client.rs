//! The client's side: a connection by role, the calls, and getting, renewing and rejoining with an identity.

use std::{io, sync::Arc, time::Duration};

use coord_model::{Enrol, Enrolled, MachineEvidence, Rejoin, Renew};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName},
};
use tokio::{io::AsyncBufReadExt, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tower::service_fn;

use crate::{
    agents::agents_client::AgentsClient,
    control::control_client::ControlClient,
    identity::{Identity, IdentityError},
    tls::{CoordinatorVerifier, Trust, Window, provider},
    token::Token,
};

/// The stub of the `Agents` service.
pub type Agents = AgentsClient<Channel>;
/// The stub of the `Control` service.
pub type Control = ControlClient<Channel>;

/// The largest document that a client takes: a thousand nodes' full status fits many times.
const MAXIMUM_DOCUMENT: usize = 64 << 20;

/// How long a TCP connect and TLS handshake may take together.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// How long a call outside a session may take.
pub const CALL_DEADLINE: Duration = Duration::from_secs(15);

/// Why nothing was reached, or what it refused.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No address is known.
    #[error("no coordinator address is known")]
    NoAddress,
    /// No coordinator answered; the last address's reason.
    #[error("cannot connect to {address}")]
    Connect {
        /// Which address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The coordinator refused.
    #[error("{}", .0.message())]
    Refused(Box<Status>),
    /// The own identity cannot be used.
    #[error("the identity cannot be used")]
    Identity(#[from] IdentityError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

/// Where to call and as whom.
#[derive(Clone, Debug)]
pub enum Caller<'a> {
    /// With a certificate.
    Known(&'a Identity),
    /// Without one, believing only this.
    Stranger(Trust),
}

/// The TLS side of a caller.
fn configuration(caller: &Caller<'_>, window: Window) -> Result<ClientConfig, rustls::Error> {
    let trust = match caller {
        Caller::Known(identity) => Trust::Authority(CertificateDer::from(identity.authority_der())),
        Caller::Stranger(trust) => trust.clone(),
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(CoordinatorVerifier::new(trust, window)));
    let mut configuration = match caller {
        Caller::Known(identity) => {
            let chain = vec![CertificateDer::from(identity.certificate_der())];
            builder.with_client_auth_cert(chain, PrivatePkcs8KeyDer::from(identity.key_der()).into())?
        }
        Caller::Stranger(_) => builder.with_no_client_auth(),
    };
    configuration.alpn_protocols = vec![b"h2".to_vec()];
    configuration.resumption = rustls::client::Resumption::disabled();
    Ok(configuration)
}

/// Opens TCP and TLS to one address within [`CONNECT_DEADLINE`].
async fn dial(address: &str, configuration: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let connect = async {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("coordinator").map_err(io::Error::other)?;
        let stream = TlsConnector::from(configuration).connect(name, tcp).await.map_err(plain)?;
        welcome(stream).await
    };
    let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer within 5 s");
    tokio::time::timeout(CONNECT_DEADLINE, connect).await.unwrap_or_else(|_| Err(late()))
}

/// Waits for the first thing that the server says. In TLS 1.3 its verdict on our certificate comes when our side of the
/// handshake is done: either an alert, or its HTTP/2 settings.
async fn welcome(mut stream: TlsStream<TcpStream>) -> io::Result<TlsStream<TcpStream>> {
    let closed = match stream.fill_buf().await {
        Ok(said) => said.is_empty(),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => true,
        Err(error) => return Err(error),
    };
    if closed {
        let text = "the coordinator closed the connection at once; it may have too many callers without a certificate";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
    }
    Ok(stream)
}

/// What this end found wrong with the other's certificate, in words for people.
fn plain(error: io::Error) -> io::Error {
    use rustls::{CertificateError, Error};
    let text = match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::General(text)) => text.clone(),
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "its certificate was not issued by the authority that is trusted here".into()
        }
        Some(Error::InvalidCertificate(CertificateError::Expired | CertificateError::NotValidYet)) => {
            "its certificate is not valid now by the clock of this machine".into()
        }
        Some(_) | None => return error,
    };
    io::Error::new(error.kind(), text)
}

/// Connects to the first address that answers with the right role.
///
/// # Errors
/// The last address's reason when none did.
pub async fn connect(addresses: &[String], caller: &Caller<'_>, window: Window) -> Result<Channel, ClientError> {
    Ok(connect_first(addresses, caller, window).await?.0)
}

/// The same, and which address it was.
///
/// # Errors
/// The last address's reason when none did.
pub async fn connect_first(
    addresses: &[String],
    caller: &Caller<'_>,
    window: Window,
) -> Result<(Channel, String), ClientError> {
    let configuration = Arc::new(configuration(caller, window)?);
    let mut last = ClientError::NoAddress;
    for address in addresses {
        match dial(address, Arc::clone(&configuration)).await {
            Ok(stream) => return Ok((over(stream).await?, address.clone())),
            // A coordinator that answered says more than an address where nobody is.
            Err(_) if refused_by_alert(&last) => {}
            Err(source) => last = ClientError::Connect { address: address.clone(), source },
        }
    }
    Err(last)
}

/// Whether a coordinator refused us in its own words, as when our certificate ran out.
fn refused_by_alert(error: &ClientError) -> bool {
    let ClientError::Connect { source, .. } = error else { return false };
    let inner = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::AlertReceived(_)))
}

/// HTTP/2 over a stream that is open already. The channel never reconnects: who to call next is the caller's decision.
async fn over<S>(stream: S) -> Result<Channel, ClientError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let mut once = Some(stream);
    let connector = service_fn(move |_: http::Uri| {
        let stream = once.take().ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the connection ended"));
        async move { stream.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://coordinator")
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(256 * 1024)
        .buffer_size(16);
    endpoint
        .connect_with_connector(connector)
        .await
        .map_err(|error| ClientError::Connect { address: "the coordinator".into(), source: io::Error::other(error) })
}

/// Connects to the coordinator's Unix socket on the same machine.
///
/// # Errors
/// When there is no socket or this user may not use it.
#[cfg(unix)]
pub async fn connect_socket(path: &std::path::Path) -> Result<Channel, ClientError> {
    let stream = tokio::net::UnixStream::connect(path)
        .await
        .map_err(|source| ClientError::Connect { address: path.display().to_string(), source })?;
    over(stream).await
}

/// The `Agents` calls over a channel.
#[must_use]
pub fn agents(channel: Channel) -> Agents {
    Agents::new(channel)
}

/// The `Control` calls over a channel.
#[must_use]
pub fn control(channel: Channel) -> Control {
    Control::new(channel).max_decoding_message_size(MAXIMUM_DOCUMENT)
}

/// One call with its deadline.
async fn within<T>(call: impl Future<Output = Result<tonic::Response<T>, Status>>) -> Result<T, ClientError> {
    let late = |_| Status::deadline_exceeded("the coordinator did not answer within 15 s");
    Ok(tokio::time::timeout(CALL_DEADLINE, call).await.map_err(late)??.into_inner())
}

/// Shows a token and gets an identity for a key that is stored already. Safe to repeat with the same key.
///
/// # Errors
/// When nobody answers under the token's pin, or the token is refused.
pub async fn enrol(
    identity: &Identity,
    token: &Token,
    addresses: &[String],
    name: &str,
    evidence: MachineEvidence,
) -> Result<Identity, ClientError> {
    let channel = connect(addresses, &Caller::Stranger(Trust::Pin(token.pin)), Window::Ignore).await?;
    let request = Enrol {
        token_id: token.id.to_vec(),
        secret: token.secret.to_vec(),
        request: identity.request()?,
        name: name.to_owned(),
        evidence,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let enrolled: Enrolled = within(agents(channel).enrol(request)).await?;
    Ok(identity.with(&enrolled))
}

/// Gets a new certificate for the same key while the old one is good.
///
/// # Errors
/// When nobody answers, or the identity was revoked.
pub async fn renew(identity: &Identity, window: Window) -> Result<Identity, ClientError> {
    let channel = connect(&identity.coordinators, &Caller::Known(identity), window).await?;
    let enrolled = within(agents(channel).renew(Renew { request: identity.request()? })).await?;
    Ok(identity.with(&enrolled))
}

/// Gets a new certificate for the same key after the old one ran out.
///
/// # Errors
/// When nobody answers, the credential ran out too, or the identity was revoked.
pub async fn rejoin(identity: &Identity, evidence: MachineEvidence, window: Window) -> Result<Identity, ClientError> {
    let trust = Trust::Authority(CertificateDer::from(identity.authority_der()));
    let channel = connect(&identity.coordinators, &Caller::Stranger(trust), window).await?;
    let request = Rejoin {
        request: identity.request()?,
        credential: identity.credential(),
        evidence,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let enrolled = within(agents(channel).rejoin(request)).await?;
    Ok(identity.with(&enrolled))
}
