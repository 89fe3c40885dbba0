//! Whole disks in /sys/block (Documentation/ABI/stable/sysfs-block).

use std::collections::BTreeSet;

use coord_model::{
    Reading, Unknown, ValueState,
    section::{BlockDevice, BlockDeviceReading},
};

use super::{array, nvme, smart};
use crate::{
    host::{Host, KernelLog},
    probe::mounts::table::Row,
};

/// Block devices that are no disks.
const NOT_DISKS: [&str; 8] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "zd"];
/// A thin volume on LVM on LUKS on a partition has five.
const MOST_LAYERS: u32 = 6;
/// sysfs counts in sectors of 512 bytes whatever the disk uses.
const SECTOR: u64 = 512;

/// All whole disks and software arrays, ordered by name; none in a container that hides them.
pub(super) fn devices(host: &Host, log: &Reading<KernelLog>) -> Reading<Vec<BlockDevice>> {
    let names = host.list("/sys/block")?;
    let caches = smart::Caches::list(host);
    let rows = names.iter().filter_map(|name| {
        let whole = !NOT_DISKS.iter().any(|prefix| name.starts_with(prefix));
        match (whole, array::is_array(host, name)) {
            (_, true) => Some(array::array(host, name)),
            (true, false) => Some(device(host, name, &caches, log)),
            (false, false) => None,
        }
    });
    Ok(rows.collect())
}

fn device(host: &Host, name: &str, caches: &smart::Caches, log: &Reading<KernelLog>) -> BlockDevice {
    let text = |part: &str| host.text(&format!("/sys/block/{name}/{part}"));
    let model = text("device/model").or_else(|_| text("device/name")).map(|model| model.trim().to_string());
    let copy = caches.copy(host, name);
    let no_array = || Unknown::not_applicable("no software array");
    BlockDeviceReading {
        name: Ok(name.to_string()),
        size_bytes: size(host, name),
        rotational: rotational(host, name),
        removable: flag(host, &format!("/sys/block/{name}/removable")),
        state: text("device/state"),
        written_bytes: text("stat").and_then(|stat| written(&stat)),
        life_used_percent: life(text("device/life_time"), copy.as_ref()),
        pre_end_of_life: text("device/pre_eol_info").map(|state| end_of_life(&state)),
        critical_warning: critical_warning(host, name, copy.as_ref()),
        smart: caches.verdict(host, name, model.as_deref().ok(), copy.as_ref()),
        model,
        io_errors: io_errors(host, name),
        kernel_errors: kernel_errors(name, log),
        degraded: Err(no_array()),
        mismatches: Err(no_array()),
    }
    .into()
}

/// What the kernel says now, else what a cache says of an NVMe.
fn critical_warning(host: &Host, name: &str, copy: Option<&smart::Copy>) -> Reading<String> {
    let now = nvme::critical_warning(host, name);
    let cached = copy.and_then(|copy| copy.critical).map(smart::warnings).filter(|warnings| !warnings.is_empty());
    match (now, cached) {
        (Err(_), Some(warnings)) => Ok(warnings.join(", ")),
        (now, _) => now,
    }
}

/// Of an eMMC by sysfs, of an NVMe by a cache.
fn life(estimates: Reading<String>, copy: Option<&smart::Copy>) -> Reading<u32> {
    match copy.and_then(|copy| copy.life_used) {
        Some(percent) => Ok(percent),
        None => life_used(&estimates?),
    }
}

/// Commands that failed, counted by the SCSI layer in hexadecimal; also those that only asked what the disk can do.
fn io_errors(host: &Host, name: &str) -> Reading<u64> {
    let path = format!("/sys/block/{name}/device/ioerr_cnt");
    match host.text(&path) {
        Ok(text) => {
            let digits = text.trim().trim_start_matches("0x");
            u64::from_str_radix(digits, 16).map_err(|_| Unknown::error(format!("{path} holds no hexadecimal number")))
        }
        Err(reason) if reason.state == ValueState::Absent && !name.starts_with("sd") => {
            Err(Unknown::not_applicable("only the SCSI layer counts them, for SATA and USB disks too"))
        }
        Err(reason) => Err(reason),
    }
}

/// Lines about this disk in the kernel's log; a log that was read and names it nowhere has none.
fn kernel_errors(name: &str, log: &Reading<KernelLog>) -> Reading<u64> {
    let log = log.as_ref().map_err(Clone::clone)?;
    Ok(log.io_errors_by_disk.get(name).copied().unwrap_or(0))
}

/// Its size in bytes.
pub(super) fn size(host: &Host, name: &str) -> Reading<u64> {
    number(host, &format!("/sys/block/{name}/size")).map(|sectors| sectors.saturating_mul(SECTOR))
}

/// Whether the disk turns.
pub(super) fn rotational(host: &Host, disk: &str) -> Reading<bool> {
    flag(host, &format!("/sys/block/{disk}/queue/rotational"))
}

/// The disk below a file system: of a partition its parent, of device-mapper the only one below, by however many ways.
pub(super) fn whole_disk(host: &Host, row: &Row) -> Reading<String> {
    if row.device_number.starts_with("0:") {
        return Err(Unknown::not_applicable(format!("{} spans disks of its own", row.kind)));
    }
    let real = host.real(&format!("/sys/dev/block/{}", row.device_number))?;
    below(host, &real, 0)
}

