//! A data folder that is new, whole, half or somebody else's.

use std::fs;

use coordinator::{
    data::{Data, DataError},
    lock::LockError,
    store::meta,
};

use crate::scene::NOW;

fn made() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(Data::open(folder.path(), NOW).unwrap().fresh);
    folder
}

#[test]
fn a_new_folder_is_made_once() {
    let folder = made();
    let first = Data::open(folder.path(), NOW).unwrap();
    let (pin, instance) = (first.authority.pin(), meta::instance(&first.database).unwrap());
    assert!(!first.fresh);
    drop(first);
    let second = Data::open(folder.path(), NOW).unwrap();
    assert_eq!((second.authority.pin(), meta::instance(&second.database).unwrap()), (pin, instance));
}

#[test]
fn a_second_coordinator_is_refused() {
    let folder = made();
    let _first = Data::open(folder.path(), NOW).unwrap();
    let error = Data::open(folder.path(), NOW).unwrap_err();
    assert!(matches!(error, DataError::Lock(LockError::InUse { .. })), "{error}");
}

#[test]
fn a_lost_database_is_not_taken_for_a_new_folder() {
    let folder = made();
    fs::remove_file(folder.path().join("coordinator.db")).unwrap();
    let error = Data::open(folder.path(), NOW).unwrap_err();
    assert!(matches!(error, DataError::DatabaseMissing { .. }), "{error}");
    assert!(error.to_string().contains("coordinator restore FILE --replace"));
    fs::write(folder.path().join("coordinator.db"), "").unwrap();
    assert!(matches!(Data::open(folder.path(), NOW).unwrap_err(), DataError::DatabaseMissing { .. }));
    fs::remove_file(folder.path().join("authority.crt")).unwrap();
    assert!(matches!(Data::open(folder.path(), NOW).unwrap_err(), DataError::DatabaseMissing { .. }));
}

#[test]
fn a_lost_authority_is_not_made_anew() {
    for file in ["authority.key", "authority.crt"] {
        let folder = made();
        fs::remove_file(folder.path().join(file)).unwrap();
        let error = Data::open(folder.path(), NOW).unwrap_err();
        assert!(matches!(error, DataError::AuthorityMissing { missing, .. } if missing == file), "{error}");
        assert!(!folder.path().join(file).exists());
    }
}

#[test]
fn halves_of_two_coordinators_are_refused() {
    let (folder, other) = (made(), made());
    for file in ["authority.key", "authority.crt"] {
        fs::copy(other.path().join(file), folder.path().join(file)).unwrap();
    }
    assert!(matches!(Data::open(folder.path(), NOW).unwrap_err(), DataError::Mixed { .. }));
    fs::copy(made().path().join("authority.key"), folder.path().join("authority.key")).unwrap();
    let error = Data::open(folder.path(), NOW).unwrap_err();
    assert!(error.to_string().contains("does not belong to the key"), "{error}");
}

#[test]
fn a_first_start_that_was_cut_off_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    drop(coordinator::store::Database::open(folder.path()).unwrap());
    fs::write(folder.path().join("authority.key"), "cut o").unwrap();
    assert!(Data::open(folder.path(), NOW).unwrap().fresh);
}
