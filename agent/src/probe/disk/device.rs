//! Whole disks in /sys/block (Documentation/ABI/stable/sysfs-block).

use std::collections::BTreeSet;

use coord_model::{
    Reading, Unknown, not_implemented,
    section::{BlockDevice, BlockDeviceReading},
};

use crate::{host::Host, probe::mounts::table::Row};

/// Block devices that are no disks.
const NOT_DISKS: [&str; 8] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "zd"];
/// A thin volume on LVM on LUKS on a partition has five.
const MOST_LAYERS: u32 = 6;
/// sysfs counts in sectors of 512 bytes whatever the disk uses.
const SECTOR: u64 = 512;

/// All whole disks, ordered by name; none in a container that hides them.
pub(super) fn devices(host: &Host) -> Reading<Vec<BlockDevice>> {
    let names = host.list("/sys/block")?;
    let disks = names.iter().filter(|name| !NOT_DISKS.iter().any(|prefix| name.starts_with(prefix)));
    Ok(disks.map(|name| device(host, name)).collect())
}

fn device(host: &Host, name: &str) -> BlockDevice {
    let text = |part: &str| host.text(&format!("/sys/block/{name}/{part}"));
    BlockDeviceReading {
        name: Ok(name.to_string()),
        model: text("device/model").or_else(|_| text("device/name")).map(|model| model.trim().to_string()),
        size_bytes: number(host, &format!("/sys/block/{name}/size")).map(|sectors| sectors.saturating_mul(SECTOR)),
        rotational: rotational(host, name),
        removable: flag(host, &format!("/sys/block/{name}/removable")),
        state: text("device/state"),
        written_bytes: text("stat").and_then(|stat| written(&stat)),
        life_used_percent: text("device/life_time").and_then(|life| life_used(&life)),
        pre_end_of_life: text("device/pre_eol_info").map(|state| end_of_life(&state)),
        critical_warning: not_implemented(),
        smart: not_implemented(),
        io_errors: not_implemented(),
        kernel_errors: not_implemented(),
        degraded: not_implemented(),
    }
    .into()
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

fn number(host: &Host, path: &str) -> Reading<u64> {
    host.text(path)?.parse().map_err(|_| Unknown::error(format!("{path} holds no number")))
}

fn flag(host: &Host, path: &str) -> Reading<bool> {
    number(host, path).map(|number| number != 0)
}

/// The seventh field of `stat` is sectors written (Documentation/block/stat.rst).
fn written(stat: &str) -> Reading<u64> {
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

    /// A recorded host in which `below` of sysfs holds these devices and what each lies on.
    fn host(devices: &[(&str, &[&str])]) -> (tempfile::TempDir, Host) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root/devices");
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
