//! What a graphics driver says of one client.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| coord_agent::fuzzing::drm_fdinfo(bytes));
