//! Pure judgement of a fleet: what was observed goes in, health, problems and waits come out.
//!
//! The crate cannot read a clock, a file or a socket, has ordered maps only, and cannot fail. [`fleet`] is a function:
//! the same observation gives the same answer, in whatever order its nodes come.

#![no_std]

extern crate alloc;

mod decisions;
mod desired;
mod fleet;
mod guest;
mod kubernetes;
mod observed;
mod plan;
mod planning;
mod rule;
mod span;
mod steady;
mod when;

pub use decisions::{Accepted, Decisions, Pause, Taken};
pub use desired::{
    Consent, Desired, LabelRule, MountDeclared, MountWay, NodeDeclared, OnFalse, Policy, Taint, TaintEffect,
};
pub use fleet::{Fleet, NodeHealth, fleet, healthy};
pub use guest::{Machine, Place, places};
pub use kubernetes::{
    FieldOwner, KubeNode, KubernetesObserved, LABEL_MANAGER, LabelAt, LabelUser, OWNED_TAINTS, Reach, Survey, TaintKey,
    UNINITIALISED, UserKind, VirtualAddressHolder, WriteLease, WriteOperation, WriteRefusal,
};
pub use observed::{ClusterFile, CoordinatorObserved, NetworkMount, NodeObserved, Observed, Pace, Sharing, Standing};
pub use plan::{Action, Cause, Change, Held, Kept, Plan, Proposal, TimedWait, label_subject, taint_subject};
pub use planning::plan;
pub use rule::accepted::{accepted, may_be_accepted};
pub use span::span;
pub use steady::{
    CALM_AFTER, CHANGES, FactAt, GAINED_AFTER, Judged, LOST_AFTER, Memories, Memory, QUIET, Said, fold, judged,
};
pub use when::{Comparison, Fact, Kind, Literal, ParseFailure, Truth, When};
