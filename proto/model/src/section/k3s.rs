//! Kubernetes on this machine.

use alloc::{string::String, vec::Vec};

use crate::{facts::facts, words::words};

words! {
    /// What k3s does here.
    pub enum K3sRole {
        /// Control plane.
        Server = 1 => "server",
        /// Worker.
        Agent = 2 => "agent",
        /// k3s is not installed.
        None = 3 => "none",
    }
}

words! {
    /// Active state of a systemd unit.
    pub enum UnitState {
        /// Runs.
        Active = 1 => "active",
        /// Starts.
        Activating = 2 => "activating",
        /// Stops.
        Deactivating = 3 => "deactivating",
        /// Does not run.
        Inactive = 4 => "inactive",
        /// Has failed.
        Failed = 5 => "failed",
    }
}

facts! {
    /// One certificate of k3s.
    pub struct Certificate from CertificateReading {
        /// Which one.
        name: String,
        /// File or address that it was read from.
        source: String,
        /// Seconds until it expires; negative when it has.
        seconds_left: f64,
    }
}

facts! {
    /// One etcd snapshot.
    pub struct Snapshot from SnapshotReading {
        /// Where it lies.
        path: String,
        /// Its size.
        size_bytes: u64,
        /// Its age.
        age_seconds: f64,
    }
}

facts! {
    /// The etcd member of a server.
    pub struct Etcd from EtcdReading {
        /// Whether it says that it is ready.
        ready: bool,
        /// Whether it knows a leader.
        has_leader: bool,
        /// Voter, or learner.
        voter: bool,
        /// Size of the database.
        database_bytes: u64,
        /// Where etcd stops accepting writes.
        quota_bytes: u64,
        /// 99th percentile of the log's fsync.
        sync_p99_seconds: f64,
        /// 99th percentile of the database's commit.
        commit_p99_seconds: f64,
        /// Since the member started.
        leader_changes: u64,
    }
}

facts! {
    /// Kubernetes on this machine.
    pub struct K3s from K3sReading {
        /// What k3s does here.
        role: K3sRole,
        /// Name of the systemd unit.
        unit: String,
        /// Its state.
        unit_state: UnitState,
        /// Seconds in that state.
        unit_since_seconds: f64,
        /// Whether it starts at boot.
        enabled: bool,
        /// k3s version.
        version: String,
        /// etcd, sqlite or external.
        datastore: String,
        /// The server that an agent joined through.
        server_url: String,
        /// Whether the kubelet answers its health check with ok.
        kubelet_healthy: bool,
        /// Whether the Kubernetes API answers; 401 counts.
        apiserver_reachable: bool,
        /// What it answered.
        apiserver_detail: String,
        /// Servers that the agent's load balancer knows.
        load_balancer: Vec<String>,
        /// Threads of k3s that wait uninterruptibly, usually for a disk or a dead server.
        blocked_threads: u32,
        /// Certificates with their time left: those that were shown in a handshake, and those in files.
        certificates: Vec<Certificate>,
        /// How many certificates were read from files; needs the helper.
        certificate_files: u32,
        /// The etcd member of a server.
        etcd: Etcd,
        /// etcd snapshots on this machine; needs the helper.
        snapshots: Vec<Snapshot>,
    }
}
