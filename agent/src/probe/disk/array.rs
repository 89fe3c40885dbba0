//! Software arrays of the kernel (Documentation/admin-guide/md.rst): `/sys/block/md*/md`.

use coord_model::{
    Reading, Unknown,
    section::{BlockDevice, BlockDeviceReading},
};

use super::device::{number, rotational, size, written};
use crate::host::Host;

/// The most members that are asked.
const MOST_MEMBERS: usize = 64;

/// Whether `name` is an array of the kernel's own driver; Unraid names its disks md too, and has another driver.
pub(super) fn is_array(host: &Host, name: &str) -> bool {
    name.starts_with("md") && host.exists(&format!("/sys/block/{name}/md/level"))
}

/// One array as a row among the disks.
pub(super) fn array(host: &Host, name: &str) -> BlockDevice {
    let text = |part: &str| host.text(&format!("/sys/block/{name}/md/{part}"));
    let none = || Unknown::not_applicable("a software array");
    BlockDeviceReading {
        name: Ok(name.to_string()),
        model: text("level").map(|level| format!("software array {level}")),
        size_bytes: size(host, name),
        rotational: rotational(host, name),
        removable: Err(none()),
        state: text("array_state"),
        written_bytes: host.text(&format!("/sys/block/{name}/stat")).and_then(|stat| written(&stat)),
        life_used_percent: Err(none()),
        pre_end_of_life: Err(none()),
        critical_warning: Err(none()),
        smart: Err(none()),
        io_errors: members_errors(host, name),
        kernel_errors: Err(none()),
        degraded: counter(host, name, "degraded").map(|missing| missing > 0),
        mismatches: counter(host, name, "mismatch_cnt"),
    }
    .into()
}

/// Levels without copies (raid0, linear) have no such counter.
fn counter(host: &Host, name: &str, part: &str) -> Reading<u64> {
    let path = format!("/sys/block/{name}/md/{part}");
    if host.exists(&path) { number(host, &path) } else { Err(Unknown::not_applicable("this level has no copies")) }
}

/// Read errors of all members that did not cost them their place (`dev-*/errors`).
fn members_errors(host: &Host, name: &str) -> Reading<u64> {
    let folder = format!("/sys/block/{name}/md");
    let mut sum: u64 = 0;
    let names = host.list(&folder)?;
    for member in names.iter().filter(|name| name.starts_with("dev-")).take(MOST_MEMBERS) {
        sum = sum.saturating_add(number(host, &format!("{folder}/{member}/errors"))?);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use coord_model::{Facts, ValueState};

    use super::*;
    use crate::host::fixture::{Fixture, recorded};

    fn host(files: &[(&str, &'static str)]) -> Fixture {
        let below = |(path, text): &(&str, &'static str)| (format!("/sys/block/md0/{path}"), *text);
        recorded(&files.iter().map(below).collect::<Vec<_>>())
    }

    #[test]
    fn a_mirror_with_a_missing_half_is_degraded() {
        let host = host(&[
            ("md/level", "raid1\n"),
            ("md/array_state", "clean\n"),
            ("md/degraded", "1\n"),
            ("md/mismatch_cnt", "128\n"),
            ("md/dev-sda1/errors", "3\n"),
            ("md/dev-sdb1/errors", "4\n"),
            ("size", "2048\n"),
        ]);
        assert!(is_array(&host, "md0") && !is_array(&host, "md1p1"));
        let array = array(&host, "md0");
        assert_eq!((array.degraded, array.mismatches, array.io_errors), (Some(true), Some(128), Some(7)));
        assert_eq!((array.model.as_deref(), array.size_bytes), (Some("software array raid1"), Some(1 << 20)));
        assert!(array.unexplained().is_empty());
    }

    #[test]
    fn a_level_without_copies_is_never_degraded_and_nonsense_is_an_error() {
        let stripes = host(&[("md/level", "raid0\n")]);
        assert_eq!(array(&stripes, "md0").unknown["degraded"].state, ValueState::NotApplicable);
        let broken = host(&[("md/level", "raid1\n"), ("md/degraded", "x"), ("md/dev-sda1/errors", "-")]);
        let array = array(&broken, "md0");
        assert_eq!((array.degraded, array.io_errors), (None, None));
        assert_eq!(array.unknown["degraded"].state, ValueState::Error);
    }
}
