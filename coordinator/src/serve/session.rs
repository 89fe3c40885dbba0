//! The coordinator's side of one session stream.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use coord_model::{AgentMessage, CoordinatorMessage, EndReason, Hello, Outcome, PROTOCOL, Wall, Welcome};
use coord_proto::tls::Peer;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tonic::{Status, Streaming};

use crate::{
    registry::{Ending, SessionHandle, WAITING_COMMANDS},
    state::State,
    store::{in_flight, nodes::CertificateRecord, rejoin},
};

/// How long an agent may take to say Hello.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// Missed heartbeats that end the stream.
const MISSED: u32 = 3;
/// Reports that an agent may send between two heartbeats: it reads at most once a second.
const REPORTS: u32 = 256;
/// Replies beside commands that may wait for a slow reader.
const WAITING_REPLIES: usize = 16;

/// What goes back on the stream.
pub(crate) type Replies = mpsc::Receiver<Result<CoordinatorMessage, Status>>;

/// Starts the session's task; what it says arrives at the receiver.
pub(crate) fn start(
    state: Arc<State>,
    peer: Peer,
    address: Option<SocketAddr>,
    inbound: Streaming<AgentMessage>,
) -> Replies {
    let (replies, received) = mpsc::channel(WAITING_REPLIES);
    let certificate_ends = state.ends_in(&peer).map(|left| Instant::now() + left);
    let session = Session { state, peer, address, replies, sequence: 0, reports: 0, certificate_ends };
    drop(tokio::spawn(session.run(inbound)));
    received
}

struct Session {
    state: Arc<State>,
    peer: Peer,
    address: Option<SocketAddr>,
    replies: mpsc::Sender<Result<CoordinatorMessage, Status>>,
    sequence: u64,
    reports: u32,
    certificate_ends: Option<Instant>,
}

/// Why the loop stops: told to the agent, or nobody is there to be told.
enum Stop {
    Tell(EndReason, String),
    Gone,
}

impl Session {
    async fn run(mut self, mut inbound: Streaming<AgentMessage>) {
        let hello = match timeout(HELLO_DEADLINE, inbound.message()).await {
            Ok(Ok(Some(AgentMessage::Hello(hello)))) => hello,
            Ok(Ok(_)) => return self.end(EndReason::Misbehaved, "a session begins with Hello").await,
            Ok(Err(status)) => return self.fail(status).await,
            Err(_) => return self.end(EndReason::Silent, "no Hello within 5 s").await,
        };
        let welcome = match self.admit(&hello).await {
            Ok(welcome) => welcome,
            Err(status) => return self.fail(status).await,
        };
        let (queue, mut commands) = mpsc::channel(WAITING_COMMANDS);
        let (ending, mut ended) = watch::channel(Ending::None);
        let handle = SessionHandle::new(hello.process_number, self.address, queue, ending);
        let id = self.peer.key_id.clone();
        let name = welcome.name.clone();
        let Some(number) = self.state.registry.begin(&id, &hello, handle, self.state.boot()) else {
            return self.end(EndReason::Revoked, "this node was forgotten").await;
        };
        self.state.event(&format!("node/{name}"), &format!("session began from {}", describe(self.address)));
        let stop = self.converse(&mut inbound, &mut commands, &mut ended, welcome).await;
        self.state.registry.end(&id, number);
        let (reason, message) = match stop {
            Stop::Tell(reason, message) => (reason, message),
            Stop::Gone => return self.state.event(&format!("node/{name}"), "session ended: the agent went away"),
        };
        self.state.event(&format!("node/{name}"), &format!("session ended: {message}"));
        let state = Arc::clone(&self.state);
        self.end(reason, &message).await;
        if reason == EndReason::TooSlow {
            // What waits for a peer that does not read would wait as long as its connection.
            state.doors.close(&id);
        }
    }

