//! What kind of machine this is, layer by layer, with the evidence for each.

use alloc::{string::String, vec::Vec};

use crate::{facts::facts, words::words};

words! {
    /// What a machine is, in the words of the cluster file.
    pub enum PlatformKind {
        /// A physical machine.
        BareMetal = 1 => "bare-metal",
        /// A virtual machine.
        Vm = 2 => "vm",
        /// An LXC container.
        Lxc = 3 => "lxc",
        /// A Docker, Podman or Kubernetes container.
        Container = 4 => "container",
        /// A Raspberry Pi.
        RaspberryPi = 5 => "raspberry-pi",
        /// A machine that runs Proxmox VE.
        ProxmoxHost = 6 => "proxmox-host",
        /// A machine that runs Unraid.
        UnraidHost = 7 => "unraid-host",
    }
}

facts! {
    /// One layer between the hardware and the agent, outermost first.
    pub struct Layer from LayerReading {
        /// What it is.
        kind: PlatformKind,
        /// Whose it is: `proxmox`, `kvm`, `docker`.
        name: String,
        /// For a container: whether its root is the host's root.
        privileged: bool,
        /// What shows it: files and their contents.
        evidence: Vec<String>,
    }
}

facts! {
    /// A virtual machine or container of this hypervisor.
    pub struct Guest from GuestReading {
        /// Its name.
        name: String,
        /// Its number or id on this hypervisor.
        identifier: String,
        /// Virtual machine or container.
        kind: PlatformKind,
        /// Whether it runs.
        running: bool,
        /// The DMI UUID that it sees.
        uuid: String,
        /// The MAC addresses of its interfaces.
        macs: Vec<String>,
        /// PCI addresses of GPUs that it has been given.
        gpus: Vec<String>,
    }
}

facts! {
    /// What kind of machine this is.
    pub struct Platform from PlatformReading {
        /// The innermost layer that matters.
        kind: PlatformKind,
        /// The same for people: `proxmox vm`, `raspberry pi 5`.
        label: String,
        /// Every layer, outermost first.
        layers: Vec<Layer>,
        /// The machine's own name: board or DMI product.
        product: String,
        /// Which product runs the virtual machine or container, where there is evidence.
        hypervisor: String,
        /// As `uname -m` says.
        architecture: String,
        /// Kernel release.
        kernel: String,
        /// PRETTY_NAME of os-release.
        operating_system: String,
        /// The host name.
        host_name: String,
        /// `/etc/machine-id`.
        machine_id: String,
        /// GUID of the Unraid flash device.
        flash_guid: String,
        /// DMI product UUID; needs root.
        dmi_uuid: String,
        /// Serial number of a Raspberry Pi.
        serial_number: String,
        /// Guests of a hypervisor host; needs the helper.
        guests: Vec<Guest>,
    }
}
