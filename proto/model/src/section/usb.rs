//! Serial devices on USB: Zigbee and Z-Wave sticks.

use alloc::{string::String, vec::Vec};

use crate::facts::facts;

facts! {
    /// One serial device.
    pub struct SerialDevice from SerialDeviceReading {
        /// Kernel name.
        tty: String,
        /// Product string.
        product: String,
        /// Manufacturer string.
        manufacturer: String,
        /// USB vendor.
        vendor_id: String,
        /// USB product.
        product_id: String,
        /// Serial number.
        serial_number: String,
        /// What it probably is: `zigbee`, `z-wave`.
        candidate: String,
        /// Whether /dev has a node for it here.
        present: bool,
        /// Whether a program has it open; needs the helper.
        busy: bool,
    }
}

facts! {
    /// Serial devices on USB.
    pub struct Usb from UsbReading {
        /// Ordered by tty.
        serial_devices: Vec<SerialDevice>,
    }
}
