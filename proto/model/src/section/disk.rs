//! Local disks and file systems.

use alloc::{string::String, vec::Vec};

use crate::facts::facts;

facts! {
    /// One local file system.
    pub struct Filesystem from FilesystemReading {
        /// Where it is mounted; the shortest of several.
        path: String,
        /// Major and minor number.
        device_number: String,
        /// Block device or pool.
        source: String,
        /// ext4, xfs, btrfs, zfs and so on.
        kind: String,
        /// Its size.
        size_bytes: u64,
        /// Free for root.
        free_bytes: u64,
        /// Free for everybody.
        available_bytes: u64,
        /// Inodes; unknown on file systems that make them as needed.
        inodes: u64,
        /// Free inodes.
        inodes_free: u64,
        /// Mounted or remounted read-only.
        read_only: bool,
        /// Name of the whole disk below it.
        disk: String,
        /// Whether that disk turns.
        rotational: bool,
        /// Errors that the file system counted.
        errors: u64,
        /// How often it turned read-only since the agent started.
        read_only_flips: u32,
        /// Paths Coord cares about that lie on it.
        roles: Vec<String>,
    }
}

facts! {
    /// One whole disk.
    pub struct BlockDevice from BlockDeviceReading {
        /// Kernel name.
        name: String,
        /// Model.
        model: String,
        /// Its size.
        size_bytes: u64,
        /// Whether it turns.
        rotational: bool,
        /// Whether it can be taken out.
        removable: bool,
        /// State that the driver reports.
        state: String,
        /// Written since boot.
        written_bytes: u64,
        /// eMMC life time estimate, or NVMe percentage used.
        life_used_percent: u32,
        /// eMMC pre-EOL state.
        pre_end_of_life: String,
        /// NVMe critical warning.
        critical_warning: String,
        /// Last SMART verdict, from a cache: begins with `passed`, `warning` or `failing`.
        smart: String,
        /// I/O errors that the driver counted (SCSI), some of them harmless; of a software array those of its members.
        io_errors: u64,
        /// I/O errors of this disk in the kernel log since boot; needs the helper.
        kernel_errors: u64,
        /// A software array: whether a member is missing.
        degraded: bool,
        /// A software array: sectors whose copies differed at the last check.
        mismatches: u64,
    }
}

facts! {
    /// Local disks and file systems.
    pub struct Disk from DiskReading {
        /// Ordered by path.
        filesystems: Vec<Filesystem>,
        /// Ordered by name.
        devices: Vec<BlockDevice>,
        /// 99th percentile of fdatasync, measured on demand.
        sync_latency_seconds: f64,
        /// Where that was measured.
        sync_latency_path: String,
    }
}
