//! Every kind of problem that Coord can name. Codes are never renamed: people script against them.

use crate::Severity;

/// What `coordctl explain` says about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What it means and why it matters.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Declares the codes with their numbers, severities and explanations in one place.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal => $text:literal, $severity:ident, $meaning:literal, $remedy:literal;)+) => {
        crate::words::words! {
            /// The stable name of one kind of problem.
            pub enum Code { $($(#[$doc])* $variant = $number => $text,)+ }
        }

        impl Code {
            /// How bad a problem with this code is unless its maker says otherwise.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)+
                    Self::Unrecognised(_) => Severity::Warning,
                }
            }

            /// What it means and what to do.
            #[must_use]
            pub const fn explain(self) -> Explanation {
                match self {
                    $(Self::$variant => Explanation { meaning: $meaning, remedy: $remedy },)+
                    Self::Unrecognised(_) => Explanation {
                        meaning: "a newer version of Coord reports this",
                        remedy: "upgrade coordctl to the coordinator's version",
                    },
                }
            }
        }
    };
}

codes! {
    /// A node missed three heartbeats.
    NodeSilent = 1 => "node-silent", Warning,
        "The node's agent has missed three heartbeats. Its last facts are kept and shown with their age; nothing that Coord set is taken away because of it.",
        "Look whether the machine runs and reaches the coordinator: on it, `systemctl status coord-agent` and `journalctl -u coord-agent -n 50`.";
    /// A node has been silent for five minutes.
    NodeLost = 2 => "node-lost", Error,
        "The node's agent has not been heard for five minutes.",
        "Check power and network of the machine. If it is gone for good: `coordctl node forget NAME`.";
    /// A node's identity waits for approval.
    NodePending = 3 => "node-pending", Warning,
        "The node came back with evidence that differs from what it enrolled with, or with a certificate that the coordinator's store does not know. It is connected, but nothing is sent to it.",
        "If you know why (a new disk, a restored backup): `coordctl node approve NAME`. If not: `coordctl node revoke NAME`.";
    /// Two keys show the same machine-id.
    DuplicateMachineId = 4 => "duplicate-machine-id", Warning,
        "Two nodes report the same machine-id: one was cloned from the other. k3s and DHCP confuse such machines.",
        "On the clone: `rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup`, then restart it.";
    /// One key is used by two running agents.
    ClonedIdentity = 5 => "cloned-identity", Error,
        "Two running agents use the same identity: the machine was copied together with /var/lib/coord-agent. Neither gets commands.",
        "On the copy: `coord-agent leave`, then join it with a token of its own.";
    /// The agent's Hello claims a generation that no coordinator can have given.
    GenerationImplausible = 6 => "generation-implausible", Error,
        "The agent says that it has seen a command generation that is far above anything this coordinator gave. It gets no commands.",
        "On the node: `coord-agent leave`, then join it again.";
    /// A section's reader failed as a whole.
    SectionFailed = 7 => "section-failed", Warning,
        "One probe of the agent could not read its subject at all. The other sections of the report are not touched.",
        "The message names the file or call. `coord-agent check` on the node shows the same with more room.";
    /// A section came in but could not be used.
    SectionRefused = 8 => "section-refused", Warning,
        "The coordinator refused one section of a node's report; the last good one is kept. The message names the field.",
        "Usually the two versions differ by more than one minor: `coordctl version`, then upgrade the older one.";
    /// A section was cut at its limit.
    SectionTruncated = 9 => "section-truncated", Info,
        "A section was larger than 32 KiB and rows were left out; the report says how many.",
        "Nothing, if the node really has that many mounts or devices.";
    /// The agent's configuration file cannot be used.
    ConfigInvalid = 10 => "config-invalid", Warning,
        "The agent's configuration file has a mistake. The agent runs on its identity and the defaults.",
        "Mend the line that the message names in /etc/coord/agent.yaml, then restart coord-agent.";
    /// The agent runs as root.
    AgentIsRoot = 11 => "agent-is-root", Info,
        "The agent runs as root. It needs no root; what does is the helper's.",
        "Run it by its systemd unit, which gives it its own user.";
    /// The two ends speak different protocol numbers.
    ProtocolSkew = 12 => "protocol-skew", Info,
        "Agent and coordinator speak different protocol numbers. One apart works; what only the newer knows is left out.",
        "Upgrade the older one.";
    /// The coordinator's wall clock cannot be believed.
    ClockNotTrusted = 13 => "clock-not-trusted", Error,
        "The coordinator's clock is earlier than a time it has already seen, or jumped by more than ten minutes. It serves the nodes it knows and issues no certificates and no tokens.",
        "Let time synchronisation run, or, if the clock is right: `coordctl clock accept`.";
    /// The coordinator cannot write its store.
    StoreFull = 14 => "store-full", Error,
        "The coordinator cannot write to its data folder. Sessions and status go on; enrolment, tokens and commands are refused.",
        "Make room on the file system of the data folder; nothing needs a restart.";
    /// Events could not be stored.
    EventsLost = 15 => "events-lost", Warning,
        "Some events could not be written while the store was full or slow; they are counted, not kept.",
        "See store-full.";
    /// A node's clock differs.
    ClockUnsynchronised = 16 => "clock-unsynchronised", Warning,
        "The kernel of the node says that its clock is not synchronised. Certificates and logs depend on it.",
        "Enable a time service: `timedatectl set-ntp true`, or chrony. In a container the host keeps the time.";
    /// The cluster file cannot be obeyed.
    ClusterFileInvalid = 90 => "cluster-file-invalid", Error,
        "The newest version of the cluster file has mistakes. The last good version stays in force.",
        "`coordctl cluster validate FILE` shows every mistake with its place.";
    /// The cluster file went away.
    ClusterFileGone = 91 => "cluster-file-gone", Warning,
        "The cluster file was there and is gone. Absence is never an order: what it said stays in force, and nothing is taken away.",
        "Put the file back. `coordctl cluster show` prints what is in force.";
    /// A node is not in the cluster file.
    NodeUndeclared = 92 => "node-undeclared", Info,
        "The node has an agent and is not in the cluster file. Coord watches it and manages nothing of it.",
        "Add it under `nodes`, or `coordctl node forget NAME` if it should not be here.";
    /// A node is another kind of machine than declared.
    NodeOtherKind = 93 => "node-other-kind", Warning,
        "The cluster file asserts what kind of machine the node is, and its agent found another kind.",
        "Correct `kind` in the cluster file, or look whether two machines have changed their names.";
    /// Another coordinator writes to the cluster.
    OtherCoordinator = 94 => "other-coordinator", Warning,
        "Another coordinator holds the Lease of the Kubernetes cluster. Only its holder writes; this one looks and changes nothing there.",
        "If there should be one only: stop the other, `kubectl get lease -A | grep coord` shows its name. This one takes over when the Lease runs out.";
    /// A fact changes its mind too often.
    FactFlapping = 95 => "fact-flapping", Warning,
        "The fact behind a label changed three times within 30 minutes. The label stays as it is until the fact has not changed for 30 minutes.",
        "Look for a loose cable, a driver that restarts, or a rule on a value that moves around its limit. When it is mended: `coordctl resume label/NODE/KEY`.";
    /// The Kubernetes API cannot be used by the coordinator.
    KubernetesUnreachable = 96 => "kubernetes-unreachable", Warning,
        "The coordinator cannot use the Kubernetes API. Labels and taints stay as they are; everything else goes on.",
        "Look at the servers, the virtual address and the kubeconfig that the coordinator was started with.";
    /// The cluster file and the cluster resource differ.
    ClusterSourceConflict = 97 => "cluster-source-conflict", Warning,
        "A cluster file and a Cluster resource are both there and say different things. The one that `clusterSource` names is in force.",
        "Remove the one that should not count, or make them equal: `coordctl cluster apply FILE` writes the one in force.";
    /// The coordinator lacks a right in the cluster.
    RightMissing = 98 => "right-missing", Warning,
        "The Kubernetes API refuses something that the coordinator needs, because its account lacks the right.",
        "`coordctl render kubernetes` prints the rights; the message names the rule to add.";
    /// The device cgroup of the container refuses the GPU.
    GpuDeviceCgroup = 20 => "gpu-device-cgroup", Error,
        "The render node is in the container, but the container's device cgroup refuses it even to root (EPERM).",
        "On the Proxmox host add a `dev0: /dev/dri/renderD128,gid=GROUP` line to the container, or an `lxc.cgroup2.devices.allow` line.";
    /// The GPU is visible in sysfs but has no node here.
    GpuNotPassedThrough = 21 => "gpu-not-passed-through", Info,
        "The kernel shows a GPU, but this container has no /dev/dri node for it.",
        "Pass the render node through if the container should transcode; otherwise ignore it.";
    /// Mode or group of the render node is wrong.
    GpuPermission = 22 => "gpu-permission", Warning,
        "The render node's mode or group keeps its own group out.",
        "`chgrp render /dev/dri/renderD128; chmod 0660 /dev/dri/renderD128`, or fix the udev rule or the container's gid mapping.";
    /// The group of the render node does not exist in an unprivileged container.
    GpuGroupUnmapped = 23 => "gpu-group-unmapped", Warning,
        "The render node belongs to nobody or nogroup here: the host's group is not mapped into this unprivileged container.",
        "On the Proxmox host use `dev0: /dev/dri/renderD128,gid=GROUP` with the group number inside the container. Without `dev0`, map that one group: `lxc.idmap: g 0 100000 GROUP`, `lxc.idmap: g GROUP HOSTGROUP 1`, `lxc.idmap: g GROUP+1 100000+GROUP+1 65535-GROUP`, and `root:HOSTGROUP:1` in /etc/subgid.";
    /// /dev/dri is mounted nodev.
    GpuNodev = 24 => "gpu-nodev", Warning,
        "The file system that holds the render node is mounted `nodev`, so no device on it can be opened.",
        "Remove `nodev` from the mount of /dev or /dev/dri.";
    /// There is a node but no driver behind it.
    GpuNoDriver = 25 => "gpu-no-driver", Warning,
        "A GPU has no working driver: none is bound, or the node answers ENXIO.",
        "Install the driver or firmware; on a hypervisor look whether the GPU is bound to vfio for a guest.";
    /// Every program may use the render node.
    GpuOpenToAll = 26 => "gpu-open-to-all", Warning,
        "The render node may be read and written by everybody (mode 0666). That is no way to pass a GPU through: any program, and any container that sees the node, can use it and read what others left in its memory.",
        "`chgrp render /dev/dri/renderD128; chmod 0660 /dev/dri/renderD128` and fix the udev rule that opened it. For an LXC on Proxmox: `dev0: /dev/dri/renderD128,gid=GROUP`, GROUP being the number of `render` inside. Without `dev0`, map that one group in an unprivileged container: `lxc.idmap: g 0 100000 GROUP`, `lxc.idmap: g GROUP HOSTGROUP 1`, `lxc.idmap: g GROUP+1 100000+GROUP+1 65535-GROUP`, and `root:HOSTGROUP:1` in /etc/subgid.";
    /// A guest has been given the GPU.
    GpuGivenToGuest = 27 => "gpu-given-to-guest", Info,
        "The GPU is bound to vfio-pci: a virtual machine has it, and neither this host nor a container on it can use it meanwhile.",
        "Nothing, if that is what you want. To get it back: remove the `hostpci` line of the virtual machine and restart both.";
    /// A mount's server does not answer at all.
    MountServerDown = 30 => "mount-server-down", Error,
        "The server of a network mount does not answer. Programs that touch the mount hang.",
        "Look at the server. Nothing on this node needs to be done; the mount recovers by itself.";
    /// The server is there, its file service is not.
    MountServiceDown = 31 => "mount-service-down", Error,
        "The server of a network mount answers, but not its file service.",
        "Restart the NFS service on the server.";
    /// A mount did not answer before its deadline.
    MountStuck = 32 => "mount-stuck", Error,
        "A mount did not answer within three seconds. Programs that touch it hang; the agent does not touch it again until there are signs of life.",
        "Look at its server or its FUSE process. `umount -l PATH` lets new programs go on.";
    /// A child of the agent cannot be killed because of a mount.
    MountLeaked = 33 => "mount-leaked", Error,
        "A mount hangs so badly that even a killed process does not end.",
        "Only the server, the FUSE process, or a restart of the machine can end it.";
    /// Stale file handle.
    MountStale = 34 => "mount-stale", Error,
        "The server no longer knows the file handle of this mount (ESTALE).",
        "Unmount and mount it again: `umount -l PATH && mount PATH`.";
    /// The mount answers slowly.
    MountSlow = 35 => "mount-slow", Info,
        "The mount answers, but slowly. A disk that spins up on the server takes 10 to 30 seconds.",
        "Nothing, unless it stays so.";
    /// The mount is read-only where it should not be.
    MountReadOnly = 36 => "mount-read-only", Warning,
        "A mount that should be writable is read-only.",
        "Look for I/O errors in the kernel log of the server or this node.";
    /// A mount refuses this machine.
    MountDenied = 37 => "mount-denied", Error,
        "The server refuses this machine.",
        "Look at the export's list of allowed addresses on the server.";
    /// A declared mount is not there.
    MountMissing = 38 => "mount-missing", Error,
        "A declared mount is not mounted on this node; what is written to its folder goes to the local disk.",
        "`mount PATH`, and look why it was not mounted at boot.";
    /// A declared mount comes from elsewhere.
    MountWrongSource = 39 => "mount-wrong-source", Error,
        "Something else than the declared export is mounted at the path.",
        "Compare /etc/fstab with the cluster file.";
    /// A soft mount that may be written to.
    MountSoftWritable = 40 => "mount-soft-writable", Warning,
        "A writable NFS mount is `soft`: when the server does not answer in time, as while its disks spin up, writes fail and what was written is lost. Databases break.",
        "Mount it `hard`, or read-only. Keep databases on local disks.";
    /// A network mount on a node with an etcd vote.
    NetworkMountOnServer = 41 => "network-mount-on-server", Warning,
        "A network file system is mounted on a server with an etcd vote. When the file server goes away, threads of the kernel wait for it and the whole node can freeze, and with it a vote.",
        "Mount it on nodes without a vote. For backups: `k3s etcd-snapshot save --s3`, or let another machine fetch the snapshots.";
    /// A folder inside an export is mounted.
    MountBelowExport = 42 => "mount-below-export", Warning,
        "What is mounted is a folder inside an export, not the export itself. The server can lose the file handle of such a folder, and every restart of it may leave the mount stale.",
        "Mount the export and use its folder, or export the folder itself.";
    /// A FUSE file system is exported over NFS.
    FuseExported = 43 => "fuse-exported", Info,
        "This machine exports a FUSE file system (Unraid's shfs, mergerfs) over NFS. When a file moves from one disk to another below it, its handle goes stale and programs that hold it open stop.",
        "Where clients keep files open for long, export the disk or pool itself; let the mover run when nobody watches.";
    /// The kubelet waits for a dead mount.
    KubeletBlocked = 44 => "kubelet-blocked", Error,
        "k3s runs, but threads of it wait for ever for a mount that does not answer. No pod of the node starts or ends, although the kubelet may still say that it is healthy.",
        "Bring the server of the mount back, or `umount -f -l PATH`, then restart k3s.";
    /// The sentinel of a declared mount is not there.
    MountSentinelMissing = 45 => "mount-sentinel-missing", Error,
        "A declared mount is mounted and answers, but the file that the cluster file names as its sentinel is not there: the disk or pool behind the export is missing, or something else is exported.",
        "Look on the server whether the disk or pool behind the export is mounted. If the file was removed, make it again: `touch PATH/SENTINEL`.";
    /// Little space.
    DiskSpaceLow = 50 => "disk-space-low", Warning,
        "Less than a tenth of a local file system is free, and less than 10 GiB. k3s starts to evict at 5 to 15 %.",
        "Make room: `k3s crictl rmi --prune`, old logs, old snapshots.";
    /// Almost no space.
    DiskFull = 51 => "disk-full", Error,
        "Less than 2 % of a local file system is free. Databases and etcd stop soon.",
        "Make room now: `k3s crictl rmi --prune`, `journalctl --vacuum-size=100M`.";
    /// Few inodes.
    InodesLow = 52 => "inodes-low", Warning,
        "Less than 5 % of the inodes of a file system are free: new files fail while there is still space.",
        "Find the folder with very many small files.";
    /// A local file system turned read-only.
    FilesystemReadOnly = 53 => "filesystem-read-only", Error,
        "A local file system that should be writable is read-only: the kernel met errors on it.",
        "Look at `dmesg`, save the data, check the disk.";
    /// A disk is close to its end.
    DiskWear = 54 => "disk-wear", Warning,
        "An SD card, eMMC or NVMe says that its life is nearly used up, or warns of a critical state.",
        "Replace it soon.";
    /// A file system counted errors.
    FilesystemErrors = 55 => "filesystem-errors", Warning,
        "A local file system has counted errors of its own: ext4 since its last check, btrfs since its counters were set back.",
        "Save the data, look at `dmesg`, then check it: `e2fsck -f DEVICE` while it is unmounted, or `btrfs scrub start PATH`.";
    /// A disk has I/O errors.
    DiskIoErrors = 56 => "disk-io-errors", Warning,
        "The kernel's log of this boot has I/O errors of a disk. Below etcd they end a vote, and a process that maps its file dies.",
        "Save the data, check cable and power, then replace the disk; of a virtual disk look at the host's storage.";
    /// A software array lacks a member.
    ArrayDegraded = 57 => "array-degraded", Error,
        "A software array runs without one of its members; another failure may lose its data.",
        "`mdadm --detail /dev/mdN` names the member; replace it and `mdadm --add` the new one.";
    /// A disk's own verdict is bad.
    SmartFailing = 58 => "smart-failing", Error,
        "The last SMART verdict of a disk, read from a cache that smartd or Unraid keeps, says that it fails (error) or that it has unreadable sectors (warning).",
        "`smartctl -x /dev/NAME`; save the data and replace the disk.";
    /// A server has no vote yet.
    EtcdLearner = 59 => "etcd-learner", Info,
        "The etcd member of this server has been a learner for more than 15 minutes: it copies the data and has no vote.",
        "Usually its disk or network is too slow to catch up: `journalctl -u k3s | grep -i learner`.";
    /// The k3s unit failed.
    K3sUnitFailed = 60 => "k3s-unit-failed", Error,
        "The k3s unit of this node has failed or is not running although it is installed and enabled.",
        "`systemctl status k3s k3s-agent` and `journalctl -u k3s -n 100` on the node.";
    /// The k3s unit does not finish starting.
    K3sActivating = 61 => "k3s-activating", Warning,
        "The k3s unit is starting and has not become active.",
        "Usually it cannot reach its server or etcd: `journalctl -u k3s -n 100` on the node.";
    /// The kubelet does not answer.
    KubeletUnhealthy = 62 => "kubelet-unhealthy", Error,
        "k3s runs, but its kubelet does not answer its health check.",
        "`journalctl -u k3s -u k3s-agent -n 100` on the node; look for full disks and hung mounts.";
    /// The API server cannot be reached from this node.
    ApiserverUnreachable = 63 => "apiserver-unreachable", Error,
        "This node cannot reach the Kubernetes API.",
        "Look at the servers and at the virtual address.";
    /// A k3s certificate is about to expire.
    CertificateExpiring = 64 => "certificate-expiring", Warning,
        "A certificate of k3s expires soon. k3s renews its certificates only when it restarts within 120 days (before May 2025: 90) of their end.",
        "Restart k3s on the node; it renews them by itself.";
    /// A k3s certificate has expired.
    CertificateExpired = 65 => "certificate-expired", Error,
        "A certificate of k3s has expired.",
        "Restart k3s on the node; it renews them by itself.";
    /// The newest etcd snapshot is old.
    SnapshotOld = 66 => "snapshot-old", Warning,
        "k3s takes an etcd snapshot twice a day; the newest one on this server is older than 26 hours (warning) or 72 hours (error), or there is none.",
        "`sudo k3s etcd-snapshot save`; look for `etcd-disable-snapshots` in /etc/rancher/k3s/config.yaml and for a full disk.";
    /// The disk below etcd is slow.
    EtcdSlowDisk = 67 => "etcd-slow-disk", Warning,
        "The 99th percentile of etcd's fsync is above 10 ms (info), 25 ms (warning) or 100 ms (error). A member on a slow disk loses its leader again and again.",
        "`sudo coord-agent check --disk-latency /var/lib/rancher`; give the server a better disk, or make the node an agent.";
    /// etcd's database is near its quota.
    EtcdDatabaseLarge = 68 => "etcd-database-large", Warning,
        "etcd's database is above 80 % of its quota (warning) or 95 % (error). At its quota it takes no more writes.",
        "Find what writes so much (`kubectl get events -A | wc -l`), then restart k3s on one server at a time: it defragments when it starts.";
    /// etcd has no leader.
    EtcdNoLeader = 69 => "etcd-no-leader", Error,
        "The etcd member of this server knows no leader: too few voters are left, or they cannot reach each other.",
        "`coordctl status` says which servers are away; bring them back one at a time. Never reset the cluster while a majority can come back.";
    /// The Pi has too little voltage now.
    Undervoltage = 70 => "undervoltage", Error,
        "The Raspberry Pi gets less than 4.63 V right now. It slows down and writes may fail.",
        "Use the official power supply and a short cable; move USB disks to a powered hub.";
    /// The Pi had too little voltage since boot.
    UndervoltageSeen = 71 => "undervoltage-seen", Warning,
        "The Raspberry Pi had too little voltage at least once since it booted.",
        "Use the official power supply and a short cable.";
    /// The processor is slowed down.
    Throttled = 72 => "throttled", Warning,
        "The processor is slowed down because of heat or power.",
        "Look at cooling and power supply.";
    /// A restart is needed.
    RebootNeeded = 73 => "reboot-needed", Info,
        "An update waits for a restart of the machine.",
        "Restart it when it suits you, one server at a time.";
    /// The machine went down without a clean stop.
    UncleanBoots = 74 => "unclean-boots", Warning,
        "The machine started at least once in the last 30 days without having been stopped before: power loss, a crash, or a hard reset. Databases and etcd do not like that.",
        "Look at power supply and heat, then at the end of the boot before: `journalctl -b -1 -n 50`.";
    /// The kernel reports stalls.
    KernelStalls = 75 => "kernel-stalls", Warning,
        "The kernel's log of this boot has RCU stalls, soft lockups or tasks that hung for two minutes: a processor or a disk did not answer for a long time.",
        "`journalctl -k | grep -E 'rcu.*stall|soft lockup|blocked for more than'` names the task; on a Raspberry Pi look at power and storage first.";
    /// A sensor is at its critical temperature.
    TemperatureCritical = 76 => "temperature-critical", Warning,
        "A sensor is at the temperature at which the hardware protects itself: it slows down, and switches off if that does not help.",
        "Look at fans, dust and airflow.";
    /// Everything waits for memory.
    MemoryPressure = 78 => "memory-pressure", Warning,
        "For more than a tenth of the last minute every program on the machine waited for memory. Leases and heartbeats are missed soon, and the kernel starts to end programs.",
        "Find what grew: `ps -eo rss,comm --sort=-rss | head`; give it a limit, or the machine more memory.";
    /// The Unraid array is stopped.
    UnraidArrayStopped = 80 => "unraid-array-stopped", Warning,
        "The Unraid array is stopped: shares, containers and virtual machines are away.",
        "Start the array on the Main page.";
    /// A disk of the array is disabled or has errors.
    UnraidDiskFailed = 81 => "unraid-disk-failed", Error,
        "A disk of the Unraid array is disabled, missing or has errors: the array runs without its protection.",
        "Look at the Main page, check cables, replace the disk.";
    /// A parity check found errors.
    UnraidParityErrors = 82 => "unraid-parity-errors", Warning,
        "The last parity check found errors.",
        "Run a correcting check once the cause (often a hard power-off) is known.";
    /// A declared container does not run as it should.
    ContainerUnhealthy = 83 => "container-unhealthy", Warning,
        "A container that the cluster file declares for this machine is not there, does not run, or fails its health check.",
        "`docker ps -a` and `docker logs --tail 50 NAME` on the machine.";
    /// An agent has another version than the coordinator.
    AgentBehind = 99 => "agent-behind", Info,
        "The agent is older than the coordinator (info), or more than one minor version apart from it in either direction (warning). One minor apart works.",
        "Upgrade the coordinator first, then the agent: `apt install ./coord-agent_VERSION_amd64.deb`, or the plugin on Unraid.";
}
