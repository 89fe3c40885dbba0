//! The daemon: finds its identity, keeps one session open, renews and rejoins, and stops when told.

use std::{path::PathBuf, time::Duration};

use coord_model::{EndReason, Expect, Welcome};
use coord_proto::{
    client::{self, Caller, ClientError},
    identity::Identity,
    random_number,
    tls::Window,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};

use crate::{
    backoff::{Backoff, DEFAULT_CAP},
    enrol::{self, EnrolFailure},
    host::Host,
    prober::Prober,
    session::{self, Ended, Introduction, Keeper, Lasting, evidence, orders::Orders, reading::Readings},
    settings::Settings,
};

/// How often an agent without an identity looks whether `join` made one.
const UNCONFIGURED_WAIT: Duration = Duration::from_secs(10);
/// The share of its life after which a certificate is renewed, and how far that is spread.
const HALF_LIFE: f64 = 0.5;
const SPREAD: f64 = 0.1;

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunFailure {
    /// The recorded host cannot be read.
    #[error(transparent)]
    Host(#[from] crate::host::HostError),
    /// The identity cannot be read or written.
    #[error(transparent)]
    Identity(#[from] coord_proto::identity::IdentityError),
    /// Enrolment was refused for good.
    #[error(transparent)]
    Enrol(#[from] EnrolFailure),
    /// No signals or no random numbers.
    #[error("the system refuses {0}")]
    System(&'static str),
}

/// Runs until a signal.
pub(crate) async fn run(settings: Settings) -> Result<(), RunFailure> {
    let mut stop = std::pin::pin!(stop_signal()?);
    let host = Host::below(settings.root.as_deref())?;
    let mut prober = Prober::new(settings.root.clone(), settings.setting());
    let process_number = random_number().map_err(|_| RunFailure::System("random numbers"))?;
    let introduction = tokio::select! {
        introduction = evidence::introduction(&mut prober, process_number) => introduction,
        () = &mut stop => return Ok(()),
    };
    ready("waiting for a coordinator");
    let identity = tokio::select! {
        identity = first_identity(&settings, &introduction) => identity?,
        () = &mut stop => return Ok(()),
    };
    let orders = Orders::new(identity.newest_generation, identity.newest_epoch);
    let lasting = Lasting { orders, welcome: None, expect: Expect::default(), readings: Readings::start(prober) };
    let mut daemon =
        Daemon { host, file: settings.identity_file(), given: settings.coordinators, identity, introduction };
    daemon.keep(lasting, &mut stop).await;
    stopping();
    Ok(())
}

/// Resolves when the process is told to stop.
fn stop_signal() -> Result<impl Future<Output = ()>, RunFailure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|_| RunFailure::System("signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|_| RunFailure::System("signals"))?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {},
            _ = interrupt.recv() => {},
        }
    })
}

/// Tells systemd that the daemon is up; without systemd nobody listens, which is fine.
fn ready(status: &str) {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(status)]);
}

fn stopping() {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
}

/// The identity on disk, or the one that a token gets, or the one that `join` will make.
async fn first_identity(settings: &Settings, introduction: &Introduction) -> Result<Identity, RunFailure> {
    let file = settings.identity_file();
    let mut said = false;
    loop {
        match Identity::load(&file)? {
            Some(identity) if identity.enrolled() => return Ok(identity),
            Some(_) | None => {}
        }
        if let Some(token_file) = &settings.token_file {
            let token = enrol::token_from(token_file)?;
            return Ok(enrol::until_accepted(settings, &token, introduction).await?);
        }
        if !said {
            tracing::info!("not configured: run `coord-agent join` on this machine");
            said = true;
        }
        sleep(UNCONFIGURED_WAIT).await;
    }
}

/// An agent with an identity.
struct Daemon {
    host: Host,
    file: PathBuf,
    given: Vec<String>,
    identity: Identity,
    introduction: Introduction,
}

/// What comes after a session.
enum Next {
    /// Open another after a wait.
    Later,
    /// Get a new certificate first.
    Rejoin,
    /// End.
    Stop,
}

