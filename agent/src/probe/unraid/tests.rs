//! What becomes of emhttpd's values, whole and broken.

use coord_model::ValueState;

use super::*;

const NOW: Reading<f64> = Ok(1_000.0);

fn entries(text: &str) -> Entries {
    emhttp::parse(text).top
}

#[test]
fn a_running_check_has_progress_and_a_finished_one_has_none() {
    let running = parity(&entries("mdResyncPos=\"50\"\nmdResyncSize=\"200\"\nsbSyncErrs=\"3\""), NOW);
    assert_eq!((running.running, running.progress_percent, running.errors), (Some(true), Some(25.0), Some(3)));
    let idle = parity(&entries("mdResyncPos=\"0\"\nmdResyncSize=\"200\"\nsbSyncErrs=\"0\""), NOW);
    assert_eq!((idle.running, idle.progress_percent), (Some(false), None));
    assert_eq!(idle.unknown["progressPercent"].state, ValueState::Absent);
}

#[test]
fn a_broken_check_is_explained_and_never_divides_by_nothing() {
    let broken = parity(&entries("mdResyncPos=\"7\"\nmdResyncSize=\"0\"\nsbSyncErrs=\"x\""), NOW);
    assert_eq!(broken.unknown["progressPercent"].state, ValueState::Error);
    assert_eq!(broken.unknown["errors"].state, ValueState::Error);
    assert_eq!(parity(&entries(""), NOW).unknown.len(), 6);
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

#[test]
fn the_last_check_has_an_end_and_a_result() {
    let of = |exit: &str, ended: &str| {
        parity(&entries(&format!("sbSyncExit=\"{exit}\"\nsbSynced2=\"{ended}\"\nmdResyncAction=\"check P\"")), NOW)
    };
    let done = of("0", "900");
    assert_eq!((done.last_result.as_deref(), done.last_ended_seconds), (Some("completed"), Some(100.0)));
    assert_eq!(done.action.as_deref(), Some("check P"));
    assert_eq!(of("-4", "900").last_result.as_deref(), Some("aborted"));
    assert_eq!(of("-5", "900").last_result.as_deref(), Some("failed: -5"));
    let never = of("0", "0");
    assert_eq!(never.unknown["lastResult"].state, ValueState::Absent);
    assert_eq!(never.unknown["lastEndedSeconds"].state, ValueState::Absent);
    assert_eq!(of("0", "2000").unknown["lastEndedSeconds"].state, ValueState::Error);
}

#[test]
fn a_word_that_is_neither_yes_nor_no_is_an_error() {
    assert_eq!(yes(&entries("a=\"no\""), "a"), Ok(false));
    assert_eq!(yes(&entries("a=\"maybe\""), "a").unwrap_err().state, ValueState::Error);
}

#[test]
fn a_label_that_is_not_text_costs_itself() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("root/var/local/emhttp");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("disks.ini"), b"[\"disk1\"]\ndevice=\"sdb\"\nid=\"\xff\xfe\"\n").unwrap();
    std::fs::write(folder.path().join("answers.json"), "{\"schema\": 1}").unwrap();
    let table = table(&Host::recorded(folder.path()).unwrap(), DISKS).unwrap();
    assert_eq!(disks(&table.sections)[0].device.as_deref(), Some("sdb"));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(\\PC|\n|=|\"|\\[|\\]|mdResyncPos|mdResyncSize){0,200}") {
        let table = emhttp::parse(&text);
        let _ = parity(&table.top, NOW);
        let _ = shares(&table.sections, &Ok(table.sections.clone()));
        let _ = disks(&table.sections);
    }
}
