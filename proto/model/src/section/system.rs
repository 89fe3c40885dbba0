//! Processor, memory, pressure, clock and power.

use alloc::{string::String, vec::Vec};

use crate::facts::facts;

facts! {
    /// Share of time in which work waited for a resource, in percent. See the kernel's accounting/psi.
    pub struct Pressure from PressureReading {
        /// Some tasks waited, over the last 10 s.
        some_10: f64,
        /// Some tasks waited, over the last 60 s.
        some_60: f64,
        /// All tasks waited, over the last 10 s.
        full_10: f64,
        /// All tasks waited, over the last 60 s.
        full_60: f64,
    }
}

facts! {
    /// One temperature sensor.
    pub struct Temperature from TemperatureReading {
        /// Its label.
        name: String,
        /// Degrees Celsius.
        celsius: f64,
        /// Where the hardware protects itself.
        critical_celsius: f64,
    }
}

facts! {
    /// Power supply of a Raspberry Pi.
    pub struct Power from PowerReading {
        /// Below 4.63 V now.
        undervoltage: bool,
        /// Below 4.63 V at least once since boot.
        undervoltage_seen: bool,
        /// Slowed down now.
        throttled: bool,
        /// Slowed down at least once since boot.
        throttled_seen: bool,
        /// Frequency capped now.
        frequency_capped: bool,
        /// Frequency capped at least once since boot.
        frequency_capped_seen: bool,
    }
}

facts! {
    /// Processor, memory, pressure, clock and power.
    pub struct System from SystemReading {
        /// Logical processors that may be used here.
        processors: u32,
        /// The processor's name.
        processor_model: String,
        /// Load average over one minute.
        load_1: f64,
        /// Load average over five minutes.
        load_5: f64,
        /// Load average over fifteen minutes.
        load_15: f64,
        /// Whose load that is: a container may see the whole host's.
        load_source: String,
        /// Processor time used since boot, all processors together.
        processor_busy_seconds: f64,
        /// Memory of this machine, or the limit of its container.
        memory_total_bytes: u64,
        /// What can be used without swapping.
        memory_available_bytes: u64,
        /// Which file said so.
        memory_source: String,
        /// Swap space.
        swap_total_bytes: u64,
        /// Swap space not used.
        swap_free_bytes: u64,
        /// Since boot.
        uptime_seconds: f64,
        /// Changes with each boot of the kernel.
        boot_id: String,
        /// Waiting for processors.
        processor_pressure: Pressure,
        /// Waiting for memory.
        memory_pressure: Pressure,
        /// Waiting for disks.
        io_pressure: Pressure,
        /// All sensors that hwmon names.
        temperatures: Vec<Temperature>,
        /// What the kernel says of its clock (adjtimex).
        clock_synchronised: bool,
        /// Offset that the kernel is correcting.
        clock_offset_seconds: f64,
        /// Whether an update waits for a restart.
        reboot_needed: bool,
        /// Which packages wait.
        reboot_reasons: Vec<String>,
        /// Boots without a clean stop before, in 30 days.
        unclean_boots: u32,
        /// RCU stalls and hung tasks since boot.
        kernel_stalls: u32,
        /// I/O errors in the kernel log since boot.
        kernel_io_errors: u32,
        /// The hardware watchdog and whether it is armed.
        watchdog: String,
        /// Power supply of a Raspberry Pi.
        power: Power,
    }
}
