//! From what a configuration names to the PCI addresses of display devices, by sysfs.

use super::super::ground::Ground;

const PCI: &str = "/sys/bus/pci/devices";

/// The full addresses that `address` means: domain 0000 where none is given, every function where none is given.
pub(super) fn functions(ground: &Ground, address: &str) -> Vec<String> {
    let Some(address) = full(address) else { return Vec::new() };
    if address.contains('.') {
        return vec![address];
    }
    let names = ground.list(PCI).unwrap_or_default();
    names.into_iter().filter(|name| name.strip_prefix(&address).is_some_and(|rest| rest.starts_with('.'))).collect()
}

/// `DOMAIN:BUS:SLOT` with or without `.FUNCTION`, in small letters; `None` where it is no address.
fn full(address: &str) -> Option<String> {
    let address = address.trim().to_lowercase();
    let parts: Vec<&str> = address.split(':').collect();
    let (domain, bus, slot) = match parts[..] {
        [bus, slot] => ("0000", bus, slot),
        [domain, bus, slot] => (domain, bus, slot),
        _ => return None,
    };
    let (device, function) = slot.split_once('.').map_or((slot, None), |(device, function)| (device, Some(function)));
    let number =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let valid = number(domain, 8) && number(bus, 2) && number(device, 2) && function.is_none_or(|text| number(text, 1));
    valid.then(|| {
        let function = function.map(|function| format!(".{function}")).unwrap_or_default();
        format!("{domain:0>4}:{bus:0>2}:{device:0>2}{function}")
    })
}

/// Whether the device at `address` is of PCI base class 03, display controller.
pub(super) fn is_display(ground: &Ground, address: &str) -> bool {
    ground.text(&format!("{PCI}/{address}/class")).is_ok_and(|class| class.starts_with("0x03"))
}

/// The PCI devices behind a node in /dev/dri, or behind all of them where `path` is a folder that holds it.
pub(super) fn behind(ground: &Ground, path: &str) -> Vec<String> {
    let path = path.trim_end_matches('/');
    let named = path.strip_prefix("/dev/dri/").filter(|name| !name.contains('/')).map(str::to_string);
    let names = match (named, path) {
        (Some(name), _) => vec![name],
        (None, "/dev/dri" | "/dev") => ground.list("/sys/class/drm").unwrap_or_default(),
        (None, _) => Vec::new(),
    };
    let nodes = names.iter().filter(|name| name.starts_with("renderD") || name.starts_with("card"));
    nodes.filter_map(|name| address_in(&ground.link(&format!("/sys/class/drm/{name}")).ok()?)).collect()
}

/// The PCI address in `…/0000:00:02.0/drm/renderD128`.
fn address_in(link: &str) -> Option<String> {
    let mut parts = link.rsplit('/').skip(1);
    let (folder, device) = (parts.next()?, parts.next()?);
    (folder == "drm").then(|| full(device)).flatten().filter(|address| address.contains('.'))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::{super::super::ground::tests::machine, *};

    #[test]
    fn short_addresses_mean_every_function() {
        let (_folder, ground) = machine(&[
            ("/sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n"),
            ("/sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n"),
            ("/sys/bus/pci/devices/0000:01:00.10/class", "0x040300\n"),
        ]);
        assert_eq!(functions(&ground, "01:00").len(), 3);
        assert_eq!(functions(&ground, "01:00.0"), ["0000:01:00.0"]);
        assert_eq!(functions(&ground, "0000:01:00.1"), ["0000:01:00.1"]);
        assert!(functions(&ground, "../etc").is_empty());
        assert!(is_display(&ground, "0000:01:00.0") && !is_display(&ground, "0000:01:00.1"));
    }

    #[test]
    fn a_node_leads_to_its_device() {
        let (_folder, ground) = machine(&[("/sys/class/drm/version", "drm 1.1.0")]);
        let gpu = "../../devices/pci0000:00/0000:00:02.0/drm";
        for name in ["card1", "renderD128"] {
            symlink(format!("{gpu}/{name}"), ground.place(&format!("/sys/class/drm/{name}"))).unwrap();
        }
        let connector = format!("{gpu}/card1/card1-HDMI-A-1");
        symlink(connector, ground.place("/sys/class/drm/card1-HDMI-A-1")).unwrap();
        symlink("../../devices/platform/v3d/drm/card2", ground.place("/sys/class/drm/card2")).unwrap();
        assert_eq!(behind(&ground, "/dev/dri/renderD128"), ["0000:00:02.0"]);
        assert_eq!(behind(&ground, "/dev/dri"), ["0000:00:02.0", "0000:00:02.0"]);
        assert!(behind(&ground, "/dev/dri/../../etc").is_empty());
        assert!(behind(&ground, "/dev/kvm").is_empty());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in ".*") {
            let _ = (full(&text), address_in(&text));
        }

        #[test]
        fn what_is_full_stays_so(text in "[0-9a-f:.]{0,14}") {
            if let Some(address) = full(&text) {
                prop_assert_eq!(full(&address), Some(address.clone()));
            }
        }
    }
}
