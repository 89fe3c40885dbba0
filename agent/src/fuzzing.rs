//! The parsers of foreign bytes, one function each, for the fuzz targets in `tests/fuzz`. Not part of what ships.
//!
//! Bytes become text as their readers make it: kernel files cost their odd characters, a request must be UTF-8.

use crate::{
    helper::{self, fdinfo},
    host::rpc,
    probe::{
        mounts::{statistics, table},
        unraid::emhttp,
    },
    watch::uevent,
};

/// /proc/self/mountinfo, down to superblocks.
pub fn mountinfo(bytes: &[u8]) {
    let rows = table::parse(&String::from_utf8_lossy(bytes));
    for row in &rows {
        let _ = (row.read_only(), table::value(&row.super_options, "vers"));
    }
    let superblocks = table::superblocks(&rows, |_| true);
    assert!(superblocks.iter().all(|superblock| superblock.first().is_some()), "a superblock has a row");
}

/// /proc/self/mountstats.
pub fn mountstats(bytes: &[u8]) {
    statistics::fuzz(&String::from_utf8_lossy(bytes));
}

/// The state files of Unraid's emhttpd.
pub fn emhttp(bytes: &[u8]) {
    emhttp::fuzz(&String::from_utf8_lossy(bytes));
}

/// A request to coord-helper.
pub fn helper_request(bytes: &[u8]) {
    let _ = helper::parse(bytes);
}

/// What a server says to the NULL call; the number of the call is the one in the reply, and another.
pub fn rpc_reply(bytes: &[u8]) {
    let number = bytes.get(4..8).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes);
    for number in [number, 1] {
        let whole = rpc::parse_reply(bytes, number);
        // A stream comes in pieces: what was decided by the beginning stays so.
        let half = rpc::parse_reply(&bytes[..bytes.len() / 2], number);
        assert!(half == rpc::RpcReply::Incomplete || half == whole, "{half:?} became {whole:?}");
    }
}

/// fdinfo of a DRM client.
pub fn drm_fdinfo(bytes: &[u8]) {
    let _ = fdinfo::parse(bytes);
}

/// A uevent of the kernel.
pub fn uevent(bytes: &[u8]) {
    let _ = uevent::kind(bytes);
}
