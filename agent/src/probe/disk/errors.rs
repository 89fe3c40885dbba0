//! Errors that a file system itself has counted, from sysfs.

use coord_model::{Reading, Unknown};

use crate::{host::Host, probe::mounts::table::Row};

/// ext4's count since the last fsck, or btrfs' counts of all its devices; other file systems keep none in sysfs.
pub(super) fn errors(host: &Host, row: &Row) -> Reading<u64> {
    match row.kind.as_str() {
        "ext4" => ext4(host, row),
        "btrfs" => btrfs(host, row),
        // /sys/fs/xfs/DEV/error says what XFS does at an error, not how many it met.
        other => Err(Unknown::not_applicable(format!("{other} counts no errors in sysfs"))),
    }
}

/// The kernel's own name of the device, dm-0 or sda1: the source may be a name below /dev/mapper or /dev/disk.
fn kernel_name(host: &Host, path: &str, source: &str) -> String {
    let device = host.real(path).unwrap_or_else(|_| source.to_string());
    device.rsplit('/').next().unwrap_or_default().to_string()
}

/// Documentation/ABI/testing/sysfs-fs-ext4.
fn ext4(host: &Host, row: &Row) -> Reading<u64> {
    let name = kernel_name(host, &format!("/sys/dev/block/{}", row.device_number), &row.source);
    let path = format!("/sys/fs/ext4/{name}/errors_count");
    let text = host.text(&path)?;
    text.parse().map_err(|_| Unknown::error(format!("{path} holds no number")))
}

/// `/sys/fs/btrfs/UUID/devinfo/NUMBER/error_stats` (fs/btrfs/sysfs.c, Linux 5.14 and later) of the file system that has
/// this source among its devices.
fn btrfs(host: &Host, row: &Row) -> Reading<u64> {
    let name = kernel_name(host, &row.source, &row.source);
    let identifiers = host.list("/sys/fs/btrfs")?;
    let holds = |identifier: &&String| {
        host.list(&format!("/sys/fs/btrfs/{identifier}/devices")).is_ok_and(|names| names.contains(&name))
    };
    let identifier = identifiers.iter().find(holds);
    let identifier = identifier.ok_or_else(|| Unknown::absent(format!("no /sys/fs/btrfs/*/devices/{name}")))?;
    let folder = format!("/sys/fs/btrfs/{identifier}/devinfo");
    let mut sum: u64 = 0;
    for device in host.list(&folder)? {
        let path = format!("{folder}/{device}/error_stats");
        let counted = sum_of_counters(&host.text(&path)?);
        sum = sum.saturating_add(counted.ok_or_else(|| Unknown::error(format!("{path} makes no sense")))?);
    }
    Ok(sum)
}

/// The sum of `write_errs 0` and its fellows; `None` where a line is none of them.
fn sum_of_counters(text: &str) -> Option<u64> {
    let counters = text.lines().map(|line| {
        let (name, count) = line.trim().split_once(' ')?;
        name.ends_with("_errs").then(|| count.trim().parse::<u64>().ok())?
    });
    counters
        .collect::<Option<Vec<u64>>>()
        .filter(|all| !all.is_empty())
        .map(|all| all.into_iter().fold(0, |sum: u64, count| sum.saturating_add(count)))
}

#[cfg(test)]
mod tests {
    use coord_model::ValueState;

    use super::*;
    use crate::host::fixture::recorded;
    use crate::probe::mounts::table;

    fn row(line: &str) -> Row {
        table::parse(line).remove(0)
    }

    #[test]
    fn errors_of_a_mapped_device_stand_under_its_kernel_name() {
        let host = recorded(&[
            ("sys/devices/dm-0/size", "1"),
            ("sys/dev/block/252:0", "->../../devices/dm-0"),
            ("sys/fs/ext4/dm-0/errors_count", "3\n"),
            ("sys/fs/ext4/sdz1/errors_count", "4\n"),
        ]);
        assert_eq!(errors(&host, &row("27 1 252:0 / / rw - ext4 /dev/mapper/vg-root rw")), Ok(3));
        // A container may hide /sys/dev/block.
        assert_eq!(errors(&host, &row("28 27 8:1 / /a rw - ext4 /dev/sdz1 rw")), Ok(4));
        let xfs = errors(&host, &row("29 27 8:9 / /b rw - xfs /dev/sdz9 rw"));
        assert_eq!(xfs.unwrap_err().state, ValueState::NotApplicable);
    }

    #[test]
    fn all_devices_of_a_btrfs_count() {
        let stats = "write_errs 0\nread_errs 2\nflush_errs 0\ncorruption_errs 1\ngeneration_errs 0\n";
        let host = recorded(&[
            ("sys/fs/btrfs/features/x", ""),
            ("sys/fs/btrfs/11111111-2222/devices/sdb1", "->../../../../devices/sdb1"),
            ("sys/fs/btrfs/11111111-2222/devices/sdc1", "->../../../../devices/sdc1"),
            ("sys/fs/btrfs/11111111-2222/devinfo/1/error_stats", stats),
            ("sys/fs/btrfs/11111111-2222/devinfo/2/error_stats", stats),
        ]);
        assert_eq!(errors(&host, &row("27 1 0:40 / /mnt/cache rw - btrfs /dev/sdc1 rw")), Ok(6));
        let other = errors(&host, &row("27 1 0:41 / /mnt/x rw - btrfs /dev/sdd1 rw"));
        assert_eq!(other.unwrap_err().state, ValueState::Absent);
    }

    #[test]
    fn broken_counters_are_no_zero() {
        for text in ["", "write_errs", "write_errs x", "nothing 1", "write_errs 1\nfoo 2", "\u{0}"] {
            assert_eq!(sum_of_counters(text), None, "{text:?}");
        }
        assert_eq!(sum_of_counters(&format!("write_errs {0}\nread_errs {0}", u64::MAX)), Some(u64::MAX));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            sum_of_counters(&text);
        }
    }
}
