//! NVIDIA's own driver without NVIDIA's tools: what it tells below /proc/driver/nvidia (its README, "/proc Interface"),
//! and which nodes stand for a card. Its nodes are no DRM nodes, and opening one starts the card, so none is opened.

use coord_model::{Reading, Unknown};

use crate::host::Host;

/// The driver's name on the PCI bus.
pub(super) const DRIVER: &str = "nvidia";
/// The node without which no card can be used.
pub(super) const CONTROL: &str = "/dev/nvidiactl";
/// Where the driver tells about itself.
const FOLDER: &str = "/proc/driver/nvidia";

/// What the driver says of one card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Card {
    /// Vendor and model.
    pub(super) model: Option<String>,
    /// The number of its node: `/dev/nvidia0`.
    pub(super) minor: Option<u32>,
}

/// What the driver says of the card at a PCI address.
pub(super) fn card(host: &Host, address: &str) -> Reading<Card> {
    host.text(&format!("{FOLDER}/gpus/{address}/information")).map(|text| parse_card(&text))
}

/// Lines of a name, a colon and a value.
fn parse_card(text: &str) -> Card {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix(':'));
        line.map(str::trim).filter(|value| !value.is_empty())
    };
    let model = value("Model").filter(|model| *model != "Unknown").map(|model| {
        let model: String = model.chars().take(80).collect();
        if model.starts_with("NVIDIA") { model } else { format!("NVIDIA {model}") }
    });
    Card { model, minor: value("Device Minor").and_then(|minor| minor.parse().ok()) }
}

/// The version of the driver that is loaded.
pub(super) fn version(host: &Host) -> Reading<String> {
    let text = host.text(&format!("{FOLDER}/version"))?;
    parse_version(&text).ok_or_else(|| Unknown::error(format!("{FOLDER}/version names no version")))
}

/// The first word of the line `NVRM version: …` that is numbers with dots.
fn parse_version(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("NVRM version:"))?;
    let numbers = |word: &&str| {
        word.len() <= 32
            && word.contains('.')
            && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    line.split_whitespace().find(numbers).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INFORMATION: &str = "Model: \t\t NVIDIA GeForce RTX 3060\nIRQ:   \t\t 143\nGPU UUID: \t GPU-0\n\
        Bus Location: \t 0000:01:00.0\nDevice Minor: \t 0\n";

    #[test]
    fn a_card_has_a_name_and_a_number() {
        let card = parse_card(INFORMATION);
        assert_eq!(card, Card { model: Some("NVIDIA GeForce RTX 3060".to_string()), minor: Some(0) });
        assert_eq!(parse_card("Model:  GeForce GTX 960\n").model.as_deref(), Some("NVIDIA GeForce GTX 960"));
        assert_eq!(parse_card("Model: Unknown\nDevice Minor: x\n"), Card::default());
    }

    #[test]
    fn both_kinds_of_the_driver_say_their_version() {
        for (line, version) in [
            ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024", "535.183.01"),
            ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build", "550.54.14"),
        ] {
            assert_eq!(parse_version(&format!("{line}\nGCC version: gcc 12.2.0\n")).as_deref(), Some(version));
        }
        assert_eq!(parse_version("GCC version: 12.2.0"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            drop(parse_card(&text));
            drop(parse_card(&format!("Model:{text}")));
            drop(parse_version(&format!("NVRM version: {text}")));
        }
    }
}
