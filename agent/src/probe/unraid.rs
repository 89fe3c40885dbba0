//! An Unraid host's own state, from the files that emhttpd keeps up to date. No disk is asked, so none wakes.

use coord_model::{
    Reading, Section, Unknown,
    section::{Parity, ParityReading, Share, ShareReading, Unraid, UnraidDisk, UnraidDiskReading, UnraidReading},
};

pub(crate) mod emhttp;

use crate::host::Host;
use emhttp::{Entries, Table};

/// Present on every Unraid system and nowhere else.
const VERSION: &str = "/etc/unraid-version";
const VARIABLES: &str = "/var/local/emhttp/var.ini";
const DISKS: &str = "/var/local/emhttp/disks.ini";
const SHARES: &str = "/var/local/emhttp/shares.ini";
const EXPORTS: &str = "/var/local/emhttp/sec_nfs.ini";

/// Reads emhttpd's files.
pub(crate) fn probe(host: &Host) -> Section<Unraid> {
    let reading = if host.exists(VERSION) { read(host) } else { elsewhere() };
    Section::read("/var/local/emhttp/{var,disks,shares,sec_nfs}.ini", reading.into())
}

fn read(host: &Host) -> UnraidReading {
    let variables = table(host, VARIABLES).map(|table| table.top);
    let exports = table(host, EXPORTS).map(|table| table.sections);
    UnraidReading {
        version: table(host, VERSION).and_then(|table| text(&table.top, "version")),
        array_state: variables.as_ref().map_err(Clone::clone).and_then(|entries| text(entries, "mdState")),
        parity: variables.as_ref().map_err(Clone::clone).map(|entries| parity(entries, host.wall())),
        mover_running: variables.as_ref().map_err(Clone::clone).and_then(|entries| yes(entries, "shareMoverActive")),
        shares: table(host, SHARES).map(|table| shares(&table.sections, &exports)),
        disks: table(host, DISKS).map(|table| disks(&table.sections)),
    }
}

fn elsewhere() -> UnraidReading {
    let reason = Unknown::not_applicable("not an Unraid host");
    UnraidReading {
        version: Err(reason.clone()),
        array_state: Err(reason.clone()),
        parity: Err(reason.clone()),
        mover_running: Err(reason.clone()),
        shares: Err(reason.clone()),
        disks: Err(reason),
    }
}

fn table(host: &Host, path: &str) -> Reading<Table> {
    // A label of a disk that is not UTF-8 costs its odd characters and not the file.
    let table = emhttp::parse(&String::from_utf8_lossy(&host.read(path)?));
    if table.is_empty() { Err(Unknown::error(format!("{path} holds no values"))) } else { Ok(table) }
}

/// A value that is there and not empty.
fn text(entries: &Entries, key: &str) -> Reading<String> {
    entries
        .get(key)
        .filter(|value| !value.is_empty())
        .cloned()
        .ok_or_else(|| Unknown::absent(format!("no value {key}")))
}

fn number(entries: &Entries, key: &str) -> Reading<u64> {
    let value = text(entries, key)?;
    value.parse().map_err(|_| Unknown::error(format!("{key} is not a number: {value}")))
}

/// emhttpd counts space in KiB.
fn kibibytes(entries: &Entries, key: &str) -> Reading<u64> {
    Ok(number(entries, key)?.saturating_mul(1024))
}

/// `yes` or `1`, `no` or `0`.
fn yes(entries: &Entries, key: &str) -> Reading<bool> {
    match text(entries, key)?.as_str() {
        "yes" | "1" => Ok(true),
        "no" | "0" => Ok(false),
        other => Err(Unknown::error(format!("{key} is neither yes nor no: {other}"))),
    }
}

