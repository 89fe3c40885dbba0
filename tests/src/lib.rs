//! What the tests, the demonstration and the benchmarks share: a lab of real processes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a lab that cannot be set up has nothing to say to anybody")]

pub mod bench;
pub mod bystander;
pub mod count;
pub mod demo;
pub mod foreign;
pub mod join;
pub mod lab;
pub mod peer;
pub mod proxy;
pub mod skip;
