//! Processor, memory, pressure, clock and power.

use coord_model::{
    Reading, Section, Unknown, ValueState, not_implemented,
    section::{self, SystemReading},
};

use crate::{host::Host, probe::platform::assigned};

mod memory;
mod power;
mod pressure;
mod processor;
mod sensor;

/// Reads the section.
pub(crate) fn probe(host: &Host) -> Section<section::System> {
    let load = host.text("/proc/loadavg");
    let memory = memory::memory(host);
    let clock = host.clock();
    let reading = SystemReading {
        processors: processor::count(host),
        processor_model: host.text("/proc/cpuinfo").and_then(|text| processor::model(&text)),
        load_1: number(&load, 0, "/proc/loadavg"),
        load_5: number(&load, 1, "/proc/loadavg"),
        load_15: number(&load, 2, "/proc/loadavg"),
        processor_busy_seconds: host.text("/proc/stat").and_then(|text| processor::busy_seconds(&text)),
        memory_total_bytes: memory.total,
        memory_available_bytes: memory.available,
        memory_source: memory.source,
        swap_total_bytes: memory.swap_total,
        swap_free_bytes: memory.swap_free,
        uptime_seconds: number(&host.text("/proc/uptime"), 0, "/proc/uptime"),
        boot_id: host.text("/proc/sys/kernel/random/boot_id"),
        processor_pressure: pressure::pressure(host, "cpu"),
        memory_pressure: pressure::pressure(host, "memory"),
        io_pressure: pressure::pressure(host, "io"),
        temperatures: sensor::temperatures(host),
        clock_synchronised: clock.clone().map(|clock| clock.synchronised),
        clock_offset_seconds: clock.map(|clock| clock.offset_seconds),
        reboot_needed: reboot_needed(host),
        reboot_reasons: reboot_reasons(host),
        unclean_boots: not_implemented(),
        kernel_stalls: not_implemented(),
        kernel_io_errors: not_implemented(),
        watchdog: watchdog(host),
        power: power::power(host),
    };
    Section::read("/proc, /sys", reading.into())
}

/// The `place`-th number of a line.
fn number(text: &Reading<String>, place: usize, path: &str) -> Reading<f64> {
    let text = text.as_ref().map_err(Clone::clone)?;
    let field = text.split_whitespace().nth(place).and_then(|field| field.parse::<f64>().ok());
    field.filter(|number| number.is_finite()).ok_or_else(|| Unknown::error(format!("{path} holds no number")))
}

/// Debian and its relatives leave a note (reboot-required of update-notifier and unattended-upgrades).
const NOTE: &str = "/run/reboot-required";

fn reboot_needed(host: &Host) -> Reading<bool> {
    if host.exists(NOTE) {
        return Ok(true);
    }
    let system = host.text("/etc/os-release").or_else(|_| host.text("/usr/lib/os-release")).unwrap_or_default();
    let family = [assigned(&system, "ID"), assigned(&system, "ID_LIKE")];
    if family.iter().flatten().any(|name| name.split(' ').any(|name| matches!(name, "debian" | "ubuntu"))) {
        return Ok(false);
    }
    Err(Unknown::not_applicable("this system leaves no note about restarts"))
}

fn reboot_reasons(host: &Host) -> Reading<Vec<String>> {
    match host.text("/run/reboot-required.pkgs") {
        Ok(text) => Ok(text.lines().map(str::to_string).collect()),
        Err(unknown) if unknown.state == ValueState::Absent && !host.exists(NOTE) => {
            Err(Unknown::absent("no restart is waited for"))
        }
        Err(unknown) => Err(unknown),
    }
}

/// `iTCO_wdt, inactive` (Documentation/ABI/testing/sysfs-class-watchdog).
fn watchdog(host: &Host) -> Reading<String> {
    let identity = host.text("/sys/class/watchdog/watchdog0/identity")?;
    Ok(match host.text("/sys/class/watchdog/watchdog0/state") {
        Ok(state) => format!("{identity}, {state}"),
        Err(_) => identity,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