    /// Looks the node up, notes what it shows, and makes its Welcome.
    async fn admit(&self, hello: &Hello) -> Result<Welcome, Status> {
        let (id, serial) = (self.peer.key_id.clone(), self.peer.serial.clone());
        let certificate =
            CertificateRecord { serial: serial.clone(), expires: Wall(self.peer.not_after.saturating_mul(1000)) };
        let (version, evidence, now) = (hello.version.clone(), hello.evidence.clone(), self.state.wall());
        let seen =
            self.state.store.call(move |database| match rejoin::seen(database, &id, &serial, &version, &evidence) {
                Err(rejoin::RejoinRefusal::Unknown) => {
                    rejoin::known_by_certificate(database, &id, &certificate, &version, &evidence, now)
                }
                other => other,
            });
        let row = match seen.await {
            Ok(seen) => {
                if seen.newly_pending {
                    let reason = seen.node.pending.map_or("", |reason| reason.sentence());
                    self.state.event(&format!("node/{}", seen.node.name), &format!("waits for approval: {reason}"));
                }
                seen.node
            }
            // A full disk must not end sessions: what the store last knew is enough.
            Err(rejoin::RejoinRefusal::Store(error)) if error.is_full() => {
                self.remembered().ok_or_else(|| crate::refusal::refuse(&error))?
            }
            Err(error) => return Err(crate::refusal::refuse(&error)),
        };
        let welcome = self.welcome(&row.name, row.pending.is_some(), hello.protocol);
        self.state.registry.put_row(row, self.state.boot());
        Ok(welcome)
    }

    fn remembered(&self) -> Option<crate::store::nodes::Node> {
        self.state.registry.fleet().nodes.get(&self.peer.key_id).map(|known| known.row.clone())
    }

    fn welcome(&self, name: &str, pending: bool, protocol: u32) -> Welcome {
        let settings = &self.state.settings;
        Welcome {
            protocol: protocol.min(PROTOCOL),
            features: vec!["refresh".into()],
            version: env!("CARGO_PKG_VERSION").into(),
            instance: self.state.instance.clone(),
            epoch: self.state.epoch,
            name: name.to_owned(),
            pending,
            heartbeat: settings.heartbeat,
            facts: settings.facts,
            reconnect_cap: settings.reconnect_cap,
            coordinators: self.state.advertised(),
        }
    }

    /// The conversation after Hello.
    async fn converse(
        &mut self,
        inbound: &mut Streaming<AgentMessage>,
        commands: &mut mpsc::Receiver<CoordinatorMessage>,
        ended: &mut watch::Receiver<Ending>,
        welcome: Welcome,
    ) -> Stop {
        let (heartbeat, name) = (welcome.heartbeat, welcome.name.clone());
        let mut declared = self.state.declared.changes();
        let mut expected = self.state.declared.expect(&name);
        if !self.reply(CoordinatorMessage::Welcome(welcome))
            || !self.reply(CoordinatorMessage::Expect(expected.clone()))
        {
            return Stop::Gone;
        }
        let mut silence = Instant::now() + heartbeat * MISSED;
        loop {
            let certificate_ends = self.certificate_ends.unwrap_or(silence + Duration::from_secs(1));
            tokio::select! {
                biased;
                changed = ended.changed() => {
                    let told = ended.borrow_and_update().clone();
                    return match (changed, told) {
                        (Ok(()), Some((reason, message))) => Stop::Tell(reason, message),
                        (Ok(()) | Err(_), _) => Stop::Tell(EndReason::Replaced, "the session was replaced".into()),
                    };
                }
                Ok(()) = declared.changed() => {
                    // A node that was renamed meanwhile is told by its next session.
                    let new = self.state.declared.expect(&name);
                    if new != expected && !self.reply(CoordinatorMessage::Expect(new.clone())) {
                        return Stop::Gone;
                    }
                    expected = new;
                },
                () = sleep_until(certificate_ends) => {
                    return Stop::Tell(EndReason::CertificateExpired, "the certificate ran out".into());
                },
                message = inbound.message() => match message {
                    Ok(Some(message)) => {
                        silence = Instant::now() + heartbeat * MISSED;
                        if let Some(stop) = self.hear(message).await { return stop }
                    }
                    Ok(None) => return Stop::Gone,
                    Err(status) if misbehaved(status.code()) => {
                        return Stop::Tell(EndReason::Misbehaved, status.message().to_owned());
                    }
                    Err(_) => return Stop::Gone,
                },
                // A place in the way out comes first, so that whoever does not read leaves commands waiting in their queue.
                told = next(&self.replies, commands) => if !told { return Stop::Gone },
                () = sleep_until(silence) => return Stop::Tell(EndReason::Silent, "three heartbeats were missed".into()),
            }
        }
    }

