//! Lane `fuse`: how many requests wait at each FUSE connection (Documentation/filesystems/fuse.rst, "Control
//! filesystem"). Reading them asks the kernel, never the file system's own program.

use std::collections::BTreeMap;

use coord_model::{Reading, Unknown};

use super::ground::Ground;

const CONNECTIONS: &str = "/sys/fs/fuse/connections";
/// The most connections that are told.
const MOST: usize = 1024;

/// Waiting requests by device number.
pub(super) fn waiting(ground: &Ground) -> Reading<BTreeMap<String, u64>> {
    let names = ground.list(CONNECTIONS)?;
    if names.is_empty() && !is_mounted(ground) {
        return Err(Unknown::absent(format!(
            "the FUSE control file system is not mounted; mount it: mount -t fusectl none {CONNECTIONS}"
        )));
    }
    let mut waiting = BTreeMap::new();
    for name in names.iter().take(MOST) {
        let Some(device) = device_number(name) else { continue };
        // A connection may end between the list and the reading.
        let Ok(text) = ground.text(&format!("{CONNECTIONS}/{name}/waiting")) else { continue };
        let count =
            text.parse().map_err(|_| Unknown::error(format!("{CONNECTIONS}/{name}/waiting holds no number")))?;
        waiting.insert(device, count);
    }
    Ok(waiting)
}

/// `MAJOR:MINOR` as mountinfo writes it: the folder's name is the kernel's own device number, 20 bits of it the minor
/// one. The major one is 0 but for file systems on a block device (`fuseblk`).
fn device_number(name: &str) -> Option<String> {
    let number: u32 = name.parse().ok()?;
    Some(format!("{}:{}", number >> 20, number & 0xf_ffff))
}

fn is_mounted(ground: &Ground) -> bool {
    let mounts = ground.text("/proc/self/mounts").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(2) == Some("fusectl"))
}

#[cfg(test)]
mod tests {
    use coord_model::ValueState;
    use proptest::prelude::*;

    use super::{super::ground::tests::machine, *};

    #[test]
    fn connections_are_named_as_mountinfo_names_them() {
        let (_folder, ground) = machine(&[
            ("/sys/fs/fuse/connections/43/waiting", "7\n"),
            ("/sys/fs/fuse/connections/8388609/waiting", "0\n"),
            ("/sys/fs/fuse/connections/44/abort", ""),
        ]);
        let waiting = waiting(&ground).unwrap();
        assert_eq!(waiting, BTreeMap::from([("0:43".to_string(), 7), ("8:1".to_string(), 0)]));
    }

    #[test]
    fn none_waiting_is_told_from_not_mounted() {
        let (_folder, ground) = machine(&[("/proc/self/mounts", "none / ext4 rw 0 0\n")]);
        assert_eq!(waiting(&ground).unwrap_err().state, ValueState::Absent);
        std::fs::create_dir_all(ground.place(CONNECTIONS)).unwrap();
        let reason = waiting(&ground).unwrap_err();
        assert!(reason.message.contains("mount -t fusectl"), "{}", reason.message);
        let mounts = "fusectl /sys/fs/fuse/connections fusectl rw 0 0\n";
        std::fs::write(ground.place("/proc/self/mounts"), mounts).unwrap();
        assert_eq!(waiting(&ground), Ok(BTreeMap::new()));
    }

    proptest! {
        #[test]
        fn no_name_breaks_it(name in ".*") {
            let _ = device_number(&name);
        }
    }
}
