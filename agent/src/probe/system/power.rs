//! The power supply of a Raspberry Pi, as its firmware sees it.

use coord_model::{
    Reading, Unknown, not_implemented,
    section::{Power, PowerReading},
};

use crate::host::Host;

const PLATFORM: &str = "/sys/devices/platform";

/// The firmware's flags where the kernel shows them, else the one alarm that hwmon has.
pub(super) fn power(host: &Host) -> Reading<Power> {
    let model = host.text("/proc/device-tree/model").unwrap_or_default();
    if !model.starts_with("Raspberry Pi") {
        return Err(Unknown::not_applicable("not a Raspberry Pi"));
    }
    if let Some(flags) = throttled(host) {
        return flags.map(from_flags);
    }
    let alarm = alarm(host)?;
    Ok(PowerReading {
        undervoltage: Ok(alarm),
        undervoltage_seen: not_implemented(),
        throttled: not_implemented(),
        throttled_seen: not_implemented(),
        frequency_capped: not_implemented(),
        frequency_capped_seen: not_implemented(),
    }
    .into())
}

/// `get_throttled` of the firmware's platform device, whose path differs from board to board.
fn throttled(host: &Host) -> Option<Reading<u32>> {
    let names = host.list(PLATFORM).ok()?;
    let boards = names.iter().filter(|name| name.starts_with("soc"));
    let path =
        boards.map(|name| format!("{PLATFORM}/{name}/{name}:firmware/get_throttled")).find(|path| host.exists(path))?;
    Some(host.text(&path).and_then(|text| flags(&text)))
}

fn flags(text: &str) -> Reading<u32> {
    let digits = text.trim().trim_start_matches("0x");
    u32::from_str_radix(digits, 16).map_err(|_| Unknown::error("get_throttled holds no flags"))
}

/// Bits of the firmware's throttled state (documentation of vcgencmd get_throttled).
fn from_flags(flags: u32) -> Power {
    let bit = |number: u32| Ok(flags & (1 << number) != 0);
    PowerReading {
        undervoltage: bit(0),
        undervoltage_seen: bit(16),
        throttled: bit(2),
        throttled_seen: bit(18),
        frequency_capped: bit(1),
        frequency_capped_seen: bit(17),
    }
    .into()
}

/// The alarm of the chip `rpi_volt` (Documentation/hwmon/raspberrypi-hwmon.rst).
fn alarm(host: &Host) -> Reading<bool> {
    let chips = host.list("/sys/class/hwmon")?;
    let chip = chips
        .iter()
        .find(|chip| host.text(&format!("/sys/class/hwmon/{chip}/name")).is_ok_and(|name| name == "rpi_volt"));
    let chip = chip.ok_or_else(|| Unknown::absent("the kernel shows neither get_throttled nor rpi_volt"))?;
    host.text(&format!("/sys/class/hwmon/{chip}/in0_lcrit_alarm")).map(|alarm| alarm != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_hexadecimal() {
        let power = from_flags(flags("50005\n").unwrap());
        assert_eq!((power.undervoltage, power.undervoltage_seen), (Some(true), Some(true)));
        assert_eq!((power.throttled, power.frequency_capped), (Some(true), Some(false)));
        assert_eq!(flags("0x0"), Ok(0));
        assert!(flags("").is_err() && flags("zz").is_err());
    }
}