/// A check runs while the driver has a position (mdResyncPos).
fn parity(entries: &Entries, now: Reading<f64>) -> Parity {
    let position = number(entries, "mdResyncPos");
    let running = position.as_ref().map(|position| *position > 0).map_err(Clone::clone);
    let progress = match (running.clone(), number(entries, "mdResyncSize")) {
        (Ok(false), _) => Err(Unknown::absent("no check runs")),
        (Err(reason), _) | (Ok(true), Err(reason)) => Err(reason),
        (Ok(true), Ok(0)) => Err(Unknown::error("mdResyncSize is 0 while a check runs")),
        (Ok(true), Ok(size)) => position.map(|position| percent(position, size)),
    };
    ParityReading {
        running,
        progress_percent: progress,
        errors: number(entries, "sbSyncErrs"),
        action: text(entries, "mdResyncAction"),
        last_result: last_result(entries),
        last_ended_seconds: last_ended(entries, now),
    }
    .into()
}

/// sbSyncExit: 0 for one that ran to its end, -4 (EINTR) for one that somebody stopped, else another errno.
fn last_result(entries: &Entries) -> Reading<String> {
    number(entries, "sbSynced2").and_then(ended)?;
    Ok(match text(entries, "sbSyncExit")?.as_str() {
        "0" => "completed".to_string(),
        "-4" => "aborted".to_string(),
        other => format!("failed: {other}"),
    })
}

/// sbSynced2 is when the last one ended, in seconds since 1970.
fn last_ended(entries: &Entries, now: Reading<f64>) -> Reading<f64> {
    let ended = number(entries, "sbSynced2").and_then(ended)?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 are far below 2^53 in any file that makes sense"
    )]
    let age = now? - ended as f64;
    if age < 0.0 { Err(Unknown::error("the last check ended in the future: the clock is wrong")) } else { Ok(age) }
}

fn ended(seconds: u64) -> Reading<u64> {
    if seconds == 0 { Err(Unknown::absent("no check has ended yet")) } else { Ok(seconds) }
}

#[expect(clippy::cast_precision_loss, reason = "a share of two counts of KiB is no fine figure")]
fn percent(position: u64, size: u64) -> f64 {
    position as f64 * 100.0 / size as f64
}

fn shares(sections: &[(String, Entries)], exports: &Reading<Vec<(String, Entries)>>) -> Vec<Share> {
    let exported = |name: &str| {
        let rows = exports.as_ref().map_err(Clone::clone)?;
        let row = rows.iter().find(|(share, _)| share == name);
        // `e` exports, `eh` exports hidden, `-` does not.
        Ok(row.and_then(|(_, entries)| entries.get("export")).is_some_and(|value| value.starts_with('e')))
    };
    let row = |(name, entries): &(String, Entries)| {
        ShareReading { name: Ok(name.clone()), free_bytes: kibibytes(entries, "free"), exported: exported(name) }.into()
    };
    sections.iter().map(row).collect()
}

/// Every slot that has, or should have, a disk; emhttpd also lists the slots that were never filled.
fn disks(sections: &[(String, Entries)]) -> Vec<UnraidDisk> {
    let filled = |entries: &Entries| ["device", "id", "idSb"].iter().any(|key| text(entries, key).is_ok());
    sections.iter().filter(|(_, entries)| filled(entries)).map(|(name, entries)| disk(name, entries)).collect()
}

fn disk(name: &str, entries: &Entries) -> UnraidDisk {
    let spun_down = yes(entries, "spundown");
    UnraidDiskReading {
        name: Ok(name.to_string()),
        role: text(entries, "type"),
        device: text(entries, "device"),
        model: text(entries, "id"),
        status: text(entries, "status"),
        celsius: celsius(entries, spun_down == Ok(true)),
        spun_down,
        errors: number(entries, "numErrors"),
        size_bytes: kibibytes(entries, "size"),
        free_bytes: kibibytes(entries, "fsFree"),
        rotational: yes(entries, "rotational"),
    }
    .into()
}

/// emhttpd writes `*` where it has no temperature, which for a disk that sleeps is the rule.
fn celsius(entries: &Entries, spun_down: bool) -> Reading<f64> {
    match text(entries, "temp")?.as_str() {
        "*" if spun_down => Err(Unknown::new(coord_model::ValueState::Asleep, "the disk is spun down")),
        "*" => Err(Unknown::absent("Unraid has no temperature of it")),
        value => value.parse().map_err(|_| Unknown::error(format!("temp is not a number: {value}"))),
    }
}

#[cfg(test)]
mod tests;
