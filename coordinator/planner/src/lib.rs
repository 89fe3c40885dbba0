//! Pure judgement of a fleet: what was observed goes in, health, problems and waits come out.
//!
//! The crate cannot read a clock, a file or a socket, has ordered maps only, and cannot fail. [`fleet`] is a function:
//! the same observation gives the same answer, in whatever order its nodes come.

#![no_std]

extern crate alloc;

mod fleet;
mod observed;
mod rule;
mod span;

pub use fleet::{Fleet, NodeHealth, fleet, healthy};
pub use observed::{CoordinatorObserved, NodeObserved, Observed, Pace, Standing};
pub use span::span;
