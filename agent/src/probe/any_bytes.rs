//! Whatever stands in the files of a machine, no probe panics, and no number is infinite.
//!
//! Recorded hosts with some files broken: truncated, repeated, with a byte changed, not text at all, or gone.

use std::{
    fs,
    path::{Path, PathBuf},
};

use coord_model::SectionKind;
use proptest::prelude::*;

use crate::{host::Host, probe, probe::Briefing};

/// How one file is broken.
#[derive(Clone, Debug)]
enum Damage {
    /// It ends early.
    Truncated(u16),
    /// One byte is another.
    Changed(u16, u8),
    /// A part stands there twice.
    Repeated(u16, u16),
    /// Its numbers are larger than any.
    Huge,
    /// It holds something else.
    Replaced(Vec<u8>),
    /// It was there when its folder was listed, and is gone.
    Gone,
}

impl Damage {
    /// What is there instead; `None` for nothing.
    fn of(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let place = |number: u16| usize::from(number) % (bytes.len() + 1);
        Some(match self {
            Self::Truncated(end) => bytes[..place(*end)].to_vec(),
            Self::Changed(at, byte) => {
                let mut changed = bytes.to_vec();
                changed.get_mut(place(*at)).into_iter().for_each(|old| *old = *byte);
                changed
            }
            Self::Repeated(one, other) => {
                let (from, to) = (place(*one).min(place(*other)), place(*one).max(place(*other)));
                [&bytes[..to], &bytes[from..]].concat()
            }
            Self::Huge => {
                let text = String::from_utf8_lossy(bytes);
                let digits = |letter: char| if letter.is_ascii_digit() { "99999999999" } else { "" };
                let pieces = text.chars().map(|letter| match digits(letter) {
                    "" => letter.to_string(),
                    nines => nines.to_string(),
                });
                pieces.collect::<String>().into_bytes()
            }
            Self::Replaced(other) => other.clone(),
            Self::Gone => return None,
        })
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        any::<u16>().prop_map(Damage::Truncated),
        (any::<u16>(), any::<u8>()).prop_map(|(at, byte)| Damage::Changed(at, byte)),
        (any::<u16>(), any::<u16>()).prop_map(|(one, other)| Damage::Repeated(one, other)),
        Just(Damage::Huge),
        Just(Damage::Gone),
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(Damage::Replaced),
        "[ -~\n]{0,200}".prop_map(|text| Damage::Replaced(text.into_bytes())),
    ]
}

/// A copy of a recorded host that may be broken, and its files.
struct Copy {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Copy {
    fn of(name: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hosts").join(name);
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        copy(&source, folder.path(), &mut files);
        files.retain(|file| file.starts_with(folder.path().join("root")));
        files.sort();
        Self { folder, files }
    }

    /// Breaks these files, reads everything, and mends them.
    fn read_broken(&self, damages: &[(prop::sample::Index, Damage)]) {
        let mut whole = Vec::new();
        for (index, damage) in damages {
            let file = index.get(&self.files);
            // It may be gone already, by an earlier damage.
            let bytes = fs::read(file).unwrap_or_default();
            match damage.of(&bytes) {
                Some(other) => fs::write(file, other).unwrap(),
                None => drop(fs::remove_file(file)),
            }
            whole.push((file, bytes));
        }
        let host = Host::recorded(self.folder.path()).unwrap();
        let mut briefing = Briefing::default();
        for kind in SectionKind::ALL {
            let section = probe::probe(&host, *kind, &mut briefing).unwrap();
            // A number that is none, such as infinity, becomes null.
            let value = serde_json::to_value(&section).unwrap();
            assert!(!has_null(&value), "{kind}: {value} after {damages:?}");
        }
        // Backwards, since one file may be broken twice.
        whole.into_iter().rev().for_each(|(file, bytes)| fs::write(file, bytes).unwrap());
    }
}

fn has_null(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => true,
        serde_json::Value::Array(rows) => rows.iter().any(has_null),
        serde_json::Value::Object(fields) => fields.values().any(has_null),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) | serde_json::Value::String(_) => false,
    }
}

fn copy(from: &Path, to: &Path, files: &mut Vec<PathBuf>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), place).unwrap();
        } else if path.is_dir() {
            copy(&path, &place, files);
        } else {
            fs::write(&place, fs::read(&path).unwrap()).unwrap();
            files.push(place);
        }
    }
}

#[test]
fn no_bytes_in_any_file_make_a_probe_panic() {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hosts");
    let names: Vec<String> =
        fs::read_dir(hosts).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let copy = Copy::of(&name);
        assert!(copy.files.len() > 10, "{name}");
        let runner = &mut proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(32));
        let damages = proptest::collection::vec((any::<prop::sample::Index>(), damage()), 1..12);
        let done = runner.run(&damages, |damages| {
            copy.read_broken(&damages);
            Ok(())
        });
        assert!(done.is_ok(), "{name}: {done:?}");
    }
}
