//! Lane `kernel`: what the kernel's log of this boot says of stalls and broken disks (Documentation/ABI/testing/dev-kmsg).

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
};

use coord_model::{Reading, Unknown};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    sys::stat::{major, minor},
};

use super::ground::Ground;
use crate::host::{KernelLog, unknown_io};

const LOG: &str = "/dev/kmsg";
/// Its numbers (Documentation/admin-guide/devices.txt).
const NUMBERS: (u64, u64) = (1, 11);
/// Larger than any record: the kernel refuses a reader that could not take a whole one.
const RECORD: usize = 16 << 10;
/// The most of the log that is read; the kernel's buffer is smaller unless somebody made it huge.
const LARGEST: u64 = 16 << 20;
/// The most disks that are told.
const MOST_DISKS: usize = 64;

/// Reads from the oldest record that the kernel still has to the newest. A kernel that has forgotten records, or has
/// left some out because they came too fast, has had more than is counted here.
pub(super) fn read(ground: &Ground) -> Reading<KernelLog> {
    count_all(open(ground)?)
}

/// Opens the log itself. In a container the name often stands for a console or for /dev/null: reading those would take
/// what somebody types, and would find no stall in them.
fn open(ground: &Ground) -> Reading<fs::File> {
    let (place, failed) = (ground.place(LOG), |error: std::io::Error| unknown_io(LOG, &error));
    is_log(&fs::symlink_metadata(&place).map_err(failed)?)?;
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_NOFOLLOW).bits();
    fs::OpenOptions::new().read(true).custom_flags(flags).open(place).map_err(failed)
}

/// Whether a node is the kernel's log.
fn is_log(data: &fs::Metadata) -> Reading<()> {
    if data.file_type().is_char_device() && (major(data.rdev()), minor(data.rdev())) == NUMBERS {
        return Ok(());
    }
    let what = if data.is_symlink() { "a link to something else" } else { "another file" };
    Err(Unknown::absent(format!("{LOG} is {what} and not the kernel's log")))
}

fn count_all(log: impl Read) -> Reading<KernelLog> {
    let mut records = BufReader::with_capacity(RECORD, log).take(LARGEST);
    let (mut log, mut line) = (KernelLog::default(), Vec::new());
    loop {
        line.clear();
        match records.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(log),
            Ok(_) => count(&mut log, &line),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(log),
            // EPIPE: the next record was overwritten before it was read; the one after it follows.
            Err(error) if error.raw_os_error() == Some(Errno::EPIPE as i32) => {}
            Err(error) => return Err(unknown_io(LOG, &error)),
        }
    }
}

/// Counts one record.
fn count(log: &mut KernelLog, record: &[u8]) {
    let record = String::from_utf8_lossy(record);
    let Some(text) = message(&record) else { return };
    if is_stall(text) {
        log.stalls = log.stalls.saturating_add(1);
    }
    if let Some(disk) = broken_disk(text) {
        log.io_errors = log.io_errors.saturating_add(1);
        if log.io_errors_by_disk.len() < MOST_DISKS || log.io_errors_by_disk.contains_key(disk) {
            let errors = log.io_errors_by_disk.entry(disk.to_string()).or_default();
            *errors = errors.saturating_add(1);
        }
    }
}

/// The text of a record by the kernel itself: `PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;TEXT`, where the priority's
/// facility is 0. Programs that write to the log cannot have that facility.
fn message(record: &str) -> Option<&str> {
    let (prefix, text) = record.split_once(';')?;
    let priority: u32 = prefix.split(',').next()?.parse().ok()?;
    (priority < 8).then(|| text.trim_end())
}

/// Documentation/RCU/stallwarn.rst, Documentation/admin-guide/lockup-watchdogs.rst, kernel/hung_task.c.
fn is_stall(text: &str) -> bool {
    let rcu = text.contains("self-detected stall on CPU")
        || text.contains("detected stalls on CPUs/tasks")
        || text.contains("detected expedited stalls on CPUs/tasks");
    let lockup = text.contains("BUG: soft lockup - CPU#") || text.contains("Watchdog detected hard LOCKUP on cpu");
    let hung = text.starts_with("INFO: task ") && text.contains(" blocked for more than ");
    rcu || lockup || hung
}

