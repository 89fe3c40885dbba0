//! What only a real Kubernetes control plane can show.

#![allow(clippy::unwrap_used, reason = "a test ends where something fails")]

mod control_plane;
mod edge;
mod home;
mod labels;
mod packaging;
mod resource;
mod rights;