impl Daemon {
    /// Sessions one after the other until told to stop.
    async fn keep(&mut self, mut lasting: Lasting, stop: &mut (impl Future<Output = ()> + Unpin)) {
        let mut backoff = Backoff::default();
        let mut renewal = self.renewal_at_start();
        loop {
            let cap = lasting.welcome.as_ref().map_or(DEFAULT_CAP, |welcome| welcome.reconnect_cap);
            match self.once(&mut lasting, &mut backoff, renewal, stop).await {
                Next::Stop => return,
                Next::Rejoin => {
                    if self.renew_or_rejoin().await {
                        renewal = self.renewal_from_now();
                        continue;
                    }
                }
                Next::Later => {}
            }
            if Instant::now() >= renewal {
                if self.renew_or_rejoin().await {
                    renewal = self.renewal_from_now();
                    continue;
                }
                renewal = Instant::now() + cap;
            }
            let wait = backoff.wait(cap, random_number().unwrap_or(u64::MAX));
            tracing::debug!(seconds = wait.as_secs_f64(), "reconnecting");
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
        renewal: Instant,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> Next {
        let addresses = self.addresses();
        let caller_identity = self.identity.clone();
        let caller = Caller::Known(&caller_identity);
        let channel = tokio::select! {
            channel = client::connect(&addresses, &caller, window(&self.host)) => channel,
            () = &mut *stop => return Next::Stop,
        };
        let channel = match channel {
            Ok(channel) => channel,
            Err(error) => return not_connected(&error),
        };
        lasting.welcome = None;
        let introduction = self.introduction.clone();
        let ended = session::run(channel, &introduction, lasting, self, renewal, stop).await;
        if lasting.welcome.is_some() {
            backoff.succeeded();
        }
        if ended.broken_frame() {
            backoff.broken();
        } else {
            backoff.understood();
        }
        after(&ended)
    }

    /// Addresses that were given, then those that the coordinator named.
    fn addresses(&self) -> Vec<String> {
        let mut addresses = self.given.clone();
        addresses.extend(self.identity.coordinators.iter().filter(|address| !self.given.contains(address)).cloned());
        addresses
    }

    /// A new certificate for the same key: by the old one while it is good, else by the rejoin credential.
    async fn renew_or_rejoin(&mut self) -> bool {
        let mut identity = self.identity.clone();
        identity.coordinators = self.addresses();
        let renewed = match client::renew(&identity, window(&self.host)).await {
            Ok(renewed) => Ok(renewed),
            Err(ClientError::NoAddress) => return false,
            Err(error @ ClientError::Connect { .. }) if !certificate_refused(&chain(&error)) => return false,
            Err(error) => {
                tracing::info!(%error, "the certificate cannot be renewed; rejoining");
                client::rejoin(&identity, self.introduction.evidence.clone(), window(&self.host)).await
            }
        };
        match renewed {
            Ok(renewed) => self.store(renewed),
            Err(error) => {
                tracing::warn!(%error, "no new certificate");
                false
            }
        }
    }

    /// Keeps a new certificate together with what this process has learned.
    fn store(&mut self, renewed: Identity) -> bool {
        match renewed.save(&self.file) {
            Ok(()) => {
                tracing::info!(expires = renewed.expires.0, "certificate renewed");
                self.identity = renewed;
                true
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be stored; the old one stays");
                false
            }
        }
    }

    /// After a start nobody knows how much of the life is over, unless the kernel vouches for the wall clock.
    fn renewal_at_start(&self) -> Instant {
        let Ok(clock) = self.host.clock() else { return Instant::now() };
        let left = wall_now().until(self.identity.expires);
        let life = Duration::from_secs(self.identity.lifetime_seconds);
        let used = life.saturating_sub(left);
        match clock.synchronised {
            true => Instant::now() + self.share_of_life().saturating_sub(used),
            false => Instant::now() + self.share_of_life() / 4,
        }
    }

    fn renewal_from_now(&self) -> Instant {
        Instant::now() + self.share_of_life()
    }

    /// Half of the certificate's life, give or take a tenth.
    fn share_of_life(&self) -> Duration {
        let random = random_number().unwrap_or(0) as f64 / u64::MAX as f64;
        let share = HALF_LIFE * (1.0 - SPREAD + 2.0 * SPREAD * random);
        Duration::from_secs(self.identity.lifetime_seconds).mul_f64(share)
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
        if !welcome.coordinators.is_empty() {
            identity.coordinators.clone_from(&welcome.coordinators);
        }
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

/// While the kernel says that its clock is not synchronised, nobody's window is judged.
pub(crate) fn window(host: &Host) -> Window {
    match host.clock() {
        Ok(clock) if clock.synchronised => Window::Judge,
        Ok(_) | Err(_) => Window::Ignore,
    }
}

/// The wall clock; only for a certificate's remaining life, and only while the kernel vouches for it.
fn wall_now() -> coord_model::Wall {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    coord_model::Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A certificate that ran out shows as a TLS alert; everything else is for later.
fn not_connected(error: &ClientError) -> Next {
    tracing::warn!(error = chain(error), "cannot reach a coordinator");
    if certificate_refused(&chain(error)) { Next::Rejoin } else { Next::Later }
}

fn after(ended: &Ended) -> Next {
    match ended {
        Ended::Stopped => Next::Stop,
        Ended::RenewalDue => Next::Rejoin,
        Ended::Silence => {
            tracing::warn!("the coordinator has not answered for three intervals");
            Next::Later
        }
        Ended::OldEpoch(epoch) => {
            tracing::error!(epoch, "this coordinator was replaced by a restored one; it is not obeyed");
            Next::Later
        }
        Ended::Told(EndReason::CertificateExpired, _) => Next::Rejoin,
        Ended::Told(reason, message) => {
            tracing::warn!(%reason, message, "the coordinator ended the session");
            Next::Later
        }
        Ended::Failed(status) => {
            tracing::warn!(error = status.message(), "the session ended");
            if status.code() == tonic::Code::Unauthenticated || certificate_refused(&chain(status)) {
                Next::Rejoin
            } else {
                Next::Later
            }
        }
    }
}

fn certificate_refused(text: &str) -> bool {
    ["CertificateExpired", "CertificateUnknown", "BadCertificate"].iter().any(|alert| text.contains(alert))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
