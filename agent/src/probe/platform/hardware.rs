//! The outermost layer: what the firmware says of the machine, made or made up.

use coord_model::{Reading, Unknown, ValueState};

use crate::host::Host;

/// Names that makers of boards forget to fill in.
const PLACEHOLDERS: [&str; 6] = [
    "system product name",
    "system manufacturer",
    "to be filled by o.e.m.",
    "default string",
    "system version",
    "none",
];

/// What the firmware says, `None` where it says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Dmi {
    pub(super) vendor: Option<String>,
    pub(super) product: Option<String>,
    pub(super) version: Option<String>,
    pub(super) bios_vendor: Option<String>,
    pub(super) bios_version: Option<String>,
    pub(super) board_vendor: Option<String>,
    pub(super) board: Option<String>,
}

/// The machine itself.
pub(super) struct Hardware {
    pub(super) dmi: Dmi,
    /// The model in the device tree, on boards that have one.
    pub(super) model: Option<String>,
    /// Whether the processor says that a hypervisor runs it.
    pub(super) hypervised: bool,
    /// Vendor and product for people.
    pub(super) product: Reading<String>,
}

impl Hardware {
    /// `raspberry pi 5` for such a board.
    pub(super) fn pi_label(&self) -> Option<String> {
        let model = self.model.as_ref().filter(|model| model.starts_with("Raspberry Pi"))?;
        let end = [" Model", " Rev"].into_iter().filter_map(|word| model.find(word)).min().unwrap_or(model.len());
        Some(model[..end].to_lowercase())
    }
}

/// Reads DMI and device tree.
pub(super) fn hardware(host: &Host) -> Hardware {
    let dmi = dmi(host);
    let model = host.text("/proc/device-tree/model").ok();
    let flags = host.text("/proc/cpuinfo").unwrap_or_default();
    let product = product(&dmi, model.as_deref());
    Hardware { dmi, model, hypervised: hypervised(&flags), product }
}

fn dmi(host: &Host) -> Dmi {
    let text = |name: &str| {
        let text = host.text(&format!("/sys/class/dmi/id/{name}")).ok()?;
        (!text.trim().is_empty()).then(|| text.trim().to_string())
    };
    Dmi {
        vendor: text("sys_vendor"),
        product: text("product_name"),
        version: text("product_version"),
        bios_vendor: text("bios_vendor"),
        bios_version: text("bios_version"),
        board_vendor: text("board_vendor"),
        board: text("board_name"),
    }
}

/// The board's model, else vendor and product, else vendor and board where the maker left the product out.
fn product(dmi: &Dmi, model: Option<&str>) -> Reading<String> {
    let filled =
        |name: &Option<String>| name.clone().filter(|name| !PLACEHOLDERS.contains(&name.to_lowercase().as_str()));
    let pair = |vendor: &Option<String>, name: &Option<String>| {
        let name = filled(name)?;
        Some(filled(vendor).map_or_else(|| name.clone(), |vendor| format!("{vendor} {name}")))
    };
    let found = model.map(str::to_string);
    let found = found.or_else(|| pair(&dmi.vendor, &dmi.product)).or_else(|| pair(&dmi.board_vendor, &dmi.board));
    found.ok_or_else(|| Unknown::absent("neither DMI nor a device tree names it"))
}

/// The flag that every x86 hypervisor sets.
fn hypervised(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|line| line.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// Of a Raspberry Pi; other boards keep theirs to root.
pub(super) fn serial_number(host: &Host) -> Reading<String> {
    match host.text("/proc/device-tree/serial-number") {
        Err(unknown) if unknown.state == ValueState::Absent => {
            Err(Unknown::not_applicable("only boards with a device tree name one"))
        }
        reading => reading,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pi_is_called_by_its_number() {
        let label = |model: &str| {
            let model = Some(model.to_string());
            Hardware { dmi: Dmi::default(), model, hypervised: false, product: Ok(String::new()) }.pi_label()
        };
        assert_eq!(label("Raspberry Pi 5 Model B Rev 1.0").as_deref(), Some("raspberry pi 5"));
        assert_eq!(label("Raspberry Pi Compute Module 4 Rev 1.1").as_deref(), Some("raspberry pi compute module 4"));
        assert_eq!(label("Radxa ROCK 5B"), None);
    }

    #[test]
    fn placeholders_are_no_names() {
        let some = |text: &str| Some(text.to_string());
        let dmi = Dmi {
            vendor: some("ASUSTeK COMPUTER INC."),
            product: some("System Product Name"),
            board_vendor: some("ASUSTeK COMPUTER INC."),
            board: some("PRIME B460M-A"),
            ..Dmi::default()
        };
        assert_eq!(product(&dmi, None).unwrap(), "ASUSTeK COMPUTER INC. PRIME B460M-A");
        assert!(product(&Dmi::default(), None).is_err());
    }

    #[test]
    fn the_processor_knows_its_hypervisor() {
        assert!(hypervised("processor: 0\nflags\t\t: fpu hypervisor lahf_lm\n"));
        assert!(!hypervised("flags\t\t: fpu\nmodel name: hypervisor"));
        assert!(!hypervised(""));
    }
}
