//! The power supply of a Raspberry Pi, as its firmware sees it.

use coord_model::{
    Reading, Unknown, ValueState,
    section::{Power, PowerReading},
};

use crate::host::Host;

const PLATFORM: &str = "/sys/devices/platform";

/// The alarm of hwmon says what is now; what was since boot, and throttling, only the firmware's flags say. On Raspberry
/// Pi's own kernels reading them leaves a warning with a stack trace in the kernel's log, so where there is an alarm
/// they are left to the helper.
pub(super) fn power(host: &Host) -> Reading<Power> {
    let model = host.text("/proc/device-tree/model").unwrap_or_default();
    if !model.starts_with("Raspberry Pi") {
        return Err(Unknown::not_applicable("not a Raspberry Pi"));
    }
    let of_helper = || host.root_fact(|answers| &answers.throttled);
    match alarm(host) {
        Some(alarm) => Ok(from_alarm(alarm, of_helper())),
        None => match throttled(host) {
            Err(unknown) if unknown.state == ValueState::Absent => of_helper().map(from_flags).map_err(|_| unknown),
            flags => flags.map(from_flags),
        },
    }
}

/// The alarm, and the flags where somebody could read them.
fn from_alarm(alarm: Reading<bool>, flags: Reading<u32>) -> Power {
    let mut power = flags.map_or_else(unknown_flags, reading_of_flags);
    if alarm.is_ok() || power.undervoltage.is_err() {
        power.undervoltage = alarm;
    }
    power.into()
}

fn unknown_flags(reason: Unknown) -> PowerReading {
    PowerReading {
        undervoltage: Err(reason.clone()),
        undervoltage_seen: Err(reason.clone()),
        throttled: Err(reason.clone()),
        throttled_seen: Err(reason.clone()),
        frequency_capped: Err(reason.clone()),
        frequency_capped_seen: Err(reason),
    }
}

/// `get_throttled` of the firmware's platform device, whose path differs from board to board.
fn throttled(host: &Host) -> Reading<u32> {
    let names = host.list(PLATFORM)?;
    let boards = names.iter().filter(|name| name.starts_with("soc"));
    let mut paths = boards.map(|name| format!("{PLATFORM}/{name}/{name}:firmware/get_throttled"));
    let path = paths.find(|path| host.exists(path));
    let path = path.ok_or_else(|| Unknown::absent("the kernel shows neither rpi_volt nor get_throttled"))?;
    flags(&host.text(&path)?)
}

fn flags(text: &str) -> Reading<u32> {
    let digits = text.trim().trim_start_matches("0x");
    u32::from_str_radix(digits, 16).map_err(|_| Unknown::error("get_throttled holds no flags"))
}

fn from_flags(flags: u32) -> Power {
    reading_of_flags(flags).into()
}

/// Bits of the firmware's throttled state (documentation of vcgencmd get_throttled).
fn reading_of_flags(flags: u32) -> PowerReading {
    let bit = |number: u32| Ok(flags & (1 << number) != 0);
    PowerReading {
        undervoltage: bit(0),
        undervoltage_seen: bit(16),
        throttled: bit(2),
        throttled_seen: bit(18),
        frequency_capped: bit(1),
        frequency_capped_seen: bit(17),
    }
}

/// The alarm of the chip `rpi_volt` (Documentation/hwmon/raspberrypi-hwmon.rst).
fn alarm(host: &Host) -> Option<Reading<bool>> {
    let chips = host.list("/sys/class/hwmon").ok()?;
    let chip = chips
        .iter()
        .find(|chip| host.text(&format!("/sys/class/hwmon/{chip}/name")).is_ok_and(|name| name == "rpi_volt"))?;
    Some(host.text(&format!("/sys/class/hwmon/{chip}/in0_lcrit_alarm")).map(|alarm| alarm != "0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fixture::recorded;

    #[test]
    fn flags_are_hexadecimal() {
        let power = from_flags(flags("50005\n").unwrap());
        assert_eq!((power.undervoltage, power.undervoltage_seen), (Some(true), Some(true)));
        assert_eq!((power.throttled, power.frequency_capped), (Some(true), Some(false)));
        assert_eq!(flags("0x0"), Ok(0));
        assert!(flags("").is_err() && flags("zz").is_err());
    }

    /// A Raspberry Pi with these files besides its model.
    fn pi(files: &[(&str, &str)]) -> Reading<Power> {
        let model = ("proc/device-tree/model", "Raspberry Pi 4 Model B\0");
        power(&recorded(&[&[model], files].concat()))
    }

    #[test]
    fn the_alarm_comes_before_the_flags() {
        let name = ("sys/class/hwmon/hwmon1/name", "rpi_volt\n");
        let alarm = ("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");
        let flags = ("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n");
        let both = pi(&[name, alarm, flags]).unwrap();
        assert_eq!((both.undervoltage, both.throttled), (Some(true), None));
        let only_flags = pi(&[("sys/class/hwmon/hwmon0/name", "cpu_thermal\n"), flags]).unwrap();
        assert_eq!((only_flags.undervoltage, only_flags.throttled), (Some(false), Some(false)));
        assert_eq!(pi(&[]).unwrap_err().state, ValueState::Absent);
        assert_eq!(pi(&[name]).unwrap().unknown["undervoltage"].state, ValueState::Absent);
        assert_eq!(both.unknown["throttledSeen"].state, ValueState::Denied);
    }

    #[test]
    fn the_helper_completes_the_alarm() {
        let power = from_alarm(Ok(false), Ok(0x5_0005));
        assert_eq!((power.undervoltage, power.undervoltage_seen), (Some(false), Some(true)));
        let power = from_alarm(Err(Unknown::absent("x")), Ok(1));
        assert_eq!(power.undervoltage, Some(true));
    }
}
