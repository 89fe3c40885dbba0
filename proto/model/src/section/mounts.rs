//! Network and user-space file systems, one row a superblock.

use alloc::{string::String, vec::Vec};

use crate::{facts::facts, words::words};

words! {
    /// How a mount is doing.
    pub enum MountState {
        /// It answers.
        Ok = 1 => "ok",
        /// It answers late.
        Slow = 2 => "slow",
        /// The server does not answer.
        ServerDown = 3 => "server-down",
        /// The server answers, its file service does not.
        ServiceDown = 4 => "service-down",
        /// It did not answer before the deadline.
        Stuck = 5 => "stuck",
        /// A process that touched it cannot be ended.
        Leaked = 6 => "leaked",
        /// The server forgot the file handle.
        Stale = 7 => "stale",
        /// Read-only where it should be writable.
        ReadOnly = 8 => "read-only",
        /// Declared, and not mounted.
        Missing = 9 => "missing",
        /// An automount point that nobody has used; never touched.
        IdleAutomount = 10 => "idle-automount",
        /// The server, or this machine, refuses.
        Denied = 11 => "denied",
        /// Something else is mounted there.
        WrongSource = 12 => "wrong-source",
    }
}

facts! {
    /// One superblock of a network or user-space file system.
    pub struct Mount from MountReading {
        /// Major and minor number.
        device_number: String,
        /// nfs, nfs4, cifs, fuse.shfs, 9p, virtiofs, autofs.
        kind: String,
        /// As mountinfo names it.
        source: String,
        /// The server's name or address.
        server: String,
        /// The exported folder.
        export: String,
        /// The server's address as the mount uses it, for the ping.
        server_address: String,
        /// Its port.
        port: u32,
        /// Name of the mount in the cluster file; absent when it is not declared.
        name: String,
        /// Where it is mounted, bind mounts included.
        paths: Vec<String>,
        /// Superblock options.
        options: String,
        /// Mounted read-only.
        read_only: bool,
        /// NFS: whether it waits for ever.
        hard: bool,
        /// Protocol version.
        version: String,
        /// How it is doing.
        state: MountState,
        /// The same for people.
        detail: String,
        /// Seconds since this agent first saw the state.
        state_seconds: f64,
        /// Its size.
        size_bytes: u64,
        /// Free for everybody.
        available_bytes: u64,
        /// Mean round trip of the last requests.
        round_trip_seconds: f64,
        /// Requests so far.
        operations: u64,
        /// Requests sent again so far.
        retransmissions: u64,
        /// Requests that timed out so far.
        major_timeouts: u64,
        /// NFS: requests that were sent and not answered yet.
        outstanding: u64,
        /// FUSE: requests that wait for an answer; needs the helper.
        waiting: u64,
        /// Answer time of an RPC NULL call to the server.
        ping_seconds: f64,
        /// Whether the declared sentinel file is there.
        sentinel: bool,
        /// A missing mount: bytes in the local folder below its path, which grows while nothing is mounted there.
        shadow_bytes: u64,
        /// A missing mount: files in that folder; at most 1000 are counted.
        shadow_files: u64,
    }
}

facts! {
    /// One folder that this machine exports over NFS.
    pub struct Export from ExportReading {
        /// The folder.
        path: String,
        /// Kind of the file system below it: fuse.shfs, ext4.
        kind: String,
        /// Who may mount it, as exports(5) writes it.
        clients: String,
    }
}

facts! {
    /// All of them.
    pub struct Mounts from MountsReading {
        /// Ordered by path.
        mounts: Vec<Mount>,
        /// What this machine exports over NFS, ordered by path.
        exports: Vec<Export>,
    }
}
