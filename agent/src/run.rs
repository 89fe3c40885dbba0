//! The daemon: finds its identity, keeps one session open, renews and rejoins, and stops when told.

use std::time::Duration;

use coord_model::Expect;
use coord_proto::{identity::Identity, random_number};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    enrol::{self, EnrolFailure},
    host::Host,
    prober::Prober,
    session::{Introduction, Lasting, evidence, orders::Orders, reading::Readings},
    settings::Settings,
};

mod addresses;
mod daemon;
mod ending;
mod renewal;
mod watchdog;

use daemon::Daemon;

/// How often an agent without an identity looks whether `join` made one.
const UNCONFIGURED_WAIT: Duration = Duration::from_secs(10);

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunFailure {
    /// The recorded host cannot be read.
    #[error(transparent)]
    Host(#[from] crate::host::HostError),
    /// The identity cannot be read or written.
    #[error("this machine's identity cannot be used\nhint: coord-agent leave, then join with a new token")]
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
    watchdog::start();
    let briefing = settings.briefing();
    let host = Host::below(settings.root.as_deref(), &briefing.line())?;
    let mut prober = Prober::new(settings.root.clone(), settings.setting());
    prober.briefing = briefing;
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
    let (expect, live) = (Expect::default(), settings.root.is_none());
    let mut readings = Readings::start(prober);
    readings.ahead();
    let lasting = Lasting { orders, welcome: None, expect, readings, live };
    let mut daemon = Daemon::new(host, settings.identity_file(), settings.coordinators, identity, introduction);
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
