//! Backups that go out while a coordinator runs, and come back older than what happened since.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

use coord_model::TokenState;
use coordinator::{
    backup::{BackupError, Restored, backup, restore},
    data::Data,
    store::{generations, meta, nodes, revocations, tokens},
};
use tempfile::TempDir;

use crate::scene::{DAY, NOW, Scene};

/// A whole coordinator with a node and an unused token, stopped.
fn coordinator() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    drop(Data::open(folder.path(), NOW).unwrap());
    let mut scene = reopened(folder);
    scene.node("key", "pi");
    scene.token("unused");
    let Scene { folder, database } = scene;
    drop(database);
    folder
}

fn reopened(folder: TempDir) -> Scene {
    let database = coordinator::store::Database::open(folder.path()).unwrap();
    Scene { folder, database }
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("backup")
}

fn put_back(into: &TempDir, from: &TempDir, replace: bool) -> Result<Restored, BackupError> {
    restore(into.path(), &file_in(from), None, replace, NOW.plus(DAY))
}

#[test]
fn a_coordinator_comes_back_in_another_folder() {
    let (old, safe, new) = (coordinator(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let running = Data::open(old.path(), NOW).unwrap();
    backup(old.path(), &file_in(&safe), None, NOW).unwrap();
    assert_eq!(fs::metadata(file_in(&safe)).unwrap().mode() & 0o777, 0o600);
    let restored = put_back(&new, &safe, false).unwrap();
    assert_eq!((restored.epoch, restored.made, restored.revocations_kept), (2, NOW, 0));
    let data = Data::open(new.path(), NOW).unwrap();
    assert_eq!(data.authority.pin(), running.authority.pin());
    assert_eq!(meta::instance(&data.database).unwrap(), meta::instance(&running.database).unwrap());
    assert_eq!(meta::epoch(&data.database).unwrap(), 2);
    assert_eq!(nodes::by_name(&data.database, "pi").unwrap().id, "key");
    let states: Vec<TokenState> = tokens::list(&data.database).unwrap().iter().map(|token| token.state(NOW)).collect();
    assert_eq!(states, [TokenState::Revoked, TokenState::Revoked]);
    let mut names: Vec<_> = fs::read_dir(new.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| name.to_string_lossy().contains("scratch"));
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_backup_older_than_a_revocation_an_enrolment_and_commands() {
    let (folder, safe) = (coordinator(), tempfile::tempdir().unwrap());
    backup(folder.path(), &file_in(&safe), None, NOW).unwrap();
    let mut scene = reopened(folder);
    scene.node("late", "late");
    nodes::revoke(&mut scene.database, "pi", NOW).unwrap();
    for _ in 0..100 {
        generations::next(&mut scene.database, "key", 0).unwrap();
    }
    let Scene { folder, database } = scene;
    drop(database);
    assert!(matches!(put_back(&folder, &safe, false).unwrap_err(), BackupError::NotEmpty { .. }));
    assert_eq!(put_back(&folder, &safe, true).unwrap().revocations_kept, 1);
    let mut scene = reopened(folder);
    assert!(revocations::is_revoked(&scene.database, "key").unwrap());
    assert!(nodes::by_name(&scene.database, "pi").unwrap().revoked_at.is_some());
    assert!(nodes::by_id(&scene.database, "late").unwrap().is_none());
    assert_eq!(generations::next(&mut scene.database, "key", 100).unwrap(), 101);
    let Scene { folder, database } = scene;
    drop(database);
    assert_eq!(put_back(&folder, &safe, true).unwrap().epoch, 3, "each restore is above the one before");
}

#[test]
fn revocations_of_the_backup_reach_the_file_of_a_new_folder() {
    let (folder, safe, new) = (coordinator(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut scene = reopened(folder);
    nodes::revoke(&mut scene.database, "pi", NOW).unwrap();
    backup(scene.folder.path(), &file_in(&safe), None, NOW).unwrap();
    put_back(&new, &safe, false).unwrap();
    assert_eq!(fs::read_to_string(new.path().join("revocations")).unwrap(), "key 01 1800000000000\n");
}

#[test]
fn a_sealed_backup_needs_its_passphrase() {
    let (folder, safe, new) = (coordinator(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = file_in(&safe);
    backup(folder.path(), &file, Some("open sesame"), NOW).unwrap();
    let bytes = fs::read(&file).unwrap();
    assert!(!bytes.windows(11).any(|window| window == b"PRIVATE KEY" || window == b"SQLite form"));
    let attempt = |passphrase| restore(new.path(), &file, passphrase, false, NOW);
    assert!(matches!(attempt(None).unwrap_err(), BackupError::Sealed { .. }));
    assert!(matches!(attempt(Some("sesame")).unwrap_err(), BackupError::WrongPassphrase { .. }));
    attempt(Some("open sesame")).unwrap();
}

#[test]
fn a_running_coordinator_is_not_replaced() {
    let (folder, safe) = (coordinator(), tempfile::tempdir().unwrap());
    backup(folder.path(), &file_in(&safe), None, NOW).unwrap();
    let _running = Data::open(folder.path(), NOW).unwrap();
    assert!(matches!(put_back(&folder, &safe, true).unwrap_err(), BackupError::Lock(_)));
}

#[test]
fn what_is_no_backup_changes_nothing() {
    let (folder, safe) = (coordinator(), tempfile::tempdir().unwrap());
    let whole = {
        backup(folder.path(), &file_in(&safe), None, NOW).unwrap();
        fs::read(file_in(&safe)).unwrap()
    };
    let plain = fs::read(folder.path().join("coordinator.db")).unwrap();
    let before = fs::read(folder.path().join("coordinator.db")).unwrap();
    for bad in [b"".as_slice(), b"hello", &whole[..whole.len() / 2], &plain] {
        fs::write(file_in(&safe), bad).unwrap();
        put_back(&folder, &safe, true).unwrap_err();
        assert_eq!(fs::read(folder.path().join("coordinator.db")).unwrap(), before);
        drop(Data::open(folder.path(), NOW).unwrap());
    }
    let empty = tempfile::tempdir().unwrap();
    let error = backup(empty.path(), &file_in(&safe), None, NOW).unwrap_err();
    assert!(matches!(error, BackupError::NothingThere { .. }));
}

#[test]
fn a_damaged_database_can_be_replaced() {
    let (folder, safe) = (coordinator(), tempfile::tempdir().unwrap());
    backup(folder.path(), &file_in(&safe), None, NOW).unwrap();
    fs::write(folder.path().join("coordinator.db"), "garbage").unwrap();
    put_back(&folder, &safe, true).unwrap();
    drop(Data::open(folder.path(), NOW).unwrap());
}
