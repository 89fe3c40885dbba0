//! What the tests, the demonstration and the benchmarks share: a lab of real processes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a lab that cannot be set up has nothing to say to anybody"
)]

pub mod accept;
pub mod bench;
pub mod bystander;
pub mod clock;
pub mod control_plane;
pub mod count;
pub mod demo;
pub mod elsewhere;
pub mod foreign;
pub mod frames;
pub mod fuse;
pub mod fuzz;
pub mod join;
pub mod lab;
pub mod machine;
pub mod peer;
pub mod proxy;
pub mod raw;
pub mod recording;
pub mod scripted;
pub mod skip;
pub mod strace;
pub mod virtual_machine;
