//! What `make bench` measures.

pub mod agent;
pub mod fleet;
pub mod load;
pub mod machine;
pub mod process;
