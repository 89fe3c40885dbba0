//! Serial devices on USB: which sticks are there, by what they call themselves.
//!
//! Found through the tty class, since `/dev/serial/by-id` is udev's work and missing in containers.

use coord_model::{
    Reading, Section, Unknown, ValueState,
    section::{SerialDevice, SerialDeviceReading, Usb, UsbReading},
};

mod candidate;

use crate::host::Host;

const FOLDER: &str = "/sys/class/tty";

/// Lists the serial devices with their USB identity.
pub(crate) fn probe(host: &Host) -> Section<Usb> {
    let serial = |name: &&String| name.starts_with("ttyUSB") || name.starts_with("ttyACM");
    let devices = |names: Vec<String>| names.iter().filter(serial).map(|name| device(host, name)).collect();
    Section::read(FOLDER, UsbReading { serial_devices: host.list(FOLDER).map(devices) }.into())
}

fn device(host: &Host, tty: &str) -> SerialDevice {
    let folder = usb_folder(host, tty);
    let file = |name: &str| -> Reading<String> {
        let text = host.text(&format!("{}/{name}", folder.as_ref().map_err(Clone::clone)?))?;
        if text.is_empty() { Err(Unknown::absent(format!("its {name} is empty"))) } else { Ok(text) }
    };
    let (vendor_id, product_id, product) = (file("idVendor"), file("idProduct"), file("product"));
    let candidate = candidate::of(product.as_deref().ok(), vendor_id.as_deref().ok(), product_id.as_deref().ok());
    SerialDeviceReading {
        tty: Ok(tty.to_string()),
        manufacturer: file("manufacturer"),
        serial_number: file("serial"),
        product,
        vendor_id,
        product_id,
        candidate,
        present: present(host, tty),
        busy: busy(host, tty),
    }
    .into()
}

/// The folder of the USB device: the nearest one above the tty's own that says who made it.
fn usb_folder(host: &Host, tty: &str) -> Reading<String> {
    let mut folder = host.real(&format!("{FOLDER}/{tty}/device"))?;
    while let Some((above, _)) = folder.rsplit_once('/') {
        if above.is_empty() || above == "/sys/devices" {
            break;
        }
        if host.exists(&format!("{folder}/idVendor")) {
            return Ok(folder);
        }
        folder = above.to_string();
    }
    Err(Unknown::absent(format!("no USB device above {tty}")))
}

/// Whether this machine, or container, was given the node.
fn present(host: &Host, tty: &str) -> Reading<bool> {
    match host.node(&format!("/dev/{tty}")) {
        Ok(_) => Ok(true),
        Err(Unknown { state: ValueState::Absent, .. }) => Ok(false),
        Err(reason) => Err(reason),
    }
}

/// Whether a program holds the node open: two programs on one stick lose both their devices. Seen from the host also
/// for a program in a container, since its processes are the host's too.
fn busy(host: &Host, tty: &str) -> Reading<bool> {
    let open = host.root_fact(|answers| &answers.open_devices)?;
    Ok(open.get(&format!("/dev/{tty}")).is_some_and(|programs| !programs.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use coord_model::Facts;

    use super::*;

    /// A stick whose tty lies `below` the USB device's folder.
    fn stick(below: &str, product: &[u8]) -> SerialDevice {
        answered(below, product, "{\"schema\": 1}")
    }

    fn answered(below: &str, product: &[u8], answers: &str) -> SerialDevice {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let device = root.join("sys/devices/pci0000:00/usb1/1-1");
        fs::create_dir_all(device.join(below)).unwrap();
        fs::write(device.join("idVendor"), "1cf1\n").unwrap();
        fs::write(device.join("product"), product).unwrap();
        fs::create_dir_all(root.join("sys/class/tty/ttyACM0")).unwrap();
        symlink(format!("/sys/devices/pci0000:00/usb1/1-1/{below}"), root.join("sys/class/tty/ttyACM0/device"))
            .unwrap();
        fs::write(folder.path().join("answers.json"), answers).unwrap();
        let host = Host::recorded(folder.path()).unwrap();
        probe(&host).facts.unwrap().serial_devices.unwrap().remove(0)
    }

    #[test]
    fn the_usb_device_is_found_above_either_kind_of_tty() {
        for below in ["1-1:1.0", "1-1:1.0/ttyACM0"] {
            let found = stick(below, b"ConBee II\n");
            assert_eq!(found.candidate.as_deref(), Some("zigbee"), "{below}");
            assert!(found.unexplained().is_empty());
        }
    }

    #[test]
    fn a_stick_is_busy_while_a_program_has_it_open() {
        let open = |programs: &str| {
            let answers =
                format!("{{\"schema\": 1, \"helper\": {{\"openDevices\": {{\"/dev/ttyACM0\": {programs}}}}}}}");
            answered("1-1:1.0", b"ConBee II", &answers).busy
        };
        assert_eq!((open("[\"zigbee2mqtt\"]"), open("[]")), (Some(true), Some(false)));
        assert_eq!(stick("1-1:1.0", b"ConBee II").unknown["busy"].state, ValueState::Denied);
    }

    #[test]
    fn a_stick_is_the_same_one_behind_another_hub() {
        let direct = stick("1-1:1.0", b"ConBee II");
        let moved = stick("1-1.4/1-1.4:1.0/ttyACM0", b"ConBee II");
        let identity = |stick: &SerialDevice| (stick.candidate.clone(), stick.product.clone(), stick.vendor_id.clone());
        assert_eq!(identity(&direct), identity(&moved));
    }

    #[test]
    fn a_product_that_is_not_text_costs_itself() {
        let found = stick("1-1:1.0", b"\xff\xfe\x00");
        assert_eq!(found.unknown["product"].state, ValueState::Error);
        assert_eq!(found.vendor_id.as_deref(), Some("1cf1"));
    }
}
