//! The thread, its queue, and a disk that is full.

use std::time::{Duration, Instant};

use coord_model::Wall;

use super::{
    events::{NewEvent, list},
    *,
};

const NOW: Wall = Wall(1_800_000_000_000);

fn event(number: u64) -> NewEvent {
    NewEvent::new(NOW, "node/a", &format!("event {number}"))
}

/// Waits until `ready` says so; a test fails after several times what it should take.
fn wait_until(ready: impl Fn() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < Duration::from_secs(60), "waited too long");
        std::thread::yield_now();
    }
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let instance = store.call_blocking(|database| meta::instance(database)).unwrap();
    store.append(event(1));
    store.stop();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.call_blocking(|database| meta::instance(database)).unwrap(), instance);
    let events = store.call_blocking(|database| list(database, 0, None, 10)).unwrap();
    assert_eq!(events.len(), 1);
}

#[test]
fn a_stop_does_not_wait_for_clones_and_they_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let clone = store.clone();
    store.stop();
    clone.stop();
    let refused = clone.call_blocking(|database| meta::epoch(database)).unwrap_err();
    assert!(matches!(refused, StoreError::Stopped));
    drop(Database::open(folder.path()).unwrap());
}

#[tokio::test]
async fn calls_from_async_code_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.call(|database| meta::epoch(database)).await.unwrap(), 1);
    store.call(|database| meta::remember_trusted(database, NOW)).await.unwrap();
    assert_eq!(store.call(|database| meta::newest_trusted(database)).await.unwrap(), Some(NOW));
}

#[test]
fn a_full_disk_stops_writing_only_and_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store
        .call_blocking(|database| -> Result<(), StoreError> {
            database.fill_up();
            Ok(())
        })
        .unwrap();
    let big = NewEvent { time: NOW, subject: "x".into(), message: "y".repeat(100_000) };
    let refused = store.call_blocking(move |database| events::write(database, &[big])).unwrap_err();
    assert!(refused.is_full(), "{refused:?}");
    assert!(!store.writable());
    assert_eq!(store.call_blocking(|database| meta::epoch(database)).unwrap(), 1, "reading goes on");
    store.append(NewEvent { time: NOW, subject: "x".into(), message: "z".repeat(100_000) });
    wait_until(|| store.events_lost() == 1);
    store
        .call_blocking(|database| -> Result<(), StoreError> {
            database.make_room();
            Ok(())
        })
        .unwrap();
    wait_until(|| store.writable());
    store.call_blocking(|database| events::write(database, &[event(1)])).unwrap();
}

#[test]
fn a_refused_replacement_leaves_the_revocations_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    let file = folder.path().join(revocations::REVOCATIONS_FILE);
    let revocation = |key: &str| revocations::Revocation { key_id: key.into(), serial: "1".into(), time: NOW };
    database.write(|writing| revocations::add(writing, revocation("first"))).unwrap();
    let before = std::fs::read_to_string(&file).unwrap();
    database.fill_up();
    let failed = database.write(|writing| {
        revocations::add(writing, revocation("second"))?;
        events::put(&writing.sql, &NewEvent { time: NOW, subject: "x".into(), message: "y".repeat(100_000) })
    });
    assert!(failed.unwrap_err().is_full());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    assert!(!revocations::is_revoked(&database, "second").unwrap());
}

#[test]
fn a_commit_that_fails_takes_its_line_back_out_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    let revocation = revocations::Revocation { key_id: "key".into(), serial: "1".into(), time: NOW };
    let failed = database.write(|writing| -> Result<(), StoreError> {
        revocations::add(writing, revocation)?;
        // A row that belongs to no node is found out at the commit only.
        writing.sql.execute_batch(
            "PRAGMA defer_foreign_keys = ON; INSERT INTO credentials (node, hash, serial, expires) VALUES ('x', x'', '', 0)",
        )?;
        Ok(())
    });
    assert!(!failed.unwrap_err().is_full());
    assert_eq!(std::fs::read_to_string(folder.path().join(revocations::REVOCATIONS_FILE)).unwrap(), "");
    assert!(!revocations::is_revoked(&database, "key").unwrap());
}

#[test]
fn a_revocation_that_only_the_file_knows_counts_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(Database::open(folder.path()).unwrap());
    let file = folder.path().join(revocations::REVOCATIONS_FILE);
    std::fs::write(&file, "key-a 01 1800000000000\nkey-b - 1800000000000\ntorn-by-a-power-c").unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    let all = revocations::all(&database).unwrap();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), ["key-a", "key-b"]);
    let next = revocations::Revocation { key_id: "key-c".into(), serial: String::new(), time: NOW };
    database.write(|writing| revocations::add(writing, next)).unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().ends_with("key-b - 1800000000000\nkey-c - 1800000000000\n"));
}

