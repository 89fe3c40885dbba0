//! What the machine shows of itself, taken from sections that the prober read.

use coord_model::{AnySection, MachineEvidence, Report, Section, SectionKind, section};

use super::Introduction;
use crate::prober::Prober;

/// The sections that evidence comes from.
pub(crate) const EVIDENCE: &[SectionKind] = &[SectionKind::Platform, SectionKind::System, SectionKind::Network];

/// Enough to recognise a machine, and fewer than the border refuses: a container with hundreds of virtual interfaces
/// must not keep itself out.
const MOST_MACS: usize = 64;

/// Reads the evidence and introduces this process.
pub(crate) async fn introduction(prober: &mut Prober, process_number: u64) -> Introduction {
    introduce(prober.read(EVIDENCE).await, process_number)
}

fn introduce(sections: Vec<AnySection>, process_number: u64) -> Introduction {
    let mut report = Report::default();
    sections.into_iter().for_each(|section| report.put(section));
    let platform = facts(report.platform);
    let network = facts(report.network);
    let system = facts(report.system);
    let evidence = MachineEvidence {
        machine_id: platform.flash_guid.or(platform.machine_id).unwrap_or_default(),
        dmi_uuid: platform.dmi_uuid.unwrap_or_default(),
        macs: macs(&network),
        host_name: platform.host_name.unwrap_or_default(),
    };
    Introduction { evidence, boot_id: system.boot_id.unwrap_or_default(), process_number }
}

fn facts<T: Default>(section: Option<Section<T>>) -> T {
    section.and_then(|section| section.facts).unwrap_or_default()
}

/// MAC addresses of interfaces with a device behind them; all when none is known to have one, as in a container.
fn macs(network: &section::Network) -> Vec<String> {
    let interfaces = network.interfaces.iter().flatten();
    let mut macs: Vec<String> = interfaces
        .clone()
        .filter(|interface| interface.physical == Some(true))
        .filter_map(|row| row.mac.clone())
        .collect();
    if macs.is_empty() {
        macs = interfaces.filter_map(|row| row.mac.clone()).collect();
    }
    macs.truncate(MOST_MACS);
    macs
}
