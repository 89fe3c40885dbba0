//! The state files of Unraid's emhttpd.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| coord_agent::fuzzing::emhttp(bytes));
