//! The last good answers, one private file each: what reading verbs show while the coordinator is away.

use std::{fs, io, path::PathBuf};

use coord_model::ViewKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::folders;

/// An answer and when it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    /// When it came, by this machine's clock.
    pub(crate) received: Timestamp,
    /// The document.
    pub(crate) document: Value,
}

impl Kept {
    /// Its age in seconds; never below zero, whatever the clock did.
    pub(crate) fn age_seconds(&self, now: Timestamp) -> f64 {
        now.duration_since(self.received).as_secs_f64().max(0.0)
    }
}

/// Where answers are kept.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// For one coordinator of this user; `None` where the user has no home.
    pub(crate) fn of_user(place: &str) -> Option<Self> {
        Some(Self { folder: folders::state()?.join("answers").join(folders::file_name(place)) })
    }

    /// For a test.
    #[cfg(all(test, unix))]
    pub(crate) fn at(folder: &std::path::Path) -> Self {
        Self { folder: folder.join("answers") }
    }

    /// Keeps an answer.
    ///
    /// # Errors
    /// When it cannot be written; the older answer then still stands.
    pub(crate) fn keep(&self, view: ViewKind, name: &str, kept: &Kept) -> io::Result<()> {
        let Some(file) = self.file(view, name) else { return Ok(()) };
        folders::make_private(&self.folder)?;
        let text = serde_json::to_vec(kept).map_err(io::Error::other)?;
        coord_proto::write_private(&file, &text, None)
    }

    /// The last answer, if there is one that makes sense.
    pub(crate) fn last(&self, view: ViewKind, name: &str) -> Option<Kept> {
        serde_json::from_slice(&fs::read(self.file(view, name)?).ok()?).ok()
    }

    /// `None` for names that are too long for a file.
    fn file(&self, view: ViewKind, name: &str) -> Option<PathBuf> {
        let name = folders::file_name(name);
        let fits = name.len() <= 200;
        fits.then(|| match name.as_str() {
            "" => self.folder.join(format!("{view}.json")),
            name => self.folder.join(format!("{view}+{name}.json")),
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn kept(number: u32) -> Kept {
        Kept { received: "2026-11-23T12:00:00Z".parse().unwrap(), document: number.into() }
    }

    #[test]
    fn only_the_owner_may_read_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        cache.keep(ViewKind::Status, "", &kept(1)).unwrap();
        cache.keep(ViewKind::Status, "", &kept(2)).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path().join("answers")), 0o700);
        assert_eq!(mode(folder.path().join("answers/status.json")), 0o600);
        assert_eq!(cache.last(ViewKind::Status, ""), Some(kept(2)));
    }

    #[test]
    fn names_are_kept_apart_and_stay_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        for (number, name) in ["", "a", "A", "../a", "mount//data", "a\u{0}b"].into_iter().enumerate() {
            cache.keep(ViewKind::Why, name, &kept(u32::try_from(number).unwrap())).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path().join("answers")).unwrap().count(), 6);
        assert_eq!(cache.last(ViewKind::Why, "../a"), Some(kept(3)));
        assert_eq!(cache.last(ViewKind::Node, "a"), None);
        cache.keep(ViewKind::Why, &"n".repeat(5000), &kept(9)).unwrap();
        assert_eq!(cache.last(ViewKind::Why, &"n".repeat(5000)), None);
    }

    #[test]
    fn a_damaged_answer_is_no_answer_and_age_is_never_negative() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        cache.keep(ViewKind::Status, "", &kept(1)).unwrap();
        fs::write(folder.path().join("answers/status.json"), "{\"received\"").unwrap();
        assert_eq!(cache.last(ViewKind::Status, ""), None);
        let before: Timestamp = "2026-11-23T11:00:00Z".parse().unwrap();
        assert!(kept(1).age_seconds(before).abs() < f64::EPSILON);
    }
}
