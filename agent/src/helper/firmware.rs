//! Lane `firmware`: what the board's firmware says to root only.

use coord_model::{Reading, Unknown};

use super::ground::Ground;

const UUID: &str = "/sys/class/dmi/id/product_uuid";
const PLATFORM: &str = "/sys/devices/platform";

/// The DMI UUID, and the power flags of a Raspberry Pi.
pub(super) fn read(ground: &Ground) -> (Reading<String>, Reading<u32>) {
    (ground.text(UUID).map(|text| text.to_lowercase()), throttled(ground))
}

/// `get_throttled` of the firmware's platform device (drivers/firmware/raspberrypi.c of Raspberry Pi's kernel); its
/// path differs from board to board. The mailbox, which every kernel has, takes an ioctl of its own and is not asked.
fn throttled(ground: &Ground) -> Reading<u32> {
    let model = ground.text("/proc/device-tree/model").unwrap_or_default();
    if !model.starts_with("Raspberry Pi") {
        return Err(Unknown::not_applicable("not a Raspberry Pi"));
    }
    let names = ground.list(PLATFORM)?;
    let boards = names.iter().filter(|name| name.starts_with("soc"));
    let mut paths = boards.map(|name| format!("{PLATFORM}/{name}/{name}:firmware/get_throttled"));
    let path = paths.find(|path| ground.exists(path));
    flags(&ground.text(&path.ok_or_else(|| Unknown::absent("this kernel has no get_throttled"))?)?)
}

/// Hexadecimal, with or without `0x`.
fn flags(text: &str) -> Reading<u32> {
    let digits = text.trim().trim_start_matches("0x");
    u32::from_str_radix(digits, 16).map_err(|_| Unknown::error("get_throttled holds no flags"))
}

#[cfg(test)]
mod tests {
    use coord_model::ValueState;
    use proptest::prelude::*;

    use super::{super::ground::tests::machine, *};

    #[test]
    fn a_raspberry_pi_has_flags_and_no_uuid() {
        let flags = "/sys/devices/platform/soc/soc:firmware/get_throttled";
        let (_folder, pi) =
            machine(&[("/proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0"), (flags, "50005\n")]);
        let (uuid, throttled) = read(&pi);
        assert_eq!((uuid.unwrap_err().state, throttled), (ValueState::Absent, Ok(0x50005)));
        let (_folder, pi) = machine(&[("/proc/device-tree/model", "Raspberry Pi 5\0"), (PLATFORM, "")]);
        assert!(read(&pi).1.is_err());
    }

    #[test]
    fn a_board_with_dmi_has_a_uuid_and_no_flags() {
        let (_folder, board) = machine(&[(UUID, "4C4C4544-0038-5A10-8052-B7C04F4D5933\n")]);
        let (uuid, throttled) = read(&board);
        assert_eq!(uuid, Ok("4c4c4544-0038-5a10-8052-b7c04f4d5933".to_string()));
        assert_eq!(throttled.unwrap_err().state, ValueState::NotApplicable);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_flags(text in ".*") {
            let _ = flags(&text);
        }
    }
}
