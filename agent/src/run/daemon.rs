//! An agent with an identity: sessions one after the other, with renewals between them.

use std::{path::PathBuf, time::Duration};

use coord_model::{Boot, EndReason, Welcome};
use coord_proto::{
    client::{self, Caller, ClientError},
    identity::Identity,
    random_number,
    tls::Window,
};
use tokio::time::sleep;

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
        Self { host, file, given, identity, introduction, turn: 0, worked: String::new() }
    }

    /// Sessions one after the other until told to stop.
    pub(super) async fn keep(&mut self, mut lasting: Lasting, stop: &mut (impl Future<Output = ()> + Unpin)) {
        let mut backoff = Backoff::default();
        let synchronised = self.host.clock().ok().map(|clock| clock.synchronised);
        let mut due = renewal::at_start(&self.identity, synchronised);
        loop {
            let mut next = self.once(&mut lasting, &mut backoff, due, stop).await;
            let cap = lasting.welcome.as_ref().map_or(DEFAULT_CAP, |welcome| welcome.reconnect_cap);
            let wanted = next == Next::Renew || next == Next::Rejoin || renewal::now() >= due;
            if wanted && next != Next::Stop && next != Next::Revoked {
                let renewed = tokio::select! {
                    renewed = self.renew_or_rejoin() => renewed,
                    () = &mut *stop => return,
                };
                due = match renewed {
                    Renewed::Yes => renewal::from_now(&self.identity),
                    Renewed::NotNow | Renewed::Revoked => renewal::retry(&self.identity, cap),
                };
                match renewed {
                    // The certificate is as good as before: the session goes on without a wait.
                    Renewed::NotNow if next == Next::Renew => continue,
                    Renewed::Yes => continue,
                    Renewed::Revoked => next = Next::Revoked,
                    Renewed::NotNow => {}
                }
            }
            let wait = match next {
                Next::Stop => return,
                Next::Revoked => revoked(),
                Next::Later | Next::Renew | Next::Rejoin => pause(&mut backoff, cap),
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
        due: Boot,
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
        self.worked = address;
        lasting.welcome = None;
        let introduction = self.introduction.clone();
        let ended = session::run(channel, &introduction, lasting, self, due, stop).await;
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

    /// A new certificate for the same key: by the old one while it is good, else by the rejoin credential.
    async fn renew_or_rejoin(&mut self) -> Renewed {
        let mut identity = self.identity.clone();
        identity.coordinators = addresses::in_turn(&self.given, &self.identity.coordinators, self.turn);
        let renewed = match client::renew(&identity, window(&self.host)).await {
            Err(error) if refused_for_age(&error) => {
                tracing::info!(error = chain(&error), "the certificate cannot be renewed; rejoining");
                client::rejoin(&identity, self.introduction.evidence.clone(), window(&self.host)).await
            }
            other => other,
        };
        match renewed {
            Ok(renewed) => self.store(renewed),
            Err(ClientError::Refused(status)) if is_revoked(&status) => Renewed::Revoked,
            Err(error) => {
                tracing::warn!(error = chain(&error), "no new certificate");
                Renewed::NotNow
            }
        }
    }

    /// Keeps a new certificate together with what this process has learned.
    fn store(&mut self, mut renewed: Identity) -> Renewed {
        renewed.coordinators.clone_from(&self.identity.coordinators);
        match renewed.save(&self.file) {
            Ok(()) => {
                tracing::info!(expires = renewed.expires.0, "certificate renewed");
                self.identity = renewed;
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
