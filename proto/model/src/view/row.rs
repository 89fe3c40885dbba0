//! The rows of the lists: one GPU, file system, mount, token or event each.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::words::words;

/// One GPU of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuRow {
    /// The node.
    pub node: String,
    /// Seconds since it was read.
    pub age_seconds: f64,
    /// The device.
    pub gpu: crate::section::GpuDevice,
}

/// One file system of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskRow {
    /// The node.
    pub node: String,
    /// Seconds since it was read.
    pub age_seconds: f64,
    /// The file system.
    pub filesystem: crate::section::Filesystem,
}

/// One network mount of one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountRow {
    /// The node.
    pub node: String,
    /// Seconds since it was read.
    pub age_seconds: f64,
    /// The mount.
    pub mount: crate::section::Mount,
}

words! {
    /// What became of a token.
    pub enum TokenState {
        /// Not used yet.
        Unused = 1 => "unused",
        /// A machine got in with it.
        Used = 2 => "used",
        /// Its time is over.
        Expired = 3 => "expired",
        /// Revoked by hand.
        Revoked = 4 => "revoked",
        /// Five wrong secrets were shown with its id.
        Locked = 5 => "locked",
    }
}

/// One token; its secret is not known to anybody but its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRow {
    /// The public half.
    pub id: String,
    /// `node` or `operator`.
    pub role: String,
    /// For whom; absent when the machine may choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What became of it.
    pub state: TokenState,
    /// When it was made.
    pub created: String,
    /// Until when it is, or was, good.
    pub expires: String,
    /// By whom it was made.
    pub created_by: String,
    /// Whether its user takes the name from another machine.
    pub replace: bool,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRow {
    /// Grows.
    pub id: u64,
    /// When it happened last.
    pub time: String,
    /// `node/NAME`, `token/ID`, `coordinator`.
    pub subject: String,
    /// One sentence.
    pub message: String,
    /// How often within a minute.
    pub count: u64,
}
