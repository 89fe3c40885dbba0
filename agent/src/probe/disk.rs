//! Local disks and file systems: the mount table and sysfs. Space comes from statvfs, asked by the prober.

use coord_model::{
    Failure, Reading, Section, Unknown, ValueState, not_implemented,
    section::{self, DiskReading, Filesystem, FilesystemReading},
};

use super::mounts::{
    NOT_ASKED,
    table::{self, Family, Row, Superblock},
};
use crate::host::Host;

mod device;

/// Paths that Coord, k3s or its workloads fill, longest meaning first.
const ROLES: [&str; 9] = [
    "/",
    "/var",
    "/var/lib/rancher",
    "/var/lib/kubelet",
    "/var/lib/docker",
    "/var/lib/coord",
    "/data",
    "/data/pods",
    "/mnt/cache",
];

/// Reads the section, without any answer of the file systems themselves.
pub(crate) fn probe(host: &Host) -> Section<section::Disk> {
    let rows = match table::read(host) {
        Ok(rows) => rows,
        Err(Unknown { state, message }) => {
            return Section::failed(table::SOURCE, Failure { reason: state, message });
        }
    };
    let list = table::superblocks(&rows, |family| family == Family::Local);
    let filesystems = list.iter().filter_map(|superblock| filesystem(host, superblock, &rows)).collect();
    let reading = DiskReading {
        filesystems: Ok(filesystems),
        devices: device::devices(host),
        sync_latency_seconds: not_implemented(),
        sync_latency_path: not_implemented(),
    };
    Section::read("/proc/self/mountinfo, /sys/block", reading.into())
}

fn filesystem(host: &Host, superblock: &Superblock<'_>, rows: &[Row]) -> Option<Filesystem> {
    let row = superblock.first()?;
    let disk = device::whole_disk(host, row);
    let asked = || Unknown::new(ValueState::Timeout, NOT_ASKED);
    Some(
        FilesystemReading {
            read_only_flips: not_implemented(),
            path: Ok(row.path.clone()),
            device_number: Ok(row.device_number.clone()),
            source: Ok(row.source.clone()),
            kind: Ok(row.kind.clone()),
            size_bytes: Err(asked()),
            free_bytes: Err(asked()),
            available_bytes: Err(asked()),
            inodes: Err(asked()),
            inodes_free: Err(asked()),
            read_only: Ok(superblock.rows.iter().all(|row| row.read_only())),
            rotational: disk.clone().and_then(|disk| device::rotational(host, &disk)),
            disk,
            errors: errors(host, row),
            roles: Ok(roles(rows, &row.device_number)),
        }
        .into(),
    )
}

/// Which of [`ROLES`] lie on the file system with this number: the mount with the longest fitting path decides.
fn roles(rows: &[Row], device_number: &str) -> Vec<String> {
    let lies_on = |role: &str| {
        let fits = |row: &&Row| row.path == "/" || role == row.path || role.starts_with(&format!("{}/", row.path));
        let holder = rows.iter().filter(fits).max_by_key(|row| row.path.len());
        holder.is_some_and(|row| row.device_number == device_number)
    };
    ROLES.into_iter().filter(|role| lies_on(role)).map(str::to_string).collect()
}

/// ext4 counts the errors that it met in its superblock (Documentation/ABI/testing/sysfs-fs-ext4).
fn errors(host: &Host, row: &Row) -> Reading<u64> {
    if row.kind != "ext4" {
        return Err(Unknown::not_applicable(format!("{} counts no errors in sysfs", row.kind)));
    }
    // The kernel's own name, dm-0 or sda1: the source may be a name below /dev/mapper or /dev/disk.
    let device = host.real(&format!("/sys/dev/block/{}", row.device_number)).unwrap_or_else(|_| row.source.clone());
    let name = device.rsplit('/').next().unwrap_or_default();
    let path = format!("/sys/fs/ext4/{name}/errors_count");
    let text = host.text(&path)?;
    text.parse().map_err(|_| Unknown::error(format!("{path} holds no number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_lies_on_the_deepest_mount_that_holds_it() {
        let rows = table::parse(
            "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 8:2 / /var/lib/rancher rw - xfs /dev/sda2 rw\n\
             29 27 0:45 / /data rw - nfs4 nas:/data rw",
        );
        assert_eq!(roles(&rows, "8:2"), ["/var/lib/rancher"]);
        assert_eq!(
            roles(&rows, "8:1"),
            ["/", "/var", "/var/lib/kubelet", "/var/lib/docker", "/var/lib/coord", "/mnt/cache"]
        );
        assert_eq!(roles(&rows, "0:45"), ["/data", "/data/pods"]);
        assert!(roles(&[], "8:1").is_empty());
    }

    #[test]
    fn errors_of_a_mapped_device_stand_under_its_kernel_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("sys/dev/block")).unwrap();
        for name in ["dm-0", "sdz1"] {
            std::fs::create_dir_all(root.join("sys/devices").join(name)).unwrap();
            std::fs::create_dir_all(root.join("sys/fs/ext4").join(name)).unwrap();
        }
        std::fs::write(root.join("sys/fs/ext4/dm-0/errors_count"), "3\n").unwrap();
        std::fs::write(root.join("sys/fs/ext4/sdz1/errors_count"), "4\n").unwrap();
        std::os::unix::fs::symlink("../../devices/dm-0", root.join("sys/dev/block/252:0")).unwrap();
        std::fs::write(folder.path().join("answers.json"), r#"{"schema": 1}"#).unwrap();
        let host = Host::recorded(folder.path()).unwrap();
        let rows = table::parse(
            "27 1 252:0 / / rw - ext4 /dev/mapper/vg-root rw\n28 27 8:1 / /a rw - ext4 /dev/sdz1 rw\n\
             29 27 8:9 / /b rw - xfs /dev/sdz9 rw",
        );
        assert_eq!(errors(&host, &rows[0]), Ok(3));
        // A container may hide /sys/dev/block.
        assert_eq!(errors(&host, &rows[1]), Ok(4));
        assert_eq!(errors(&host, &rows[2]).unwrap_err().state, ValueState::NotApplicable);
    }
}
