//! An agent with an identity: sessions one after the other, with renewals between them.

use std::{path::PathBuf, time::Duration};

use coord_model::{Boot, EndReason, Welcome};
use coord_proto::{
    client::{self, Caller, ClientError},
    identity::Identity,
    random_number,
    tls::Window,
};
use tokio::{sync::oneshot, time::sleep};

use super::{
    addresses,
    ending::{Next, after, certificate_refused, chain, is_revoked, not_connected, outdated},
    ready, renewal,
};
use crate::{
    backoff::{BROKEN_WAIT, Backoff, DEFAULT_CAP},
    host::Host,
    session::{self, Ended, Introduction, Keeper, Lasting},
};

/// An agent with an identity.
pub(super) struct Daemon {
    host: Host,
    file: PathBuf,
    given: Vec<String>,
    identity: Identity,
    introduction: Introduction,
    /// Which address is tried first; moves on after an attempt that was not welcome.
    turn: usize,
    /// The address of the session that is open.
    worked: String,
    /// When the certificate is renewed.
    due: Boot,
    /// After how long a renewal that failed is tried again, at least.
    cap: Duration,
    /// A renewal under way beside the session.
    attempt: Option<oneshot::Receiver<Result<Identity, ClientError>>>,
}

/// What became of a wish for a new certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewed {
    Yes,
    NotNow,
    Revoked,
}

impl Daemon {
    pub(super) fn new(
        host: Host,
        file: PathBuf,
        given: Vec<String>,
        identity: Identity,
        introduction: Introduction,
    ) -> Self {
        let synchronised = host.clock().ok().map(|clock| clock.synchronised);
        let due = renewal::at_start(&identity, synchronised);
        let (turn, worked, cap, attempt) = (0, String::new(), DEFAULT_CAP, None);
        Self { host, file, given, identity, introduction, turn, worked, due, cap, attempt }
    }

    /// Sessions one after the other until told to stop.
    pub(super) async fn keep(&mut self, mut lasting: Lasting, stop: &mut (impl Future<Output = ()> + Unpin)) {
        let mut backoff = Backoff::default();
        loop {
            let mut next = self.once(&mut lasting, &mut backoff, stop).await;
            self.attempt = None;
            self.cap = lasting.welcome.as_ref().map_or(DEFAULT_CAP, |welcome| welcome.reconnect_cap);
            let wanted = next == Next::Rejoin || renewal::now() >= self.due;
            if wanted && next != Next::Stop && next != Next::Revoked {
                let renewed = tokio::select! {
                    renewed = self.renew_or_rejoin() => renewed,
                    () = &mut *stop => return,
                };
                match renewed {
                    Renewed::Yes => continue,
                    Renewed::Revoked => next = Next::Revoked,
                    Renewed::NotNow => self.put_off(),
                }
            } else if next == Next::Renew {
                continue;
            }
            let wait = match next {
                Next::Stop => return,
                Next::Revoked => revoked(),
                Next::Later | Next::Renew | Next::Rejoin => pause(&mut backoff, self.cap),
            };
            tokio::select! {
                () = sleep(wait) => {},
                () = &mut *stop => return,
            }
        }
    }

