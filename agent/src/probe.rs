//! The probes: a file a subject, each reads through the host seam first and then parses in pure functions.
//!
//! They run in a disposable child process, so a read that hangs costs its own section.

use coord_model::{AnySection, SectionKind};

use crate::host::Host;

mod agent;
mod briefing;
mod disk;
mod docker;
mod gpu;
mod k3s;
pub(crate) mod mounts;
mod network;
mod platform;
pub(crate) mod space;
mod system;
pub(crate) mod unraid;
mod usb;

pub(crate) use agent::{Setting, complete, watched};
pub(crate) use briefing::{Briefing, Memory};
pub(crate) use network::foreign as foreign_interface;
pub(crate) use platform::assigned;

/// Reads one section; `None` for a subject that this version does not know.
pub(crate) fn probe(host: &Host, kind: SectionKind, briefing: &mut Briefing) -> Option<AnySection> {
    Some(match kind {
        SectionKind::Agent => AnySection::Agent(agent::probe(host, &Setting::default())),
        SectionKind::Platform => AnySection::Platform(platform::probe(host)),
        SectionKind::System => AnySection::System(system::probe(host)),
        SectionKind::Disk => AnySection::Disk(disk::probe(host, briefing)),
        SectionKind::Gpu => AnySection::Gpu(gpu::probe(host, briefing)),
        SectionKind::Mounts => AnySection::Mounts(mounts::probe(host, briefing)),
        SectionKind::K3s => AnySection::K3s(k3s::probe(host, &mut briefing.memory)),
        SectionKind::Docker => AnySection::Docker(docker::probe(host, briefing)),
        SectionKind::Network => AnySection::Network(network::probe(host, briefing)),
        SectionKind::Usb => AnySection::Usb(usb::probe(host)),
        SectionKind::Unraid => AnySection::Unraid(unraid::probe(host)),
        SectionKind::Unrecognised(_) => return None,
    })
}

#[cfg(test)]
mod any_bytes;
#[cfg(test)]
mod tests;
