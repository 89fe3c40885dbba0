//! What the kernel may say about a device.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| coord_agent::fuzzing::uevent(bytes));
