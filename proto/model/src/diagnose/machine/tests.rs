//! When a machine has a problem, and when it only looks like one.

use alloc::{string::String, vec};

use super::*;
use crate::section::Pressure;

#[test]
fn one_unclean_boot_is_enough_and_the_watchdog_is_named() {
    assert_eq!(unclean_boots(&System { unclean_boots: Some(0), ..System::default() }), None);
    assert_eq!(unclean_boots(&System::default()), None);
    let watchdog = Some(String::from("Broadcom BCM2835 Watchdog timer, inactive"));
    let problem = unclean_boots(&System { unclean_boots: Some(3), watchdog, ..System::default() }).unwrap();
    assert_eq!(problem.code, Code::UncleanBoots);
    assert!(problem.message.contains("3 times") && problem.message.ends_with("inactive"), "{}", problem.message);
}

#[test]
fn stalls_of_the_kernel_are_told() {
    assert_eq!(kernel_stalls(&System { kernel_stalls: Some(0), ..System::default() }), None);
    let problem = kernel_stalls(&System { kernel_stalls: Some(2), ..System::default() }).unwrap();
    assert!(problem.message.contains("2 stalls"), "{}", problem.message);
}

#[test]
fn heat_is_a_problem_at_the_limit_that_the_hardware_names() {
    let sensor = |celsius, critical_celsius| Temperature { celsius, critical_celsius, ..Temperature::default() };
    assert!(hot(&sensor(Some(100.0), Some(100.0))).is_some());
    assert_eq!(hot(&sensor(Some(99.0), Some(100.0))), None);
    assert_eq!(hot(&sensor(Some(40.0), Some(0.0))), None);
    assert_eq!(hot(&sensor(Some(120.0), None)), None);
}

#[test]
fn a_burst_of_pressure_is_none() {
    let of = |now: f64, minute: f64| {
        let pressure = Pressure { full_10: Some(now), full_60: Some(minute), ..Pressure::default() };
        memory_pressure(&System { memory_pressure: Some(pressure), ..System::default() })
    };
    assert_eq!((of(80.0, 2.0), of(2.0, 80.0)), (None, None));
    assert_eq!(of(30.0, 20.0).unwrap().code, Code::MemoryPressure);
}

#[test]
fn everything_of_one_system_is_said_once() {
    let system = System { unclean_boots: Some(1), kernel_stalls: Some(1), ..System::default() };
    let report = Report { system: Some(crate::Section::read("test", system)), ..Report::default() };
    let mut problems = vec![];
    super::system(&report, &mut problems);
    assert_eq!(problems.len(), 2);
}