    /// One message from the agent. Revocation is checked on every one.
    async fn hear(&mut self, message: AgentMessage) -> Option<Stop> {
        if self.state.is_revoked(&self.peer) {
            return Some(Stop::Tell(EndReason::Revoked, "this identity was revoked".into()));
        }
        if self.state.certificate_is_over(&self.peer) {
            return Some(Stop::Tell(EndReason::CertificateExpired, "the certificate ran out".into()));
        }
        let id = &self.peer.key_id;
        let fits = match message {
            AgentMessage::Hello(_) => return Some(Stop::Tell(EndReason::Misbehaved, "a second Hello".into())),
            AgentMessage::Heartbeat { number } => {
                self.reports = 0;
                self.state.registry.heard(id, self.state.boot());
                self.reply(CoordinatorMessage::HeartbeatHeard { number })
            }
            AgentMessage::Sections { sequence, .. } if sequence <= self.sequence => {
                let message = format!("sequence number {sequence} came after {}", self.sequence);
                return Some(Stop::Tell(EndReason::Misbehaved, message));
            }
            AgentMessage::Sections { .. } if self.reports >= REPORTS => {
                let message = format!("more than {REPORTS} reports between two heartbeats");
                return Some(Stop::Tell(EndReason::Misbehaved, message));
            }
            AgentMessage::Sections { sequence, sections, refused, unknown, .. } => {
                self.reports += 1;
                self.sequence = sequence;
                let told =
                    refused.iter().all(|refusal| self.reply(CoordinatorMessage::SectionRefused(refusal.clone())));
                self.state.registry.told(id, sections, refused, unknown, self.state.boot());
                told && self.reply(CoordinatorMessage::SectionsHeard { sequence })
            }
            AgentMessage::Outcome(outcome) => {
                let key = outcome.key.clone();
                self.landed(outcome).await;
                self.reply(CoordinatorMessage::OutcomeHeard { key })
            }
            AgentMessage::Unrecognised => true,
        };
        (!fits).then(|| Stop::Tell(EndReason::TooSlow, "the agent does not read".into()))
    }

    /// An outcome is taken off the list of what is under way before it is acknowledged.
    async fn landed(&self, outcome: Outcome) {
        let (id, key) = (self.peer.key_id.clone(), outcome.key.clone());
        // What this node was not asked is not its to finish, and costs no write.
        if !self.state.registry.is_under_way(&id, &key) {
            return;
        }
        let finished = self.state.store.call(move |database| in_flight::finish(database, &id, &key)).await;
        if let Err(error) = finished {
            tracing::warn!(%error, "cannot store an outcome");
        }
        self.state.registry.landed(&self.peer.key_id, outcome);
    }

    /// Queues a reply; false when the reader is too slow.
    fn reply(&self, message: CoordinatorMessage) -> bool {
        self.replies.try_send(Ok(message)).is_ok()
    }

    /// Says why, and closes.
    async fn end(self, reason: EndReason, message: &str) {
        let end = CoordinatorMessage::End { reason, message: message.to_owned() };
        // A reader that does not read does not need to know.
        let _ = timeout(Duration::from_millis(500), self.replies.send(Ok(end))).await;
    }

    async fn fail(self, status: Status) {
        let _ = timeout(Duration::from_millis(500), self.replies.send(Err(status))).await;
    }
}

/// Hands the next command over as soon as there is one and room for it; false when nobody listens. Cancel safe: a
/// command leaves its queue only when its place is certain.
async fn next(
    replies: &mpsc::Sender<Result<CoordinatorMessage, Status>>,
    commands: &mut mpsc::Receiver<CoordinatorMessage>,
) -> bool {
    let Ok(place) = replies.reserve().await else { return false };
    match commands.recv().await {
        Some(command) => place.send(Ok(command)),
        // The session was taken out of the registry, which says why by the other way.
        None => std::future::pending().await,
    }
    true
}

/// Whether the peer broke the rules, and not the network: a message that cannot be decoded, or is too large.
fn misbehaved(code: tonic::Code) -> bool {
    matches!(code, tonic::Code::InvalidArgument | tonic::Code::OutOfRange)
}

fn describe(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| "an unknown address".to_owned(), |address| address.ip().to_string())
}
