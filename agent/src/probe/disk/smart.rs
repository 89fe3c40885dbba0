//! SMART verdicts that somebody else has already fetched: smartd's state files and emhttp's copies of smartctl. No disk
//! is ever asked, so none wakes.

use std::collections::BTreeMap;

use coord_model::{Reading, Unknown, ValueState};

use super::nvme;
use crate::host::Host;

mod smartctl;
mod smartd;

pub(super) use smartctl::{Copy, warnings};

/// Where smartd keeps its state (smartd(8), option `-s`; the usual place of distributions).
const SMARTD: &str = "/var/lib/smartmontools";
/// Where Unraid's emhttp keeps what smartctl last said, a file a slot or a device.
const EMHTTP: &str = "/var/local/emhttp/smart";
/// Which slot a device stands in.
const SLOTS: &str = "/var/local/emhttp/disks.ini";
/// What installs the daemon whose cache is read.
const INSTALL: &str = "nobody keeps its SMART verdict; on the machine that owns the disk: apt install smartmontools";

/// What the caches hold, listed once for all disks.
pub(super) struct Caches {
    smartd: Reading<Vec<String>>,
    emhttp: Vec<String>,
    /// Unraid's slots by device.
    slots: BTreeMap<String, String>,
}

impl Caches {
    /// Lists them.
    pub(super) fn list(host: &Host) -> Self {
        let emhttp = host.list(EMHTTP).unwrap_or_default();
        let slots = if emhttp.is_empty() { String::new() } else { host.text(SLOTS).unwrap_or_default() };
        Self { smartd: host.list(SMARTD), emhttp, slots: slots_by_device(&slots) }
    }

    /// The verdict about `disk`, or why there is none.
    pub(super) fn verdict(&self, host: &Host, disk: &str, model: Option<&str>, copy: Option<&Copy>) -> Reading<String> {
        if disk.starts_with("mmcblk") {
            return Err(Unknown::not_applicable("SD cards and eMMCs have no SMART"));
        }
        if is_virtual(disk, model) {
            return Err(Unknown::not_applicable("a virtual disk has no SMART of its own"));
        }
        if let Some(copy) = copy {
            return copy.verdict();
        }
        let names = match &self.smartd {
            Ok(names) => names,
            Err(reason) if reason.state == ValueState::Absent => return Err(Unknown::absent(INSTALL)),
            Err(reason) => return Err(reason.clone()),
        };
        let serial = serial(host, disk)?;
        let Some(name) = smartd::state_file(names, &serial) else {
            return Err(Unknown::absent(format!("smartd keeps no state of {disk}: see /etc/smartd.conf")));
        };
        smartd::verdict(&host.text(&format!("{SMARTD}/{name}"))?)
    }

    /// What emhttp last heard from smartctl about `disk`.
    pub(super) fn copy(&self, host: &Host, disk: &str) -> Option<Copy> {
        let names = [self.slots.get(disk).map(String::as_str), Some(disk), nvme::controller(disk)];
        let name = names.into_iter().flatten().find(|name| self.emhttp.iter().any(|file| file == name))?;
        Some(Copy::parse(&host.text(&format!("{EMHTTP}/{name}")).ok()?))
    }
}

/// A disk that another machine makes up.
fn is_virtual(disk: &str, model: Option<&str>) -> bool {
    let makers = ["QEMU", "VBOX", "Virtual", "VMware"];
    ["vd", "xvd", "nbd", "rbd"].iter().any(|prefix| disk.starts_with(prefix))
        || model.is_some_and(|model| makers.iter().any(|maker| model.contains(maker)))
}