/// Follows `path` in sysfs down to a whole disk, through a few layers. A thin volume lies on the data and on the metadata
/// of its pool, which may lie on the same disk.
fn below(host: &Host, path: &str, depth: u32) -> Reading<String> {
    let unclear = || Unknown::error(format!("no single disk below {path}"));
    let (parent, name) = path.rsplit_once('/').ok_or_else(unclear)?;
    if host.exists(&format!("{path}/partition")) {
        return parent.rsplit('/').next().map(str::to_string).ok_or_else(unclear);
    }
    let slaves = host.list(&format!("{path}/slaves")).unwrap_or_default();
    match slaves.as_slice() {
        [] => Ok(name.to_string()),
        slaves if depth < MOST_LAYERS => {
            let disks =
                slaves.iter().map(|slave| below(host, &host.real(&format!("{path}/slaves/{slave}"))?, depth + 1));
            let disks = disks.collect::<Reading<BTreeSet<String>>>()?;
            disks.first().filter(|_| disks.len() == 1).cloned().ok_or_else(unclear)
        }
        _ => Err(unclear()),
    }
}

/// The number in a file of sysfs.
pub(super) fn number(host: &Host, path: &str) -> Reading<u64> {
    host.text(path)?.parse().map_err(|_| Unknown::error(format!("{path} holds no number")))
}

fn flag(host: &Host, path: &str) -> Reading<bool> {
    number(host, path).map(|number| number != 0)
}

/// The seventh field of `stat` is sectors written (Documentation/block/stat.rst).
pub(super) fn written(stat: &str) -> Reading<u64> {
    let field = stat.split_whitespace().nth(6).and_then(|field| field.parse::<u64>().ok());
    field.map(|sectors| sectors.saturating_mul(SECTOR)).ok_or_else(|| Unknown::error("stat holds no written sectors"))
}

/// eMMC 5.0: two hexadecimal estimates in steps of 10 %, the worse of which counts.
fn life_used(life: &str) -> Reading<u32> {
    let step = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let worst = life.split_whitespace().filter_map(step).max();
    match worst {
        Some(steps @ 1..=11) => Ok(steps * 10),
        Some(_) | None => Err(Unknown::absent("the card does not estimate its life")),
    }
}

fn end_of_life(state: &str) -> String {
    match state.trim() {
        "0x01" => "normal".to_string(),
        "0x02" => "warning: 80 % of the spare blocks are used".to_string(),
        "0x03" => "urgent: 90 % of the spare blocks are used".to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_sectors_are_bytes() {
        assert_eq!(written("  1 2 3 4 5 6 7 8 9 10 11"), Ok(7 * 512));
        assert!(written("").is_err());
        assert!(written("1 2 3 4 5 6 x").is_err());
        assert_eq!(written(&format!("1 2 3 4 5 6 {}", u64::MAX)), Ok(u64::MAX));
    }

    #[test]
    fn the_worse_estimate_of_an_emmc_counts() {
        assert_eq!(life_used("0x02 0x0a"), Ok(100));
        assert!(life_used("0x00 0x00").is_err());
        assert!(life_used("").is_err());
        assert!(life_used("0xff garbage").is_err());
    }

    #[test]
    fn errors_of_the_driver_are_hexadecimal() {
        let (folder, host) = host(&[]);
        let place = folder.path().join("root/sys/block/sda/device");
        std::fs::create_dir_all(&place).unwrap();
        for (text, expected) in [("0x1f\n", Some(31)), ("0x0", Some(0)), ("", None), ("zz", None), ("0x", None)] {
            std::fs::write(place.join("ioerr_cnt"), text).unwrap();
            assert_eq!(io_errors(&host, "sda").ok(), expected, "{text:?}");
        }
        assert_eq!(io_errors(&host, "nvme0n1").unwrap_err().state, ValueState::NotApplicable);
    }

    #[test]
    fn a_log_that_could_not_be_read_is_no_good_disk() {
        let log = KernelLog { io_errors_by_disk: [("sda".to_string(), 4)].into(), ..KernelLog::default() };
        assert_eq!((kernel_errors("sda", &Ok(log.clone())), kernel_errors("sdb", &Ok(log))), (Ok(4), Ok(0)));
        assert_eq!(kernel_errors("sda", &Err(Unknown::denied("no helper"))).unwrap_err().state, ValueState::Denied);
    }

    /// A recorded host in which `below` of sysfs holds these devices and what each lies on.
    fn host(devices: &[(&str, &[&str])]) -> (tempfile::TempDir, Host) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root/devices");
        std::fs::create_dir_all(&root).unwrap();
        for (name, slaves) in devices {
            std::fs::create_dir_all(root.join(name).join("slaves")).unwrap();
            if name.contains('/') {
                std::fs::write(root.join(name).join("partition"), "1").unwrap();
            }
            for slave in *slaves {
                let link = root.join(name).join("slaves").join(slave.replace('/', "-"));
                std::os::unix::fs::symlink(format!("/devices/{slave}"), link).unwrap();
            }
        }
        std::fs::write(folder.path().join("answers.json"), r#"{"schema": 1}"#).unwrap();
        let host = Host::recorded(folder.path()).unwrap();
        (folder, host)
    }

    #[test]
    fn a_thin_volume_lies_on_one_disk_by_two_ways_and_a_mirror_on_two() {
        let (_folder, host) = host(&[
            ("dm-5", &["dm-4"]),
            ("dm-4", &["dm-2", "dm-3"]),
            ("dm-2", &["sda/sda3"]),
            ("dm-3", &["sda/sda3", "sda/sda4"]),
            ("sda/sda3", &[]),
            ("sda/sda4", &[]),
            ("md0", &["sda/sda3", "sdb/sdb1"]),
            ("sdb/sdb1", &[]),
            ("dm-9", &["dm-9"]),
        ]);
        assert_eq!(below(&host, "/devices/dm-5", 0), Ok("sda".to_string()));
        assert_eq!(below(&host, "/devices/sdb/sdb1", 0), Ok("sdb".to_string()));
        assert!(below(&host, "/devices/md0", 0).is_err());
        assert!(below(&host, "/devices/dm-9", 0).is_err());
    }
}
