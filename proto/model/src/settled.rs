//! A section without the figures that move by themselves.
//!
//! The agent sends a section at once when its settled form changes, and the rest at the slow pace; tests compare a
//! live machine with its recording in this form.

use crate::section::{Agent, Disk, Docker, Gpu, K3s, Mounts, Network, Platform, System, Unraid, Usb};

/// Facts that know which of their figures move by themselves.
pub trait Settled {
    /// The same without ages and counters.
    #[must_use]
    fn settled(&self) -> Self;
}

/// A copy of `list` with `change` done to each row.
fn rows<T: Clone>(list: Option<&alloc::vec::Vec<T>>, change: impl Fn(&mut T)) -> Option<alloc::vec::Vec<T>> {
    let mut copy = list?.clone();
    copy.iter_mut().for_each(change);
    Some(copy)
}

impl Settled for Agent {
    fn settled(&self) -> Self {
        Self { started_seconds: None, ..self.clone() }
    }
}

impl Settled for Platform {
    fn settled(&self) -> Self {
        self.clone()
    }
}

impl Settled for System {
    fn settled(&self) -> Self {
        Self {
            load_1: None,
            load_5: None,
            load_15: None,
            processor_busy_seconds: None,
            memory_available_bytes: None,
            swap_free_bytes: None,
            uptime_seconds: None,
            processor_pressure: None,
            memory_pressure: None,
            io_pressure: None,
            temperatures: rows(self.temperatures.as_ref(), |sensor| sensor.celsius = None),
            clock_offset_seconds: None,
            ..self.clone()
        }
    }
}

impl Settled for Gpu {
    fn settled(&self) -> Self {
        let devices = rows(self.devices.as_ref(), |device| {
            device.video_busy_percent = None;
            device.users = None;
            device.verdict_seconds = None;
        });
        Self { devices, unknown: self.unknown.clone() }
    }
}

impl Settled for Disk {
    fn settled(&self) -> Self {
        let filesystems = rows(self.filesystems.as_ref(), |filesystem| {
            // Also size and inodes: xfs, btrfs and zfs make inodes as needed, and datasets share their space.
            filesystem.size_bytes = None;
            filesystem.inodes = None;
            filesystem.free_bytes = None;
            filesystem.available_bytes = None;
            filesystem.inodes_free = None;
        });
        let devices = rows(self.devices.as_ref(), |device| {
            device.written_bytes = None;
            device.io_errors = None;
            device.kernel_errors = None;
        });
        Self { filesystems, devices, ..self.clone() }
    }
}

impl Settled for Mounts {
    fn settled(&self) -> Self {
        let mounts = rows(self.mounts.as_ref(), |mount| {
            mount.state_seconds = None;
            mount.available_bytes = None;
            mount.round_trip_seconds = None;
            mount.operations = None;
            mount.retransmissions = None;
            mount.major_timeouts = None;
            mount.waiting = None;
            mount.ping_seconds = None;
            mount.outstanding = None;
            mount.shadow_bytes = None;
        });
        Self { mounts, ..self.clone() }
    }
}

impl Settled for K3s {
    fn settled(&self) -> Self {
        let certificates = rows(self.certificates.as_ref(), |certificate| certificate.seconds_left = None);
        let snapshots = rows(self.snapshots.as_ref(), |snapshot| snapshot.age_seconds = None);
        let etcd = self.etcd.clone().map(|etcd| crate::section::Etcd {
            database_bytes: None,
            sync_p99_seconds: None,
            commit_p99_seconds: None,
            leader_changes: None,
            ..etcd
        });
        Self { unit_since_seconds: None, blocked_threads: None, certificates, snapshots, etcd, ..self.clone() }
    }
}

impl Settled for Docker {
    fn settled(&self) -> Self {
        self.clone()
    }
}

impl Settled for Network {
    fn settled(&self) -> Self {
        self.clone()
    }
}

impl Settled for Usb {
    fn settled(&self) -> Self {
        self.clone()
    }
}

impl Settled for Unraid {
    fn settled(&self) -> Self {
        let disks = rows(self.disks.as_ref(), |disk| {
            disk.celsius = None;
            disk.free_bytes = None;
        });
        let shares = rows(self.shares.as_ref(), |share| share.free_bytes = None);
        let parity = self.parity.clone().map(|parity| crate::section::Parity {
            progress_percent: None,
            last_ended_seconds: None,
            ..parity
        });
        Self { disks, shares, parity, ..self.clone() }
    }
}
