//! Problems of the agent, the system and Unraid.

use alloc::{format, vec::Vec};

use crate::{Code, Problem, Report};

/// The agent's own configuration and rights.
pub(super) fn agent(report: &Report, problems: &mut Vec<Problem>) {
    let Some(agent) = report.agent.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    if let Some(error) = &agent.configuration_error {
        let message = format!("the agent runs on defaults: {error}");
        problems.push(Problem::new(Code::ConfigInvalid, "", message));
    }
    if agent.root == Some(true) {
        problems.push(Problem::new(Code::AgentIsRoot, "", "the agent runs as root, which it does not need"));
    }
}

/// Clock, power and restarts.
pub(super) fn system(report: &Report, problems: &mut Vec<Problem>) {
    let Some(system) = report.system.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    if system.clock_synchronised == Some(false) {
        problems.push(Problem::new(
            Code::ClockUnsynchronised,
            "",
            "the kernel says that the clock is not synchronised",
        ));
    }
    if system.reboot_needed == Some(true) {
        problems.push(Problem::new(Code::RebootNeeded, "", "an update waits for a restart"));
    }
    let Some(power) = &system.power else { return };
    if power.undervoltage == Some(true) {
        let message = "the power supply gives too little voltage now";
        problems.push(
            Problem::new(Code::Undervoltage, "", message).hint("use the official power supply and a short cable"),
        );
    } else if power.undervoltage_seen == Some(true) {
        let message = "the power supply gave too little voltage at least once since boot";
        problems.push(
            Problem::new(Code::UndervoltageSeen, "", message).hint("use the official power supply and a short cable"),
        );
    }
    if power.throttled == Some(true) {
        problems.push(Problem::new(Code::Throttled, "", "the processor is slowed down now"));
    }
}

/// The array of an Unraid host.
pub(super) fn unraid(report: &Report, problems: &mut Vec<Problem>) {
    let Some(unraid) = report.unraid.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    match unraid.array_state.as_deref() {
        None | Some("STARTED") => {}
        Some(state) => {
            let message = format!("the Unraid array is not started: {state}");
            problems.push(Problem::new(Code::UnraidArrayStopped, "", message));
        }
    }
    for disk in unraid.disks.iter().flatten() {
        let name = disk.name.as_deref().unwrap_or("?");
        let status = disk.status.as_deref().unwrap_or("");
        if matches!(status, "DISK_DSBL" | "DISK_INVALID" | "DISK_WRONG" | "DISK_NP_DSBL" | "DISK_NP_MISSING") {
            let message = format!("disk {name} of the array is {status}");
            problems.push(Problem::new(Code::UnraidDiskFailed, format!("disk/{name}"), message));
        } else if disk.errors.is_some_and(|errors| errors > 0) {
            let message = format!("disk {name} of the array had {} I/O errors", disk.errors.unwrap_or(0));
            problems.push(Problem::new(Code::UnraidDiskFailed, format!("disk/{name}"), message));
        }
    }
    if let Some(errors) = unraid.parity.as_ref().and_then(|parity| parity.errors).filter(|errors| *errors > 0) {
        let message = format!("the last parity check found {errors} errors");
        problems.push(Problem::new(Code::UnraidParityErrors, "", message));
    }
}
