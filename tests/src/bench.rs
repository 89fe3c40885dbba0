//! What `make bench` measures.

pub mod agent;
mod coord_helper;
pub mod events;
mod exporter;
pub mod fleet;
pub mod idle;
pub mod kubernetes;
pub mod load;
pub mod machine;
pub mod process;
