//! A load of agents: real identities, real mutual TLS, real sessions, one small task each.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use coord_model::{AgentMessage, AnySection, CoordinatorMessage, Enrolled, Hello, MachineEvidence, PROTOCOL, Wall};
use coord_proto::{
    client::{self, Caller},
    identity::{Identity, Role},
    random_number,
    tls::Window,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use tokio_stream::wrappers::ReceiverStream;

/// What every agent of the load has in common.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where the coordinator listens.
    pub address: String,
    /// What each reports after Welcome.
    pub sections: Arc<Vec<AnySection>>,
    /// Sessions whose report was taken in and that are open.
    pub open: Arc<AtomicUsize>,
    /// Attempts that failed after TCP was connected.
    pub failed: Arc<AtomicUsize>,
}

/// An identity issued with the lab's own authority.
///
/// # Panics
/// When the authority cannot sign.
#[must_use]
pub fn identity(authority: &coordinator::authority::Authority, number: usize) -> Identity {
    let identity = Identity::generate().unwrap();
    let request = coordinator::authority::Request::parse(&identity.request().unwrap()).unwrap();
    let lifetime = Duration::from_secs(24 * 3600);
    let now = coordinator::clock::now().wall;
    let issued = authority.issue(&request, &Role::Node(request.key_id()), lifetime, now).unwrap();
    identity.with(&Enrolled {
        certificate: issued.der,
        authority: authority.certificate_der().to_vec(),
        name: format!("load-{number}"),
        id: request.key_id(),
        credential: Vec::new(),
        coordinators: Vec::new(),
        lifetime,
        expires: Wall(now.0),
    })
}

/// Keeps one agent connected for ever, with the backoff of the real one.
pub async fn agent(load: Load, identity: Identity, number: usize) {
    let mut attempts = 0_u32;
    let mut cap = Duration::from_secs(8);
    loop {
        if let Some(told) = session(&load, &identity, number).await {
            attempts = 0;
            cap = told;
        }
        attempts += 1;
        let longest = Duration::from_millis(500).saturating_mul(1 << attempts.min(16)).min(cap);
        let share = random_number().unwrap() as f64 / u64::MAX as f64;
        sleep(longest.mul_f64(share)).await;
    }
}

/// One session until it breaks; the cap that Welcome named, if there was one.
async fn session(load: &Load, identity: &Identity, number: usize) -> Option<Duration> {
    let caller = Caller::Known(identity);
    let channel = match client::connect(std::slice::from_ref(&load.address), &caller, Window::Ignore).await {
        Ok(channel) => channel,
        Err(client::ClientError::Connect { source, .. }) if source.kind() == std::io::ErrorKind::ConnectionRefused => {
            return None;
        }
        Err(_) => {
            load.failed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
    };
    let (send, receive) = mpsc::channel(8);
    let evidence = MachineEvidence {
        machine_id: format!("{number:032x}"),
        host_name: format!("load-{number}"),
        ..MachineEvidence::default()
    };
    let hello = Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").into(),
        evidence,
        process_number: number as u64 + 1,
        ..Hello::default()
    };
    send.send(AgentMessage::Hello(hello)).await.ok()?;
    let mut inbound = match client::agents(channel).session(ReceiverStream::new(receive)).await {
        Ok(response) => response.into_inner(),
        Err(_) => {
            load.failed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
    };
    let Ok(Some(CoordinatorMessage::Welcome(welcome))) = inbound.message().await else { return None };
    let sections = AgentMessage::Sections {
        sequence: 1,
        whole: true,
        sections: load.sections.to_vec(),
        refused: Vec::new(),
        unknown: 0,
    };
    send.send(sections).await.ok()?;
    let mut beat = Instant::now() + welcome.heartbeat.mul_f64(random_number().unwrap() as f64 / u64::MAX as f64);
    let (mut heartbeat, mut counted) = (0, false);
    loop {
        tokio::select! {
            message = inbound.message() => match message {
                Ok(Some(CoordinatorMessage::SectionsHeard { .. })) if !counted => {
                    counted = true;
                    load.open.fetch_add(1, Ordering::Relaxed);
                }
                Ok(Some(CoordinatorMessage::End { .. }) | None) | Err(_) => break,
                Ok(Some(_)) => {}
            },
            () = sleep_until(beat) => {
                beat += welcome.heartbeat;
                heartbeat += 1;
                if send.try_send(AgentMessage::Heartbeat { number: heartbeat }).is_err() {
                    break;
                }
            },
        }
    }
    if counted {
        load.open.fetch_sub(1, Ordering::Relaxed);
    }
    Some(welcome.reconnect_cap)
}
