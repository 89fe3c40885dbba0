//! The words of Coord as plain data.
//!
//! Nothing here reads a clock, a file or a socket: the crate is `no_std`, has ordered maps only, and is the one
//! vocabulary of agent, coordinator and coordctl. `docs/ARCHITECTURE.md` shows where each word travels.

#![no_std]

extern crate alloc;

mod code;
mod conversation;
mod decision;
pub mod diagnose;
mod enrolment;
mod facts;
mod health;
mod problem;
mod report;
pub mod section;
mod settled;
mod text;
mod time;
mod view;
mod words;

pub use code::{Code, Explanation};
pub use conversation::{
    AgentMessage, Command, CommandAction, CoordinatorMessage, EndReason, Expect, ExpectedMount, Hello, MachineEvidence,
    Measure, Outcome, OutcomeResult, PROTOCOL, Refusal, Welcome,
};
pub use decision::{
    AcceptProblem, AdoptLabels, AdoptOneTaint, ApplyClusterFile, ApplyPlan, PauseSubject, ResumeSubject,
    WithdrawProblem,
};
pub use enrolment::{
    Approve, CreateToken, CreatedToken, Done, Enrol, Enrolled, NameNode, Nothing, RefreshNode, Rejoin, RenameNode,
    Renew, RevokeToken,
};
pub use facts::{Facts, Reading, Unknown, Unknowns, ValueState, json_name, not_implemented};
pub use health::Health;
pub use problem::{AcceptedView, Problem, Severity};
pub use report::{AnySection, Failure, Report, Section, SectionKind};
pub use settled::Settled;
pub use text::{MAXIMUM_TEXT, clean};
pub use time::{Boot, Moment, Wall};
pub use view::*;
