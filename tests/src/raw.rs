//! Messages as bytes: a session on which a test says what no version of ours would, and how such bytes are made.

use bytes::{Buf, BufMut};
use coord_model::{AgentMessage, CoordinatorMessage};
use coord_proto::{
    border::OnWire,
    identity::Identity,
    tls::{CoordinatorVerifier, Trust, Window, provider},
};
use hyper_util::rt::TokioIo;
use prost::Message;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tokio::{net::TcpStream, sync::mpsc, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Status, Streaming,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::{Channel, Endpoint},
};

use crate::{lab::PATIENCE, peer};

/// The codec that leaves bytes alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining()).to_vec()))
    }
}

/// A message of an agent as bytes.
#[must_use]
pub fn agent(message: AgentMessage) -> Vec<u8> {
    message.into_message().encode_to_vec()
}

/// A message of the coordinator as bytes.
#[must_use]
pub fn coordinator(message: CoordinatorMessage) -> Vec<u8> {
    message.into_message().encode_to_vec()
}

/// What an agent's bytes mean.
///
/// # Panics
/// When they mean nothing.
#[must_use]
pub fn from_agent(bytes: &[u8]) -> AgentMessage {
    let message = <AgentMessage as OnWire>::Message::decode(bytes).unwrap();
    AgentMessage::from_message(message).unwrap()
}

/// A protobuf field with a length.
#[must_use]
pub fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    prost::encoding::encode_varint(u64::from(number) << 3 | 2, &mut whole);
    prost::encoding::encode_varint(bytes.len() as u64, &mut whole);
    whole.extend(bytes);
    whole
}

/// A protobuf field with a number.
#[must_use]
pub fn number(field: u32, number: u64) -> Vec<u8> {
    let mut whole = Vec::new();
    prost::encoding::encode_varint(u64::from(field) << 3, &mut whole);
    prost::encoding::encode_varint(number, &mut whole);
    whole
}

/// Bytes that are no protobuf message: a field of a wire type that does not exist.
pub const BROKEN: &[u8] = &[0x0f, 0xff, 0xff];

/// TLS to the coordinator as the holder of `identity`, with HTTP/2 as the only protocol.
///
/// # Panics
/// When it is refused.
pub async fn dial(identity: &Identity) -> TlsStream<TcpStream> {
    let trust = Trust::Authority(CertificateDer::from(identity.authority_der()));
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(std::sync::Arc::new(CoordinatorVerifier::new(trust, Window::Ignore)))
        .with_client_auth_cert(
            vec![CertificateDer::from(identity.certificate_der())],
            PrivatePkcs8KeyDer::from(identity.key_der()).into(),
        )
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(&identity.coordinators[0]).await.unwrap();
    let name = ServerName::try_from("coordinator").unwrap();
    TlsConnector::from(std::sync::Arc::new(tls)).connect(name, stream).await.unwrap()
}

/// A connection that takes at most `window` bytes of each answer before it reads.
///
/// # Panics
/// When it is refused.
#[must_use]
pub fn connection(identity: &Identity, window: u32) -> Channel {
    peer::wait(async {
        let mut once = Some(dial(identity).await);
        let connector = tower::service_fn(move |_: http::Uri| {
            let stream = once.take().ok_or_else(|| std::io::Error::other("only one connection"));
            async move { stream.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://coordinator").initial_stream_window_size(window);
        endpoint.connect_with_connector(connector).await.unwrap()
    })
}

/// An open session whose every message is bytes.
#[derive(Debug)]
pub struct RawSession {
    send: mpsc::Sender<Vec<u8>>,
    inbound: Streaming<Vec<u8>>,
}

impl RawSession {
    /// Opens a session on a connection; nothing is said yet.
    ///
    /// # Errors
    /// When the coordinator refuses the call.
    pub fn open(channel: Channel) -> Result<Self, Status> {
        peer::wait(async {
            let (send, receive) = mpsc::channel(64);
            let mut grpc = tonic::client::Grpc::new(channel);
            grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let path = http::uri::PathAndQuery::from_static("/coord.v1.Agents/Session");
            let answer = grpc.streaming(Request::new(ReceiverStream::new(receive)), path, Raw).await?;
            Ok(Self { send, inbound: answer.into_inner() })
        })
    }

    /// Says these bytes as one message; a session that ended does not mind.
    pub fn say(&self, bytes: Vec<u8>) {
        // The test sees the end where it listens.
        let _ = peer::wait(self.send.send(bytes));
    }

    /// The next message, understood; nothing when the stream is over.
    ///
    /// # Errors
    /// When the stream broke or the call was refused.
    ///
    /// # Panics
    /// When nothing comes.
    pub fn hear(&mut self) -> Result<Option<CoordinatorMessage>, Status> {
        let next = peer::wait(async { timeout(PATIENCE, self.inbound.message()).await });
        let bytes = next.expect("the coordinator says something before the patience ends")?;
        Ok(bytes.map(|bytes| {
            let message = <CoordinatorMessage as OnWire>::Message::decode(bytes.as_slice()).unwrap();
            CoordinatorMessage::from_message(message).unwrap()
        }))
    }

    /// Hears everything until the stream ends, and how it did.
    pub fn rest(&mut self) -> (Vec<CoordinatorMessage>, Option<Status>) {
        let mut all = Vec::new();
        loop {
            match self.hear() {
                Ok(Some(message)) => all.push(message),
                Ok(None) => return (all, None),
                Err(status) => return (all, Some(status)),
            }
        }
    }
}
