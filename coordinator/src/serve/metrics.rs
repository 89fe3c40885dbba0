//! `/metrics`: made from the state at each scrape, so that no counter can differ from what it counts.

use std::fmt;

use coord_model::Health;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::ConstCounter, family::Family, gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};

use crate::{state::State, views::judgement};

/// OpenMetrics, which Prometheus takes since 2.5.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;

/// All series as text.
pub(super) fn text(state: &State) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("coord");
    let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The running coordinator", build);
    nodes(state, &mut registry);
    store(state, &mut registry);
    process(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn nodes(state: &State, registry: &mut Registry) {
    let health = Family::<Labels, Gauge>::default();
    let seen = Family::<Labels, Gauge>::default();
    let agents = Family::<Labels, Gauge>::default();
    let certificates = Family::<Labels, Gauge>::default();
    let reboots = Family::<Labels, Gauge>::default();
    let judged = judgement::fleet(state);
    let (now, wall) = (state.boot(), state.wall());
    let fleet = state.registry.fleet();
    for node in &judged.nodes {
        let Some(known) = fleet.nodes.get(&node.id) else { continue };
        let name = || ("node", node.name.clone());
        for state in Health::ALL {
            let labels = vec![name(), ("state", state.to_string())];
            health.get_or_create(&labels).set(i64::from(*state == node.health));
        }
        if let Some(heard) = known.last_heard {
            let ago = i64::try_from(now.since(heard).as_secs()).unwrap_or(i64::MAX);
            seen.get_or_create(&vec![name()]).set((wall.0 / 1000).saturating_sub(ago));
        }
        let platform = known.summary.platform.clone().unwrap_or_default();
        agents
            .get_or_create(&vec![name(), ("version", known.row.agent_version.clone()), ("platform", platform)])
            .set(1);
        certificates.get_or_create(&vec![name()]).set(known.row.certificate.expires.0 / 1000);
        if let Some(needed) = known.summary.reboot_needed {
            reboots.get_or_create(&vec![name()]).set(i64::from(needed));
        }
    }
    registry.register("node_health", "Whether the node has this health: 1 or 0", health);
    registry.register("node_last_seen_timestamp_seconds", "Last sign of life of the node", seen);
    registry.register("node_agent_info", "Version and platform of the node's agent", agents);
    registry.register("node_cert_expiry_timestamp_seconds", "End of the node's certificate", certificates);
    registry.register("node_reboot_required", "Whether an update waits for a restart: 1 or 0", reboots);
}

fn store(state: &State, registry: &mut Registry) {
    let writable: Gauge = Gauge::default();
    writable.set(i64::from(state.store.writable()));
    registry.register("store_writable", "Whether the store can be written: 1 or 0", writable);
    registry.register("events_lost", "Events that could not be stored", ConstCounter::new(state.store.events_lost()));
    let sessions: Gauge = Gauge::default();
    let open = state.registry.fleet().nodes.values().filter(|known| known.session.is_some()).count();
    sessions.set(i64::try_from(open).unwrap_or(i64::MAX));
    registry.register("sessions", "Open sessions of agents", sessions);
    let clock: Gauge = Gauge::default();
    clock.set(i64::from(state.distrust().is_none()));
    registry.register("clock_trusted", "Whether the coordinator's clock is believed: 1 or 0", clock);
}

/// The coordinator's own memory and processor time.
fn process(registry: &mut Registry) {
    let Ok(pid) = sysinfo::get_current_pid() else { return };
    let Ok(mut system) = sysinfo::System::new() else { return };
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), false);
    let Some(process) = system.process(pid) else { return };
    let memory: Gauge = Gauge::default();
    memory.set(i64::try_from(process.memory()).unwrap_or(i64::MAX));
    registry.register_with_unit("process_resident_memory", "Resident memory of the coordinator", Unit::Bytes, memory);
    let seconds = process.accumulated_cpu_time() as f64 / 1000.0;
    registry.register_with_unit(
        "process_cpu",
        "Processor time of the coordinator",
        Unit::Seconds,
        ConstCounter::new(seconds),
    );
}
