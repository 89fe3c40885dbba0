//! What a serial device probably is. Its product text counts first; ids are those of a converter more often than of a
//! stick, so only the few that one maker uses for one kind of stick say anything.

use coord_model::{Reading, Unknown};

/// Words of product texts, in lower case.
const PRODUCTS: [(&str, &str); 15] = [
    ("z-wave", "z-wave"),
    ("zwave", "z-wave"),
    ("z-stick", "z-wave"),
    ("zooz", "z-wave"),
    ("uzb", "z-wave"),
    ("zigbee", "zigbee"),
    ("zbdongle", "zigbee"),
    ("zbt-", "zigbee"),
    ("conbee", "zigbee"),
    ("raspbee", "zigbee"),
    ("skyconnect", "zigbee"),
    ("slzb", "zigbee"),
    ("zig-a-zig", "zigbee"),
    ("cc2531", "zigbee"),
    ("cc2652", "zigbee"),
];
/// Ids of one kind of stick: TI CC2531, ConBee II, HUSBZB-1, Home Assistant Connect ZBT-2, Sigma Designs' Z-Wave.
const STICKS: [(&str, &str); 5] = [
    ("0451:16a8", "zigbee"),
    ("1cf1:0030", "zigbee"),
    ("10c4:8a2a", "zigbee and z-wave"),
    ("303a:831a", "zigbee"),
    ("0658:0200", "z-wave"),
];
/// Converters that many sticks are built with, and everything else too.
const CONVERTERS: [&str; 5] = ["10c4:ea60", "10c4:8b34", "1a86:55d4", "1a86:7523", "0403:6015"];

/// The probable kind by product text, then by ids.
pub(super) fn of(product: Option<&str>, vendor_id: Option<&str>, product_id: Option<&str>) -> Reading<String> {
    let text = product.unwrap_or_default().to_lowercase();
    let by_text = PRODUCTS.iter().find(|(word, _)| text.contains(word));
    let ids = format!("{}:{}", vendor_id.unwrap_or("?"), product_id.unwrap_or("?")).to_lowercase();
    let by_ids = || STICKS.iter().find(|(stick, _)| *stick == ids);
    match by_text.or_else(by_ids) {
        Some((_, kind)) => Ok((*kind).to_string()),
        None if CONVERTERS.contains(&ids.as_str()) => {
            Err(Unknown::absent(format!("{ids} is a serial converter: it may be a stick or anything else")))
        }
        None => Err(Unknown::absent("neither its product text nor its ids are those of a known stick")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_text_comes_before_the_ids() {
        let sonoff = of(Some("Sonoff Zigbee 3.0 USB Dongle Plus"), Some("10c4"), Some("ea60"));
        assert_eq!(sonoff, Ok("zigbee".into()));
        assert_eq!(of(Some("Zooz Z-Wave"), Some("1cf1"), Some("0030")), Ok("z-wave".into()));
    }

    #[test]
    fn ids_of_one_stick_are_enough_and_ids_of_a_converter_are_not() {
        assert_eq!(of(None, Some("1CF1"), Some("0030")), Ok("zigbee".into()));
        assert!(of(Some("USB Serial"), Some("1a86"), Some("7523")).unwrap_err().message.contains("converter"));
        assert!(of(Some("\u{fffd}"), None, None).is_err());
    }
}
