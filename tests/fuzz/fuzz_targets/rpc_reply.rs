//! What a server may answer to the RPC call that is the ping.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| coord_agent::fuzzing::rpc_reply(bytes));
