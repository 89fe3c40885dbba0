//! What becomes of emhttpd's values, whole and broken.

use coord_model::ValueState;

use super::*;

fn entries(text: &str) -> Entries {
    emhttp::parse(text).top
}

#[test]
fn a_running_check_has_progress_and_a_finished_one_has_none() {
    let running = parity(&entries("mdResyncPos=\"50\"\nmdResyncSize=\"200\"\nsbSyncErrs=\"3\""));
    assert_eq!((running.running, running.progress_percent, running.errors), (Some(true), Some(25.0), Some(3)));
    let idle = parity(&entries("mdResyncPos=\"0\"\nmdResyncSize=\"200\"\nsbSyncErrs=\"0\""));
    assert_eq!((idle.running, idle.progress_percent), (Some(false), None));
    assert_eq!(idle.unknown["progressPercent"].state, ValueState::Absent);
}

#[test]
fn a_broken_check_is_explained_and_never_divides_by_nothing() {
    let broken = parity(&entries("mdResyncPos=\"7\"\nmdResyncSize=\"0\"\nsbSyncErrs=\"x\""));
    assert_eq!(broken.unknown["progressPercent"].state, ValueState::Error);
    assert_eq!(broken.unknown["errors"].state, ValueState::Error);
    assert_eq!(parity(&entries("")).unknown.len(), 3);
}

#[test]
fn a_sleeping_disk_has_no_temperature_and_is_no_error() {
    let disk = disk("disk1", &entries("device=\"sdb\"\nspundown=\"1\"\ntemp=\"*\"\nstatus=\"DISK_OK\"\nsize=\"4\""));
    assert_eq!(disk.unknown["celsius"].state, ValueState::Asleep);
    assert_eq!((disk.spun_down, disk.size_bytes), (Some(true), Some(4096)));
}

#[test]
fn slots_that_were_never_filled_are_left_out_and_lost_disks_are_not() {
    let text = "[\"disk1\"]\ndevice=\"\"\nid=\"\"\nidSb=\"\"\nstatus=\"DISK_NP\"\n\
                [\"disk2\"]\ndevice=\"\"\nid=\"\"\nidSb=\"WDC_1\"\nstatus=\"DISK_NP_MISSING\"\n";
    let rows = disks(&emhttp::parse(text).sections);
    assert_eq!(rows.iter().filter_map(|row| row.name.as_deref()).collect::<Vec<_>>(), ["disk2"]);
}

#[test]
fn exports_are_unknown_when_their_file_is() {
    let sections = emhttp::parse("[\"media\"]\nfree=\"8\"").sections;
    let exports = emhttp::parse("[\"media\"]\nexport=\"eh\"").sections;
    assert_eq!(shares(&sections, &Ok(exports))[0].exported, Some(true));
    assert_eq!(shares(&sections, &Ok(Vec::new()))[0].exported, Some(false));
    let hidden = shares(&sections, &Err(Unknown::denied("no")));
    assert_eq!(hidden[0].unknown["exported"].state, ValueState::Denied);
}