    /// One session from connect to end.
    async fn once(
        &mut self,
        lasting: &mut Lasting,
        backoff: &mut Backoff,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> Next {
        let addresses = addresses::in_turn(&self.given, &self.identity.coordinators, self.turn);
        let caller_identity = self.identity.clone();
        let caller = Caller::Known(&caller_identity);
        let connected = tokio::select! {
            connected = client::connect_first(&addresses, &caller, window(&self.host)) => connected,
            () = &mut *stop => return Next::Stop,
        };
        let (channel, address) = match connected {
            Ok(connected) => connected,
            Err(error) => return not_connected(&error),
        };
        lasting.readings.coordinator(address.clone());
        self.worked = address;
        lasting.welcome = None;
        let introduction = self.introduction.clone();
        let ended = session::run(channel, &introduction, lasting, self, stop).await;
        self.note(&ended, lasting, backoff);
        after(&ended)
    }

    /// What a session's end says about the next attempt.
    fn note(&mut self, ended: &Ended, lasting: &Lasting, backoff: &mut Backoff) {
        let replaced = matches!(ended, Ended::Told(EndReason::Replaced, _));
        match &lasting.welcome {
            // Two copies of one identity must not replace each other every second.
            Some(_) if !replaced => backoff.succeeded(),
            Some(_) => {}
            None => self.turn = self.turn.wrapping_add(1),
        }
        if ended.broken_frame() {
            backoff.broken();
        } else {
            backoff.understood();
        }
    }

    /// The identity with the addresses that are called now.
    fn calling(&self) -> Identity {
        let mut identity = self.identity.clone();
        identity.coordinators = addresses::in_turn(&self.given, &self.identity.coordinators, self.turn);
        identity
    }

    /// Asks for a new certificate while the session goes on: a coordinator that issues nothing now costs nobody theirs.
    fn renew_beside(&mut self) {
        let (identity, window) = (self.calling(), window(&self.host));
        let (done, attempt) = oneshot::channel();
        // Nobody listens when the session has ended; another attempt follows.
        drop(tokio::spawn(async move { done.send(client::renew(&identity, window).await) }));
        self.attempt = Some(attempt);
    }

    /// A renewal that did not work is tried again later.
    fn put_off(&mut self) {
        self.due = renewal::retry(&self.identity, self.cap);
    }

    /// A new certificate for the same key: by the old one while it is good, else by the rejoin credential.
    async fn renew_or_rejoin(&mut self) -> Renewed {
        let identity = self.calling();
        let renewed = match client::renew(&identity, window(&self.host)).await {
            Err(error) if refused_for_age(&error) => {
                tracing::info!(error = chain(&error), "the certificate cannot be renewed; rejoining");
                client::rejoin(&identity, self.introduction.evidence.clone(), window(&self.host)).await
            }
            other => other,
        };
        match renewed {
            Ok(renewed) => self.store(renewed),
            Err(error) if revoked_now(&error) => Renewed::Revoked,
            Err(error) => {
                tracing::warn!(error = chain(&error), "no new certificate");
                Renewed::NotNow
            }
        }
    }

    /// Keeps a new certificate together with what this process has learned.
    fn store(&mut self, mut renewed: Identity) -> Renewed {
        renewed.coordinators.clone_from(&self.identity.coordinators);
        renewed.instance.clone_from(&self.identity.instance);
        // A command may have been obeyed while the answer was on its way.
        renewed.newest_generation = self.identity.newest_generation;
        renewed.newest_epoch = self.identity.newest_epoch;
        match renewed.save(&self.file) {
            Ok(()) => {
                tracing::info!(expires = renewed.expires.0, "certificate renewed");
                self.identity = renewed;
                self.due = renewal::from_now(&self.identity);
                Renewed::Yes
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be stored; the old one stays");
                Renewed::NotNow
            }
        }
    }
}

impl Keeper for Daemon {
    fn remember(&mut self, generation: u64, epoch: u64) -> Result<(), String> {
        let mut identity = self.identity.clone();
        identity.newest_generation = generation;
        identity.newest_epoch = epoch;
        identity.save(&self.file).map_err(|error| error.to_string())?;
        self.identity = identity;
        Ok(())
    }

    fn welcomed(&mut self, welcome: &Welcome) {
        ready(&format!("connected as {}", welcome.name));
        tracing::info!(name = welcome.name, version = welcome.version, pending = welcome.pending, "connected");
        let mut identity = self.identity.clone();
        identity.name.clone_from(&welcome.name);
        identity.newest_epoch = welcome.epoch;
        identity.instance.clone_from(&welcome.instance);
        identity.coordinators = addresses::merged(&self.worked, &welcome.coordinators);
        let same = identity.coordinators == self.identity.coordinators
            && identity.name == self.identity.name
            && identity.newest_epoch == self.identity.newest_epoch
            && identity.instance == self.identity.instance;
        if same {
            return;
        }
        if let Err(error) = identity.save(&self.file) {
            tracing::warn!(%error, "cannot remember what the coordinator said");
        }
        self.identity = identity;
    }

    fn must_reconnect(&mut self) -> bool {
        let Some(attempt) = &mut self.attempt else {
            if renewal::now() >= self.due {
                self.renew_beside();
            }
            return false;
        };
        let result = match attempt.try_recv() {
            Ok(result) => result,
            Err(oneshot::error::TryRecvError::Empty) => return false,
            Err(oneshot::error::TryRecvError::Closed) => Err(ClientError::NoAddress),
        };
        self.attempt = None;
        match result {
            Ok(renewed) => {
                if self.store(renewed) == Renewed::Yes {
                    return true;
                }
            }
            // What follows is decided between two sessions.
            Err(error) if refused_for_age(&error) || revoked_now(&error) => return true,
            Err(error) => tracing::warn!(error = chain(&error), "no new certificate"),
        }
        self.put_off();
        false
    }
}

/// Whether a renewal failed because the identity was revoked.
fn revoked_now(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(status) if is_revoked(status))
}

/// Whether a renewal failed because the old certificate is not taken any more.
fn refused_for_age(error: &ClientError) -> bool {
    match error {
        ClientError::Refused(status) => outdated(status) && !is_revoked(status),
        ClientError::Connect { .. } => certificate_refused(&chain(error)),
        ClientError::NoAddress | ClientError::Identity(_) | ClientError::Tls(_) => false,
    }
}

/// While the kernel says that its clock is not synchronised, nobody's window is judged.
fn window(host: &Host) -> Window {
    match host.clock() {
        Ok(clock) if clock.synchronised => Window::Judge,
        Ok(_) | Err(_) => Window::Ignore,
    }
}

fn revoked() -> Duration {
    tracing::error!("this identity was revoked; on this machine: coord-agent leave, then join with a new token");
    BROKEN_WAIT
}

fn pause(backoff: &mut Backoff, cap: Duration) -> Duration {
    let wait = backoff.wait(cap, random_number().unwrap_or(u64::MAX));
    if backoff.not_understood() {
        tracing::warn!("three broken frames in a row: the next attempt is in {} s", wait.as_secs());
    } else {
        tracing::debug!(seconds = wait.as_secs_f64(), "reconnecting");
    }
    wait
}
