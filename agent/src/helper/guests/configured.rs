//! What a guest's configuration says of it, whichever hypervisor wrote it.

use std::collections::BTreeSet;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Configured {
    pub(super) name: Option<String>,
    /// In small letters.
    pub(super) uuid: Option<String>,
    /// In small letters.
    pub(super) macs: BTreeSet<String>,
    pub(super) passed: Vec<Passed>,
}

/// A device that was passed through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// By PCI address, with or without domain and function.
    Pci(String),
    /// By the name of a mapping of the Proxmox cluster.
    Mapping(String),
    /// By its node below /dev, or a folder of nodes.
    Node(String),
}

/// The most of anything in one configuration.
const MOST: usize = 64;

impl Configured {
    /// Keeps a hardware address, if it is one.
    pub(super) fn mac(&mut self, text: &str) {
        let parts: Vec<&str> = text.split(':').collect();
        let octet = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        if parts.len() == 6 && parts.iter().all(octet) && self.macs.len() < MOST {
            self.macs.insert(text.to_lowercase());
        }
    }

    /// Keeps a UUID, if it is one.
    pub(super) fn uuid(&mut self, text: &str) {
        let lengths = text.split('-').map(str::len);
        let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if hexadecimal && lengths.eq([8, 4, 4, 4, 12]) {
            self.uuid = Some(text.to_lowercase());
        }
    }

    /// Keeps a name.
    pub(super) fn name(&mut self, text: &str) {
        self.name = Some(coord_model::clean(text)).filter(|name| !name.is_empty());
    }

    /// Keeps a device.
    pub(super) fn pass(&mut self, passed: Passed) {
        if self.passed.len() < MOST {
            self.passed.push(passed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_form_is_kept() {
        let mut told = Configured::default();
        for text in ["BC:24:11:5C:92:0C", "BC:24:11:5C:92", "zz:24:11:5c:92:0c", ""] {
            told.mac(text);
        }
        assert_eq!(told.macs, BTreeSet::from(["bc:24:11:5c:92:0c".to_string()]));
        told.uuid("6F0A1C52-9A3E-4F7E-8F0D-1D5B0F2C1101");
        told.uuid("not-one");
        assert_eq!(told.uuid.as_deref(), Some("6f0a1c52-9a3e-4f7e-8f0d-1d5b0f2c1101"));
    }
}
