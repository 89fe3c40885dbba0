//! What the rest of the coordinator stands on: data folder, store, authority, backup. Temporary folders only.
#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

#[path = "ground/authority.rs"]
mod authority;
#[path = "ground/backup.rs"]
mod backup;
#[path = "ground/data.rs"]
mod data;
#[path = "ground/enrolment.rs"]
mod enrolment;
#[path = "ground/nodes.rs"]
mod nodes;
#[path = "ground/rejoin.rs"]
mod rejoin;
#[path = "ground/scene.rs"]
mod scene;
#[path = "ground/tokens.rs"]
mod tokens;