/// The serial number, from what the kernel read when it found the disk.
fn serial(host: &Host, disk: &str) -> Reading<String> {
    let text = match nvme::controller(disk) {
        Some(controller) => host.text(&format!("/sys/class/nvme/{controller}/serial"))?,
        // Page 0x80 of a SCSI or SATA disk: four bytes, then the number (SPC-6, unit serial number VPD page).
        None => {
            let page = host.read(&format!("/sys/block/{disk}/device/vpd_pg80"))?;
            String::from_utf8_lossy(page.get(4..).unwrap_or_default()).into_owned()
        }
    };
    let text = text.trim_matches(|letter: char| letter == '\0' || letter.is_whitespace());
    if text.len() < 4 { Err(Unknown::absent("the disk has no serial number")) } else { Ok(text.to_string()) }
}

/// `["disk1"]` and, in it, `device="sdc"`.
fn slots_by_device(text: &str) -> BTreeMap<String, String> {
    let mut slots = BTreeMap::new();
    let mut slot = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("[\"").and_then(|rest| rest.strip_suffix("\"]")) {
            slot = Some(name);
        } else if let (Some(slot), Some(value)) = (slot, line.strip_prefix("device=\"")) {
            slots.insert(value.trim_end_matches('"').to_string(), slot.to_string());
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fixture::recorded;

    fn verdict(files: &[(&str, &[u8])], disk: &str) -> Reading<String> {
        let host = recorded(files);
        let caches = Caches::list(&host);
        let copy = caches.copy(&host, disk);
        caches.verdict(&host, disk, None, copy.as_ref())
    }

    #[test]
    fn smartd_is_found_by_serial_number() {
        let files: [(&str, &[u8]); 4] = [
            ("sys/block/sda/device/vpd_pg80", b"\0\x80\0\x14     WD-WCC4E1234567"),
            ("sys/class/nvme/nvme0/serial", b"S5GXNF0R123456      \n"),
            ("var/lib/smartmontools/smartd.WDC_WD40EFRX_68N32N0-WD_WCC4E1234567.ata.state", b"mail.1.count = 1\n"),
            (
                "var/lib/smartmontools/smartd.Samsung_SSD_980-S5GXNF0R123456-n1.nvme.state",
                b"scheduled-test-next-check = 1\n",
            ),
        ];
        assert!(verdict(&files, "sda").unwrap().starts_with("failing"));
        assert!(verdict(&files, "nvme0n1").unwrap().starts_with("passed"));
        assert_eq!(verdict(&files, "sdb").unwrap_err().state, ValueState::Absent);
    }

    #[test]
    fn without_a_cache_the_line_that_makes_one_is_told() {
        let reason = verdict(&[("sys/class/nvme/nvme0/serial", b"S5GXNF0R123456")], "nvme0n1").unwrap_err();
        assert!(reason.message.ends_with("apt install smartmontools"), "{}", reason.message);
        assert_eq!(verdict(&[], "vda").unwrap_err().state, ValueState::NotApplicable);
        assert_eq!(verdict(&[], "mmcblk0").unwrap_err().state, ValueState::NotApplicable);
    }

    #[test]
    fn unraid_keeps_a_file_a_slot_or_a_device() {
        let passed = b"SMART overall-health self-assessment test result: PASSED\n";
        let files: [(&str, &[u8]); 3] = [
            ("var/local/emhttp/disks.ini", b"[\"parity\"]\nidx=\"0\"\ndevice=\"sdb\"\n[\"disk1\"]\ndevice=\"sdc\"\n"),
            ("var/local/emhttp/smart/parity", passed),
            ("var/local/emhttp/smart/sdd", b"SMART overall-health self-assessment test result: FAILED!\n"),
        ];
        assert_eq!(verdict(&files, "sdb"), Ok("passed".to_string()));
        assert!(verdict(&files, "sdd").unwrap().starts_with("failing"));
        assert_eq!(verdict(&files, "sdc").unwrap_err().state, ValueState::Absent);
    }

    #[test]
    fn broken_tables_of_slots_are_empty() {
        for text in ["", "[\"", "device=\"sda\"", "[\"x\"]", "\u{0}[]="] {
            assert!(slots_by_device(text).is_empty(), "{text:?}");
        }
    }
}
