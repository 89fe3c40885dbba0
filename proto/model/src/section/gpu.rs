//! Graphics processors: what is there, and whether it can be used from this machine.

use alloc::{string::String, vec::Vec};

use crate::{facts::facts, words::words};

words! {
    /// Why a GPU cannot be used here.
    pub enum GpuReason {
        /// sysfs shows it, /dev/dri has no node for it.
        NotPassedThrough = 1 => "not-passed-through",
        /// Mode or group keep the node's own group out.
        Permission = 2 => "permission",
        /// The group is not mapped into this unprivileged container.
        GroupUnmapped = 3 => "group-unmapped",
        /// The device cgroup refuses it even to root (EPERM).
        DeviceCgroup = 4 => "device-cgroup",
        /// The file system of the node is mounted nodev.
        Nodev = 5 => "nodev",
        /// No driver is bound, or the node answers ENXIO.
        NoDriver = 6 => "no-driver",
        /// The driver is vfio-pci: a guest has it.
        GivenToGuest = 7 => "given-to-guest",
        /// The device cannot render: virtio, vgem, simpledrm or a display controller.
        DisplayOnly = 8 => "display-only",
    }
}

words! {
    /// Where the list of codecs comes from.
    pub enum CodecSource {
        /// Asked of the driver.
        VaApi = 1 => "va-api",
        /// Asked of V4L2 memory-to-memory devices.
        V4l2 = 2 => "v4l2",
        /// A table by PCI id.
        Table = 3 => "table",
    }
}

facts! {
    /// What the video engines can do.
    pub struct Codecs from CodecsReading {
        /// Codecs that can be decoded.
        decode: Vec<String>,
        /// Codecs that can be encoded.
        encode: Vec<String>,
        /// Where the list comes from.
        source: CodecSource,
        /// The vendor's page or the driver that said so.
        reference: String,
    }
}

facts! {
    /// Whether the render node can be used in this machine.
    pub struct GpuAccess from GpuAccessReading {
        /// By root of this machine.
        usable_by_root: bool,
        /// By a process that has only the group that owns the node.
        usable_by_group: bool,
        /// Why not.
        reason: GpuReason,
        /// The same for people, with the errno.
        detail: String,
        /// Name of the group that owns the node.
        group: String,
        /// Number of that group.
        group_id: u32,
        /// Permission bits in octal.
        mode: String,
        /// Number that the group `render`, else `video`, has in this machine: what a container's configuration names.
        render_group_id: u32,
        /// As whom it was tested.
        tested_as: String,
    }
}

facts! {
    /// One DRM device.
    pub struct GpuDevice from GpuDeviceReading {
        /// PCI address or platform path; the stable identity.
        address: String,
        /// PCI vendor in hexadecimal.
        vendor_id: String,
        /// PCI device in hexadecimal.
        device_id: String,
        /// Vendor and model for people.
        name: String,
        /// Kernel driver.
        driver: String,
        /// Name of the card node.
        card: String,
        /// Name of the render node.
        render_node: String,
        /// Major and minor number of the render node.
        render_number: String,
        /// Whether it is an SR-IOV virtual function.
        virtual_function: bool,
        /// PCI address of the physical function that a virtual function belongs to.
        physical_function: String,
        /// How many virtual functions a physical function has now.
        virtual_functions: u32,
        /// Version of the driver's module, or the kernel's release for one that is built in.
        driver_version: String,
        /// `active`, `suspended`, as power management says.
        runtime_status: String,
        /// Whether such a device can transcode at all; false for virtio, vgem and simpledrm.
        can_transcode: bool,
        /// Whether the render node can be used in this machine.
        access: GpuAccess,
        /// Whether the last real open succeeded.
        opened: bool,
        /// What that open said, with the errno.
        open_detail: String,
        /// Seconds since access and open were tested; an asleep GPU keeps its last verdict.
        verdict_seconds: f64,
        /// What the video engines can do.
        codecs: Codecs,
        /// How busy the video engines are.
        video_busy_percent: f64,
        /// Programs that have it open.
        users: Vec<String>,
        /// Guests of this hypervisor that have been given it.
        guests: Vec<String>,
    }
}

facts! {
    /// All DRM devices.
    pub struct Gpu from GpuReading {
        /// Ordered by address.
        devices: Vec<GpuDevice>,
    }
}
