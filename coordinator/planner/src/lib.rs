//! Pure judgement of a fleet: what was observed goes in, health, problems and waits come out.
//!
//! The crate cannot read a clock, a file or a socket, has ordered maps only, and cannot fail. [`fleet`] is a function:
//! the same observation gives the same answer, in whatever order its nodes come.

#![no_std]

extern crate alloc;

mod desired;
mod fleet;
mod guest;
mod observed;
mod rule;
mod span;
mod when;

pub use desired::{
    Consent, Desired, LabelRule, MountDeclared, MountWay, NodeDeclared, OnFalse, Policy, Taint, TaintEffect,
};
pub use fleet::{Fleet, NodeHealth, fleet, healthy};
pub use guest::{Machine, Place, places};
pub use observed::{ClusterFile, CoordinatorObserved, NetworkMount, NodeObserved, Observed, Pace, Sharing, Standing};
pub use span::span;
pub use when::{Comparison, Fact, Kind, Literal, ParseFailure, Truth, When};
