//! The rows of every list.

use coord_model::{AnySection, Boot, DiskRow, EventRow, GpuRow, MountRow, NodeStatus, SectionKind, TokenRow, Wall};

use super::{judgement, rfc3339, seconds, status};
use crate::{
    registry::Known,
    state::State,
    store::{events::Event, tokens::Token},
};

/// Every node, revoked ones too.
pub(super) fn nodes(state: &State) -> Vec<NodeStatus> {
    let fleet = judgement::fleet(state);
    let now = state.boot();
    let desired = state.declared.desired();
    let registry = state.registry.fleet();
    let places = status::places(registry.nodes.values());
    let row = |judged: coord_planner::NodeHealth| {
        let place = places.get(&judged.id);
        Some(status::node(registry.nodes.get(&judged.id)?, judged, place, desired.as_deref(), now))
    };
    fleet.nodes.into_iter().filter_map(row).collect()
}

/// The rows that one section of every node gives, by the names of the nodes.
fn sections<T>(state: &State, kind: SectionKind, rows: impl Fn(&str, AnySection) -> Vec<T>) -> Vec<T> {
    let now = state.boot();
    let registry = state.registry.fleet();
    let mut nodes: Vec<&Known> = registry.nodes.values().filter(|known| known.row.revoked_at.is_none()).collect();
    nodes.sort_by(|a, b| a.row.name.cmp(&b.row.name));
    let of = |known: &&Known| known.section(kind, now).map(|section| rows(&known.row.name, section));
    nodes.iter().filter_map(of).flatten().collect()
}

/// Every GPU.
pub(super) fn gpus(state: &State) -> Vec<GpuRow> {
    sections(state, SectionKind::Gpu, |node, section| match section {
        AnySection::Gpu(section) => {
            let devices = section.facts.and_then(|facts| facts.devices).unwrap_or_default();
            let age_seconds = section.age_seconds;
            devices.into_iter().map(|gpu| GpuRow { node: node.into(), age_seconds, gpu }).collect()
        }
        _ => Vec::new(),
    })
}

/// Every local file system.
pub(super) fn disks(state: &State) -> Vec<DiskRow> {
    sections(state, SectionKind::Disk, |node, section| match section {
        AnySection::Disk(section) => {
            let filesystems = section.facts.and_then(|facts| facts.filesystems).unwrap_or_default();
            let age_seconds = section.age_seconds;
            filesystems.into_iter().map(|filesystem| DiskRow { node: node.into(), age_seconds, filesystem }).collect()
        }
        _ => Vec::new(),
    })
}

/// Every network and user-space mount.
pub(super) fn mounts(state: &State) -> Vec<MountRow> {
    sections(state, SectionKind::Mounts, |node, section| match section {
        AnySection::Mounts(section) => {
            let mounts = section.facts.and_then(|facts| facts.mounts).unwrap_or_default();
            let age_seconds = section.age_seconds;
            mounts.into_iter().map(|mount| MountRow { node: node.into(), age_seconds, mount }).collect()
        }
        _ => Vec::new(),
    })
}

/// One token.
pub(super) fn token(token: Token, now: Wall) -> TokenRow {
    TokenRow {
        state: token.state(now),
        id: token.id,
        role: token.role.as_str().to_owned(),
        name: token.name,
        created: rfc3339(token.created),
        expires: rfc3339(token.expires),
        created_by: token.created_by,
        replace: token.replace,
    }
}

/// One event.
pub(super) fn event(event: Event) -> EventRow {
    EventRow {
        id: event.id,
        time: rfc3339(event.last),
        subject: event.subject,
        message: event.message,
        count: event.count,
    }
}

/// `pi` means the node; `token/ab` and `coordinator` mean themselves.
pub(super) fn event_subject(name: &str) -> String {
    if name.contains('/') || name == "coordinator" { name.to_owned() } else { format!("node/{name}") }
}

/// Seconds from now until a time on the wall clock.
pub(super) fn seconds_left(state: &State, end: Wall) -> f64 {
    seconds(state.wall().until(end))
}

/// The moment of asking.
pub(super) fn now(state: &State) -> Boot {
    state.boot()
}
