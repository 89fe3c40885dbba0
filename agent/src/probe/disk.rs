//! Local disks and file systems: the mount table and sysfs. Space comes from statvfs, asked by the prober.

use std::time::Instant;

use coord_model::{
    Failure, Section, Unknown, ValueState,
    section::{self, DiskReading, Filesystem, FilesystemReading},
};

use super::{
    Briefing,
    mounts::{
        NOT_ASKED,
        table::{self, Family, Row, Superblock},
    },
};
use crate::host::Host;

mod array;
mod device;
mod errors;
mod flips;
mod log;
mod nvme;
mod smart;
mod sync;

pub(crate) use flips::FlipMemory;
pub(crate) use log::LogMemory;

/// Paths that Coord, k3s or its workloads fill: k3s' data and volumes, Docker's, pods' and the transcoders'.
const ROLES: [&str; 13] = [
    "/",
    "/var",
    "/var/lib/rancher",
    "/var/lib/rancher/k3s/storage",
    "/var/lib/kubelet",
    "/var/lib/docker",
    "/var/lib/coord",
    "/opt/local-path-provisioner",
    "/data",
    "/data/pods",
    "/data/transcode",
    "/transcode",
    "/mnt/cache",
];

/// Reads the section, without any answer of the file systems themselves but for a measurement that was asked for.
pub(crate) fn probe(host: &Host, briefing: &mut Briefing) -> Section<section::Disk> {
    let began = Instant::now();
    let rows = match table::read(host) {
        Ok(rows) => rows,
        Err(Unknown { state, message }) => {
            return Section::failed(table::SOURCE, Failure { reason: state, message });
        }
    };
    let list = table::superblocks(&rows, |family| family == Family::Local);
    let mut flips = FlipMemory::new();
    let before = &briefing.memory.flips;
    let filesystems =
        list.iter().filter_map(|superblock| filesystem(host, superblock, &rows, before, &mut flips)).collect();
    // What is no longer mounted is forgotten.
    briefing.memory.flips = flips;
    let devices = device::devices(host, &log::read(host, &mut briefing.memory.kernel_log));
    let latency = sync::latency(host, briefing, began);
    let reading = DiskReading {
        filesystems: Ok(filesystems),
        devices,
        sync_latency_seconds: latency.as_ref().map(|latency| latency.seconds).map_err(Clone::clone),
        sync_latency_path: latency.map(|latency| latency.path),
    };
    Section::read("/proc/self/mountinfo, /sys/block, /sys/fs, caches of SMART", reading.into())
}

fn filesystem(
    host: &Host,
    superblock: &Superblock<'_>,
    rows: &[Row],
    before: &FlipMemory,
    flips: &mut FlipMemory,
) -> Option<Filesystem> {
    let row = superblock.first()?;
    let disk = device::whole_disk(host, row);
    let asked = || Unknown::new(ValueState::Timeout, NOT_ASKED);
    let read_only = superblock.rows.iter().all(|row| row.read_only());
    Some(
        FilesystemReading {
            read_only_flips: flips::count(before, flips, format!("{} {}", row.device_number, row.source), read_only),
            path: Ok(row.path.clone()),
            device_number: Ok(row.device_number.clone()),
            source: Ok(row.source.clone()),
            kind: Ok(row.kind.clone()),
            size_bytes: Err(asked()),
            free_bytes: Err(asked()),
            available_bytes: Err(asked()),
            inodes: Err(asked()),
            inodes_free: Err(asked()),
            read_only: Ok(read_only),
            rotational: disk.clone().and_then(|disk| device::rotational(host, &disk)),
            disk,
            errors: errors::errors(host, row),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_lies_on_the_deepest_mount_that_holds_it() {
        let rows = table::parse(
            "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 8:2 / /var/lib/rancher rw - xfs /dev/sda2 rw\n\
             29 27 0:45 / /data rw - nfs4 nas:/data rw",
        );
        assert_eq!(roles(&rows, "8:2"), ["/var/lib/rancher", "/var/lib/rancher/k3s/storage"]);
        let of_root = roles(&rows, "8:1");
        assert!(of_root.contains(&"/var/lib/kubelet".to_string()) && !of_root.contains(&"/data/pods".to_string()));
        assert_eq!(roles(&rows, "0:45"), ["/data", "/data/pods", "/data/transcode"]);
        assert!(roles(&[], "8:1").is_empty());
    }
}
