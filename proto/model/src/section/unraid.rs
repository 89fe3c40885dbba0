//! Unraid's own state, from emhttp's files; no disk is spun up.

use alloc::{string::String, vec::Vec};

use crate::facts::facts;

facts! {
    /// One disk of the array or a pool.
    pub struct UnraidDisk from UnraidDiskReading {
        /// parity, disk1, cache.
        name: String,
        /// What it is for: `Parity`, `Data`, `Cache` (a pool), `Flash`.
        role: String,
        /// Kernel name.
        device: String,
        /// Model.
        model: String,
        /// As emhttp says: DISK_OK, DISK_DSBL.
        status: String,
        /// Whether it sleeps.
        spun_down: bool,
        /// Temperature; unknown while it sleeps.
        celsius: f64,
        /// I/O errors.
        errors: u64,
        /// Its size.
        size_bytes: u64,
        /// Free space.
        free_bytes: u64,
        /// Whether it turns.
        rotational: bool,
    }
}

facts! {
    /// One share.
    pub struct Share from ShareReading {
        /// Its name.
        name: String,
        /// Free space.
        free_bytes: u64,
        /// Exported over NFS.
        exported: bool,
    }
}

facts! {
    /// Parity check.
    pub struct Parity from ParityReading {
        /// Whether one runs.
        running: bool,
        /// How far it is.
        progress_percent: f64,
        /// Errors of the running or last check.
        errors: u64,
        /// What runs, or ran last: `check P`, `recon D1`, `clear`.
        action: String,
        /// How the last one ended: `completed`, `aborted` or `failed: NUMBER`.
        last_result: String,
        /// Since the last one ended.
        last_ended_seconds: f64,
    }
}

facts! {
    /// Unraid's own state.
    pub struct Unraid from UnraidReading {
        /// Unraid version.
        version: String,
        /// STARTED, STOPPED and so on.
        array_state: String,
        /// Parity check.
        parity: Parity,
        /// Whether the mover runs.
        mover_running: bool,
        /// Shares.
        shares: Vec<Share>,
        /// Disks.
        disks: Vec<UnraidDisk>,
    }
}
