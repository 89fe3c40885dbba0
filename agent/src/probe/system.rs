//! Processor, memory, pressure, clock and power.

use coord_model::{
    Reading, Section, Unknown, ValueState,
    section::{self, SystemReading},
};

use crate::host::{Clock, Host};

mod boots;
mod cgroup;
mod memory;
mod power;
mod pressure;
mod processor;
mod restart;
mod sensor;
mod watchdog;

/// Reads the section.
pub(crate) fn probe(host: &Host) -> Section<section::System> {
    let load = host.text("/proc/loadavg");
    let cgroup = cgroup::cgroup(host);
    let memory = memory::memory(host, &cgroup);
    let log = host.root_fact(|answers| &answers.kernel_log);
    let clock = clock(host);
    let reading = SystemReading {
        processors: processor::count(host, &cgroup),
        processor_model: host.text("/proc/cpuinfo").and_then(|text| processor::model(&text)),
        load_1: number(&load, 0, "/proc/loadavg"),
        load_5: number(&load, 1, "/proc/loadavg"),
        load_15: number(&load, 2, "/proc/loadavg"),
        load_source: load.as_ref().map(|_| load_source(&cgroup)).map_err(Clone::clone),
        processor_busy_seconds: processor::busy(host, &cgroup),
        memory_total_bytes: memory.total,
        memory_available_bytes: memory.available,
        memory_source: memory.source,
        swap_total_bytes: memory.swap_total,
        swap_free_bytes: memory.swap_free,
        uptime_seconds: number(&host.text("/proc/uptime"), 0, "/proc/uptime"),
        boot_id: host.text("/proc/sys/kernel/random/boot_id"),
        processor_pressure: pressure::pressure(host, &cgroup, "cpu"),
        memory_pressure: pressure::pressure(host, &cgroup, "memory"),
        io_pressure: pressure::pressure(host, &cgroup, "io"),
        temperatures: sensor::temperatures(host),
        clock_synchronised: clock.clone().map(|clock| clock.synchronised),
        clock_offset_seconds: clock.map(|clock| clock.offset_seconds),
        reboot_needed: restart::needed(host),
        reboot_reasons: restart::reasons(host),
        unclean_boots: boots::unclean(host),
        kernel_stalls: log.as_ref().map(|log| log.stalls).map_err(Clone::clone),
        kernel_io_errors: log.map(|log| log.io_errors),
        watchdog: watchdog::watchdog(host),
        power: power::power(host),
    };
    Section::read("/proc, /sys", reading.into())
}

/// What the kernel says of its clock, by way of the helper where this process may not ask: the filter of the agent's
/// unit cannot tell the call that reads the clock from the one that sets it.
fn clock(host: &Host) -> Reading<Clock> {
    match host.clock() {
        Err(reason) if reason.state == ValueState::Denied => host.root_fact(|answers| &answers.clock),
        known => known,
    }
}

/// The `place`-th number of a line.
fn number(text: &Reading<String>, place: usize, path: &str) -> Reading<f64> {
    let text = text.as_ref().map_err(Clone::clone)?;
    let field = text.split_whitespace().nth(place).and_then(|field| field.parse::<f64>().ok());
    field.filter(|number| number.is_finite()).ok_or_else(|| Unknown::error(format!("{path} holds no number")))
}

/// Whose load /proc/loadavg is. lxcfs answers for the container only when it was started with `-l`.
fn load_source(cgroup: &cgroup::Cgroup) -> String {
    let path = "/proc/loadavg";
    match (cgroup.inside, cgroup.veiled(path)) {
        (_, true) => format!("{path} of lxcfs: the host's, unless lxcfs runs with -l"),
        (true, false) => format!("{path}: the host's"),
        (false, false) => path.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a clock that this process may not ask about, by what the helper says.
    fn denied(helper: &str) -> Reading<Clock> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("root")).unwrap();
        let refused = r#"{"unknown": {"state": "denied", "message": "adjtimex: no"}}"#;
        let answers = format!(r#"{{"schema": 1, "clock": {refused}, "helper": {helper}}}"#);
        std::fs::write(folder.path().join("answers.json"), answers).unwrap();
        clock(&Host::recorded(folder.path()).unwrap())
    }

    #[test]
    fn a_clock_that_may_not_be_asked_is_asked_by_the_helper() {
        let known = Clock { synchronised: true, offset_seconds: 0.5 };
        assert_eq!(denied(r#"{"clock": {"synchronised": true, "offsetSeconds": 0.5}}"#), Ok(known));
        assert_eq!(denied("{}").unwrap_err().state, ValueState::Denied);
    }

    #[test]
    fn numbers_are_taken_from_their_place_or_refused() {
        let text = Ok("0.90 1.5 x inf".to_string());
        assert_eq!(number(&text, 0, "/p"), Ok(0.9));
        assert_eq!(number(&text, 2, "/p"), Err(Unknown::error("/p holds no number")));
        assert!(number(&text, 3, "/p").is_err() && number(&text, 9, "/p").is_err());
        assert!(number(&Ok(String::new()), 0, "/p").is_err());
        assert_eq!(number(&Err(Unknown::absent("x")), 0, "/p"), Err(Unknown::absent("x")));
    }
}