#[test]
fn a_line_that_is_no_revocation_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(revocations::REVOCATIONS_FILE);
    std::fs::write(&file, "key-a 01 1800000000000\nsomething else entirely\n").unwrap();
    let error = Database::open(folder.path()).unwrap_err();
    assert!(error.to_string().starts_with("line 2 of "), "{error}");
}

#[test]
fn more_events_than_fit_are_counted() {
    let pending = PendingEvents::default();
    for number in 0..5000 {
        pending.push(event(number));
    }
    assert_eq!((pending.waiting(), pending.lost()), (4096, 904));
}

#[test]
fn the_same_event_within_a_minute_is_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    let minute = Wall(1_800_000_000_000 / 60_000 * 60_000);
    let times = [0, 1_000, 59_999, 60_000].map(|after| Wall(minute.0 + after));
    let same = times.map(|time| NewEvent { time, ..event(1) });
    events::write(&mut database, &same).unwrap();
    events::write(&mut database, &[NewEvent { subject: "node/b".into(), ..event(1) }]).unwrap();
    let rows = list(&database, 0, None, 10).unwrap();
    assert_eq!(rows.iter().map(|row| row.count).collect::<Vec<_>>(), [3, 1, 1]);
    assert_eq!((rows[0].first, rows[0].last), (times[0], times[2]));
    assert_eq!(list(&database, 0, Some("node/b"), 10).unwrap().len(), 1);
    assert_eq!(list(&database, rows[1].id, None, 10).unwrap(), rows[2..]);
    assert_eq!(list(&database, 0, None, 1).unwrap(), rows[2..], "the newest count");
}

#[test]
fn events_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    let many: Vec<NewEvent> = (0..u64::from(events::MOST_EVENTS) + 7).map(event).collect();
    events::write(&mut database, &many).unwrap();
    let rows = list(&database, 0, None, 20_000).unwrap();
    assert_eq!(rows.len(), events::MOST_EVENTS as usize);
    assert_eq!(rows[0].message, "event 7");
}

#[test]
fn a_damaged_database_and_a_newer_one_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DATABASE_FILE);
    std::fs::write(&path, "this is not a database, but it is longer than the header of one would be".repeat(50))
        .unwrap();
    assert!(matches!(Database::open(folder.path()).unwrap_err(), StoreError::Damaged { .. }));
    std::fs::remove_file(&path).unwrap();
    drop(Database::open(folder.path()).unwrap());
    connect::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Database::open(folder.path()).unwrap_err(), StoreError::TooNew { found: 99, .. }));
}

#[test]
fn a_page_of_garbage_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    events::write(&mut database, &(0..500).map(event).collect::<Vec<_>>()).unwrap();
    drop(database);
    let path = folder.path().join(DATABASE_FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = Database::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn the_database_is_its_owners_alone() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(folder.path()).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o077, 0, "{:?}", entry.file_name());
    }
    drop(database);
}

#[test]
fn an_unfinished_first_start_leaves_more_than_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(folder.path()).unwrap();
    assert!(std::fs::metadata(folder.path().join(DATABASE_FILE)).unwrap().len() > 0);
    drop(database);
}

#[test]
fn a_database_of_the_first_schema_is_brought_up_to_date_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DATABASE_FILE);
    migrations::make_first(&mut connect::open(&path).unwrap());
    let instance: String = connect::open(&path)
        .unwrap()
        .query_row("SELECT value FROM meta WHERE key = 'instance'", [], |row| row.get(0))
        .unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    assert_eq!(meta::instance(&database).unwrap(), instance);
    adopted::put(&mut database, "cluster", "ada", NOW).unwrap();
    assert_eq!(adopted::all(&database).unwrap(), ["cluster"]);
    drop(database);
    assert_eq!(migrations::version(&connect::open(&path).unwrap()).unwrap(), SCHEMA_VERSION);
    assert_eq!(adopted::all(&Database::open(folder.path()).unwrap()).unwrap(), ["cluster"]);
}

#[test]
fn of_one_fact_the_last_three_changes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    let change = |node: &str, minute: i64| fact_changes::FactChange {
        node: node.into(),
        rule: "gpu.usable".into(),
        value: minute % 2 == 0,
        at: Wall(NOW.0 + minute * 60_000),
    };
    for minute in 0..5 {
        fact_changes::note(&mut database, &change("a", minute)).unwrap();
    }
    fact_changes::note(&mut database, &change("b", 9)).unwrap();
    let kept = [change("a", 2), change("a", 3), change("a", 4), change("b", 9)];
    assert_eq!(fact_changes::all(&database).unwrap(), kept);
    fact_changes::forget(&mut database, "a", &["gpu.usable".into(), "another".into()]).unwrap();
    assert_eq!(fact_changes::all(&database).unwrap(), kept[3..]);
}
