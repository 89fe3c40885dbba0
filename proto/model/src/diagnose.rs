//! What one machine can know of its own problems, so that agent and coordinator say the same.
//!
//! Each subject has a function from its facts to problems; nothing here knows other nodes.

use alloc::vec::Vec;

use crate::{AnySection, Code, Problem, Report};

mod container;
mod disk;
mod gpu;
mod k3s;
mod machine;
mod mounts;

/// Every problem that one report shows, worst first. Subjects are relative to the node: empty for the node itself,
/// `gpu/ADDRESS`, `mount/PATH`, `disk/PATH`.
#[must_use]
pub fn diagnose(report: &Report) -> Vec<Problem> {
    let mut problems = Vec::new();
    for section in report.sections() {
        broken(&section, &mut problems);
    }
    machine::agent(report, &mut problems);
    machine::system(report, &mut problems);
    gpu::gpu(report, &mut problems);
    disk::disk(report, &mut problems);
    mounts::mounts(report, &mut problems);
    k3s::k3s(report, &mut problems);
    machine::unraid(report, &mut problems);
    container::containers(report, &mut problems);
    problems.sort();
    problems
}

/// A section that failed or was cut.
fn broken(section: &AnySection, problems: &mut Vec<Problem>) {
    let kind = section.kind();
    if let Some(failure) = section.failure() {
        let message = alloc::format!("{kind} could not be read: {}", failure.message);
        problems.push(Problem::new(Code::SectionFailed, kind, message));
    }
    if section.truncated() > 0 {
        let message = alloc::format!("{} rows of {kind} were left out to keep it below 32 KiB", section.truncated());
        problems.push(Problem::new(Code::SectionTruncated, kind, message));
    }
}
