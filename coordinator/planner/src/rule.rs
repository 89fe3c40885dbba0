//! The rules, a file each. None knows the others; `fleet` says in which order they count.

pub(crate) mod accepted;
pub(crate) mod approval;
pub(crate) mod condition;
pub(crate) mod coordinator;
pub(crate) mod declared;
pub(crate) mod duplicate;
pub(crate) mod identity;
pub(crate) mod liveness;
pub(crate) mod share;
pub(crate) mod skew;
pub(crate) mod subject;
pub(crate) mod version;
