//! The coordinator: knows the fleet, issues its identities, and remembers what must not be forgotten.

pub mod authority;
pub mod backup;
pub mod clock;
pub mod config;
pub mod data;
mod decisions;
mod declared;
pub mod folder;
pub mod kubernetes;
pub mod lock;
mod planned;
mod reconcile;
mod refusal;
mod registry;
pub mod serve;
mod state;
pub mod store;
pub mod telemetry;
mod views;
