//! Problems of the agent, the system and Unraid.

use alloc::{format, vec::Vec};

use crate::{
    Code, Problem, Report,
    section::{System, Temperature},
};

/// Percent of a minute in which every program waited for memory.
const MUCH_PRESSURE: f64 = 10.0;
/// Below this many degrees a critical temperature is a mistake of the sensor.
const COLD: f64 = 50.0;

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

/// Clock, restarts, stalls, heat, memory and power.
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
    problems.extend(unclean_boots(system));
    problems.extend(kernel_stalls(system));
    problems.extend(system.temperatures.iter().flatten().filter_map(hot));
    problems.extend(memory_pressure(system));
    power(system, problems);
}

fn unclean_boots(system: &System) -> Option<Problem> {
    let boots = system.unclean_boots.filter(|boots| *boots > 0)?;
    let times = if boots == 1 { "once".into() } else { format!("{boots} times") };
    let message = format!("it started {times} in 30 days without a clean stop before");
    let watchdog = system.watchdog.as_ref().map(|watchdog| format!("; its watchdog: {watchdog}")).unwrap_or_default();
    Some(Problem::new(Code::UncleanBoots, "", message + &watchdog).hint("journalctl -b -1 -n 50"))
}

fn kernel_stalls(system: &System) -> Option<Problem> {
    let stalls = system.kernel_stalls.filter(|stalls| *stalls > 0)?;
    let message = format!("the kernel's log has {stalls} stalls and hung tasks since boot");
    let hint = "journalctl -k | grep -E 'rcu.*stall|soft lockup|blocked for more than'";
    Some(Problem::new(Code::KernelStalls, "", message).hint(hint))
}

fn hot(sensor: &Temperature) -> Option<Problem> {
    let (now, limit) = (sensor.celsius?, sensor.critical_celsius?);
    if limit < COLD || now < limit {
        return None;
    }
    let name = sensor.name.as_deref().unwrap_or("a sensor");
    let message = format!("{name} is at {now:.0} °C; it protects itself at {limit:.0} °C");
    Some(Problem::new(Code::TemperatureCritical, "", message).hint("look at fans, dust and airflow"))
}

/// Both averages, so that a burst that is over, or has just begun, is none.
fn memory_pressure(system: &System) -> Option<Problem> {
    let pressure = system.memory_pressure.as_ref()?;
    let (now, minute) = (pressure.full_10?, pressure.full_60?);
    if now < MUCH_PRESSURE || minute < MUCH_PRESSURE {
        return None;
    }
    let message = format!("every program waited for memory during {minute:.0} % of the last minute");
    Some(Problem::new(Code::MemoryPressure, "", message).hint("ps -eo rss,comm --sort=-rss | head"))
}

/// Too little voltage, and what follows from it.
fn power(system: &System, problems: &mut Vec<Problem>) {
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

#[cfg(test)]
mod tests;
