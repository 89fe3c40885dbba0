//! A peer that says what no agent of ours would: the client's calls one by one, and a session message by message.
//!
//! Everything blocks, so that a test reads from top to bottom; one runtime serves all peers of a test program.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use coord_model::{AgentMessage, CoordinatorMessage, Hello, MachineEvidence, PROTOCOL, Welcome};
use coord_proto::{
    client::{self, Caller, ClientError, Control},
    identity::Identity,
    refused::Refused,
    tls::{Trust, Window},
    token::Token,
};
use rustls::pki_types::CertificateDer;
use tokio::{runtime::Runtime, sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

use crate::lab::{Lab, PATIENCE};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

/// Waits for a future where there is no runtime.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// Lets a future run by itself.
pub fn start(future: impl Future<Output = ()> + Send + 'static) {
    drop(RUNTIME.spawn(future));
}

/// A fresh token of this lab, made with these further arguments.
#[must_use]
pub fn token(lab: &Lab, arguments: &[&str]) -> Token {
    let all: Vec<&str> = ["token", "create"].iter().chain(arguments).copied().collect();
    Token::parse(&lab.told(&all)).unwrap()
}

/// What a machine of this name would show of itself.
#[must_use]
pub fn evidence(name: &str) -> MachineEvidence {
    MachineEvidence {
        machine_id: format!("machine-of-{name}"),
        host_name: name.to_owned(),
        ..MachineEvidence::default()
    }
}

/// Shows a token once with this key.
///
/// # Errors
/// When nobody answers as the token says, or the coordinator refuses.
pub fn show(key: &Identity, token: &Token, name: &str) -> Result<Identity, ClientError> {
    wait(client::enrol(key, token, &token.addresses, name, evidence(name)))
}

/// A node of this name, enrolled with a fresh key and token.
///
/// # Panics
/// When it is not let in.
#[must_use]
pub fn enrol(lab: &Lab, name: &str) -> Identity {
    show(&Identity::generate().unwrap(), &token(lab, &["--node", name]), name).unwrap()
}

/// An operator, enrolled with a fresh key and token.
///
/// # Panics
/// When it is not let in.
#[must_use]
pub fn operator(lab: &Lab, name: &str) -> Identity {
    show(&Identity::generate().unwrap(), &token(lab, &["--operator"]), name).unwrap()
}

/// A connection with a certificate.
///
/// # Errors
/// When it is refused.
pub fn known(identity: &Identity) -> Result<Channel, ClientError> {
    wait(client::connect(&identity.coordinators, &Caller::Known(identity), Window::Ignore))
}

/// A connection without a certificate, to the coordinator that `identity` knows.
///
/// # Errors
/// When it is refused.
pub fn stranger(identity: &Identity) -> Result<Channel, ClientError> {
    let trust = Trust::Authority(CertificateDer::from(identity.authority_der()));
    wait(client::connect(&identity.coordinators, &Caller::Stranger(trust), Window::Ignore))
}

/// The calls of an operator on the coordinator's own machine.
///
/// # Panics
/// When the socket does not answer.
#[must_use]
pub fn control(lab: &Lab) -> Control {
    client::control(wait(client::connect_socket(&lab.socket())).unwrap())
}

/// What people would read of a refusal: sentence, cause and hint.
#[must_use]
pub fn words(status: &Status) -> String {
    let refused = Refused::from_status(status);
    [refused.what, refused.cause, refused.hint].join(" | ")
}

/// The same of an error of the client, with its causes.
#[must_use]
pub fn error_words(error: &ClientError) -> String {
    if let ClientError::Refused(status) = error {
        return words(status);
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text} | {next}");
        cause = next.source();
    }
    text
}

/// Whether the certificate of this identity ran out by the clock of this machine.
#[must_use]
pub fn expired(identity: &Identity) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u128::try_from(identity.expires.0).unwrap() < now.as_millis()
}

/// A Hello of this process number.
#[must_use]
pub fn hello(name: &str, process_number: u64) -> Hello {
    Hello {
        protocol: PROTOCOL,
        features: Vec::new(),
        version: "0.0.0-peer".into(),
        evidence: evidence(name),
        boot_id: format!("boot-of-{name}"),
        process_number,
        newest_generation: 0,
        newest_epoch: 0,
    }
}

/// An open session, message by message.
#[derive(Debug)]
pub struct Conversation {
    send: mpsc::Sender<AgentMessage>,
    inbound: Streaming<CoordinatorMessage>,
}

impl Conversation {
    /// Opens a session and says Hello.
    ///
    /// # Errors
    /// When the coordinator refuses.
    ///
    /// # Panics
    /// When it cannot be reached, or says something else than Welcome.
    pub fn open(identity: &Identity, hello: Hello) -> Result<(Self, Welcome), Status> {
        let channel = known(identity).unwrap();
        wait(async {
            let (send, receive) = mpsc::channel(32);
            send.send(AgentMessage::Hello(hello)).await.unwrap();
            let call = client::agents(channel).session(ReceiverStream::new(receive)).await;
            let mut inbound = call?.into_inner();
            match inbound.message().await? {
                Some(CoordinatorMessage::Welcome(welcome)) => Ok((Self { send, inbound }, welcome)),
                other => panic!("Welcome was expected, not {other:?}"),
            }
        })
    }

    /// Says something; a session that ended does not mind.
    pub fn say(&self, message: AgentMessage) {
        // The test sees the end where it listens.
        let _ = wait(self.send.send(message));
    }

    /// The next thing that is heard; nothing when the session ended without a word.
    ///
    /// # Errors
    /// When the stream broke.
    ///
    /// # Panics
    /// When nothing comes.
    pub fn hear(&mut self) -> Result<Option<CoordinatorMessage>, Status> {
        let next = wait(async { timeout(PATIENCE, self.inbound.message()).await });
        next.expect("the coordinator says something before the patience ends")
    }

    /// Hears until the session ends, and says why it did if it was told. Commands are not carried out.
    pub fn until_end(&mut self) -> Option<(coord_model::EndReason, String)> {
        loop {
            match self.hear() {
                Ok(Some(CoordinatorMessage::End { reason, message })) => return Some((reason, message)),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Says heartbeats until the test drops what this returns.
    #[must_use]
    pub fn beat(&self, every: Duration) -> Beating {
        let send = self.send.clone();
        let task = RUNTIME.spawn(async move {
            let mut number = 0;
            while send.send(AgentMessage::Heartbeat { number }).await.is_ok() {
                number += 1;
                tokio::time::sleep(every).await;
            }
        });
        Beating(task)
    }
}

/// Heartbeats that stop with this.
#[derive(Debug)]
pub struct Beating(tokio::task::JoinHandle<()>);

impl Drop for Beating {
    fn drop(&mut self) {
        self.0.abort();
    }
}