/// The disk of a failed request: `I/O error, dev sda, sector 2048 …` (block/blk-core.c, blk_errors). The buffer errors
/// that follow it are the same failure. Floppy and optical drives say it of a missing medium.
fn broken_disk(text: &str) -> Option<&str> {
    let (what, rest) = text.split_once(" error, dev ")?;
    let kinds = ["I/O", "critical medium", "critical target", "critical nexus", "timeout", "recoverable transport"];
    let known =
        kinds.iter().any(|kind| what.strip_suffix(kind).is_some_and(|start| start.is_empty() || start.ends_with(' ')));
    let (disk, place) = rest.split_once(',')?;
    let is_name =
        (1..=32).contains(&disk.len()) && disk.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    let removable = disk.starts_with("fd") || disk.starts_with("sr");
    (known && is_name && !removable && place.starts_with(" sector ")).then_some(disk)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{super::ground::tests::machine, *};

    const TEXT: &str = "6,1,100,-;Linux version 6.12\n\
        3,2,200,-;rcu: INFO: rcu_preempt self-detected stall on CPU\n\
        0,3,300,-;watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [kworker/1:1:77]\n\
        3,4,400,-;INFO: task nfsd:1234 blocked for more than 120 seconds.\n\
        3,5,500,-;I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2\n SUBSYSTEM=block\n DEVICE=b8:0\n\
        3,6,600,-;blk_update_request: critical medium error, dev sda, sector 9 op 0x0:(READ)\n\
        3,7,700,-;Buffer I/O error on dev sda1, logical block 256, async page read\n\
        3,8,800,-;I/O error, dev fd0, sector 0 op 0x0:(READ)\n\
        3,9,900,-;I/O error, dev nvme0n1, sector 7 op 0x1:(WRITE)\n\
        11,10,950,-;I/O error, dev sdz, sector 7 by a program\n\
        12,11,960,-;INFO: task evil:1 blocked for more than 120 seconds.\n";

    #[test]
    fn stalls_and_failed_requests_are_counted_by_disk() {
        let log = count_all(TEXT.as_bytes()).unwrap();
        let disks = BTreeMap::from([("nvme0n1".to_string(), 1), ("sda".to_string(), 2)]);
        assert_eq!(log, KernelLog { stalls: 3, io_errors: 3, io_errors_by_disk: disks });
    }

    #[test]
    fn a_log_that_may_not_be_read_has_no_counts() {
        let (_folder, ground) = machine(&[]);
        assert_eq!(read(&ground).unwrap_err().state, coord_model::ValueState::Absent);
    }

    #[test]
    fn what_only_has_its_name_is_not_read() {
        let (_folder, ground) = machine(&[(LOG, TEXT)]);
        assert!(read(&ground).unwrap_err().message.contains("another file"));
        fs::remove_file(ground.place(LOG)).unwrap();
        std::os::unix::fs::symlink("/dev/null", ground.place(LOG)).unwrap();
        let reason = read(&ground).unwrap_err();
        assert_eq!(reason, Unknown::absent("/dev/kmsg is a link to something else and not the kernel's log"));
        assert!(is_log(&fs::metadata("/dev/null").unwrap()).is_err());
    }

    #[test]
    fn a_thousand_disks_are_not_kept_apart() {
        let text: String = (0..1000).map(|number| format!("3,1,1,-;I/O error, dev sd{number}, sector 1\n")).collect();
        let log = count_all(text.as_bytes()).unwrap();
        assert_eq!((log.io_errors, log.io_errors_by_disk.len()), (1000, MOST_DISKS));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes: Vec<u8>) {
            count(&mut KernelLog::default(), &bytes);
        }

        #[test]
        fn no_record_breaks_it(priority: u32, text in ".*") {
            count(&mut KernelLog::default(), format!("{priority},1,1,-;{text}").as_bytes());
            count(&mut KernelLog::default(), format!("3,1,1,-;I/O error, dev {text}, sector 1").as_bytes());
        }
    }
}
