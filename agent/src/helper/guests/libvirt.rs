//! Guests of libvirt, which Unraid uses too: `/etc/libvirt/qemu/NAME.xml` (libvirt.org, domain XML format).

use coord_model::{
    Reading, Unknown, ValueState,
    section::{Guest, PlatformKind},
};
use roxmltree::{Document, Node};

use super::{
    configured::{Configured, Passed},
    guest, stems, unread,
};
use crate::helper::ground::Ground;

pub(super) const FOLDER: &str = "/etc/libvirt/qemu";

/// Every machine, by name of its file.
pub(super) fn guests(ground: &Ground) -> Reading<Vec<Guest>> {
    let mut guests = Vec::new();
    for stem in stems(ground, FOLDER, ".xml")?.into_iter().take(super::MOST) {
        let path = format!("{FOLDER}/{stem}.xml");
        let running = ground.machine_lives(&format!("/run/libvirt/qemu/{stem}.pid"));
        let no_machine = || Unknown::error(format!("{path} is no machine's configuration"));
        match ground.text(&path).and_then(|text| parse(&text).ok_or_else(no_machine)) {
            Ok(told) => {
                let identifier = told.uuid.clone().unwrap_or_else(|| stem.clone());
                guests.push(guest(ground, PlatformKind::Vm, &identifier, running, told));
            }
            // It was removed meanwhile.
            Err(reason) if reason.state == ValueState::Absent => {}
            Err(reason) => guests.push(unread(PlatformKind::Vm, &stem, running, &reason)),
        }
    }
    Ok(guests)
}

/// What a domain says; `None` where this is none. A document with its own entities is refused.
fn parse(text: &str) -> Option<Configured> {
    let document = Document::parse(text).ok()?;
    let domain = document.root_element();
    if !domain.has_tag_name("domain") {
        return None;
    }
    let mut told = Configured::default();
    let text_of = |name| child(domain, name).and_then(|node| node.text()).unwrap_or_default().trim();
    told.name(text_of("name"));
    told.uuid(text_of("uuid"));
    for device in child(domain, "devices").iter().flat_map(Node::children) {
        match device.tag_name().name() {
            "interface" => told.mac(child(device, "mac").and_then(|mac| mac.attribute("address")).unwrap_or_default()),
            "hostdev" if device.attribute("type") == Some("pci") => {
                let address = child(device, "source").and_then(|source| child(source, "address"));
                if let Some(address) = address.and_then(pci_address) {
                    told.pass(Passed::Pci(address));
                }
            }
            _ => {}
        }
    }
    Some(told)
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

/// `domain='0x0000' bus='0x01' slot='0x00' function='0x0'`.
fn pci_address(address: Node<'_, '_>) -> Option<String> {
    let number = |name| {
        let text = address.attribute(name)?;
        u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
    };
    let (domain, bus, slot) = (number("domain").unwrap_or(0), number("bus")?, number("slot")?);
    Some(format!("{domain:04x}:{bus:02x}:{slot:02x}.{:x}", number("function").unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::super::ground::tests::machine, *};

    const DOMAIN: &str = "<?xml version='1.0' encoding='UTF-8'?>\n<!-- WARNING: do not edit -->\n<domain type='kvm'>\n\
        <name>k3s-cp2</name><uuid>C4A2F7D0-5E61-4C1B-9A77-3D2E1F0A2101</uuid>\
        <devices><interface type='bridge'><mac address='52:54:00:4F:A2:15'/></interface>\
        <hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>\
        <address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/></hostdev>\
        <hostdev mode='subsystem' type='usb'><source><vendor id='0x10c4'/></source></hostdev></devices></domain>\n";

    #[test]
    fn a_machine_of_libvirt_is_told_with_its_gpu() {
        let (_folder, ground) = machine(&[
            ("/etc/libvirt/qemu/k3s-cp2.xml", DOMAIN),
            ("/etc/libvirt/qemu/networks/default.xml", "<network/>"),
            ("/run/libvirt/qemu/k3s-cp2.pid", "88"),
            ("/sys/bus/pci/devices/0000:01:00.0/class", "0x030000"),
        ]);
        let guests = super::super::read(&ground).unwrap();
        assert_eq!(guests.len(), 1);
        let uuid = Some("c4a2f7d0-5e61-4c1b-9a77-3d2e1f0a2101");
        assert_eq!((guests[0].name.as_deref(), guests[0].uuid.as_deref()), (Some("k3s-cp2"), uuid));
        assert_eq!(guests[0].identifier.as_deref(), uuid);
        assert_eq!(guests[0].running, Some(false), "its process is gone");
        assert_eq!(guests[0].macs.as_deref(), Some(&["52:54:00:4f:a2:15".to_string()][..]));
        assert_eq!(guests[0].gpus.as_deref(), Some(&["0000:01:00.0".to_string()][..]));
    }

    #[test]
    fn what_is_no_machine_costs_its_own_row() {
        let bomb = "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><domain><name>&b;</name></domain>";
        for text in ["", "<network/>", "<domain>", bomb] {
            let files = [("/etc/libvirt/qemu/x.xml", text), ("/etc/libvirt/qemu/k3s-cp2.xml", DOMAIN)];
            let (_folder, ground) = machine(&files);
            let guests = super::super::read(&ground).unwrap();
            let [whole, broken] = &guests[..] else { panic!("{guests:?}") };
            assert_eq!((whole.name.as_deref(), broken.identifier.as_deref()), (Some("k3s-cp2"), Some("x")));
            assert_eq!(broken.running, Some(false));
            for field in ["name", "uuid", "macs", "gpus"] {
                assert_eq!(broken.unknown[field].state, ValueState::Error, "{text} {field}");
            }
        }
    }

    #[test]
    fn a_document_as_deep_as_a_file_may_be_is_no_end() {
        let depth = 85_000;
        assert!(parse(&"<a>".repeat(depth)).is_none());
        assert!(parse(&format!("{}{}", "<a>".repeat(depth / 3), "</a>".repeat(depth / 3))).is_none());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(?s).*") {
            let _ = parse(&text);
        }

        #[test]
        fn no_address_breaks_it(value in "[^<&'\"]{0,20}") {
            let text = format!("<domain><devices><hostdev type='pci'><source><address bus='{value}' slot='0x1'/></source></hostdev></devices></domain>");
            let _ = parse(&text);
        }
    }
}
