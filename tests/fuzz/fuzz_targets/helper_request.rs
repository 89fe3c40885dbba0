//! What a peer may say to coord-helper.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| coord_agent::fuzzing::helper_request(bytes));
