//! Interfaces and addresses.

use alloc::{string::String, vec::Vec};

use crate::facts::facts;

facts! {
    /// One network interface.
    pub struct Interface from InterfaceReading {
        /// Kernel name.
        name: String,
        /// MAC address.
        mac: String,
        /// Whether there is a device behind it.
        physical: bool,
        /// up, down, unknown.
        state: String,
        /// Largest packet.
        mtu: u32,
        /// Link speed.
        speed_megabits: u32,
        /// With prefix lengths.
        addresses: Vec<String>,
    }
}

facts! {
    /// Interfaces and addresses.
    pub struct Network from NetworkReading {
        /// The host name.
        host_name: String,
        /// Ordered by name; those of containers are left out.
        interfaces: Vec<Interface>,
        /// Where the default route goes.
        default_interface: String,
        /// The default router.
        gateway: String,
        /// Whether this node holds the declared virtual address.
        virtual_address: bool,
        /// State of Tailscale.
        tailscale: String,
        /// Largest packet to the other nodes, measured on demand.
        path_mtu: u32,
        /// The address that it was measured to.
        path_mtu_to: String,
    }
}
