//! The NFS statistics of the kernel.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| coord_agent::fuzzing::mountstats(bytes));
