//! What lies in a folder, counted with bounds: for the folder on the local disk that fills up while nothing is mounted
//! over it.

use std::{collections::BTreeSet, fs, io, os::unix::fs::MetadataExt, path::Path};

use coord_model::{Reading, Unknown};
use serde::{Deserialize, Serialize};

use super::error::unknown_io;

/// The most entries that are looked at.
const MOST: u64 = 1000;
/// How many folders deep.
const DEEPEST: u32 = 3;

/// Files below a folder and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Folder {
    /// Files, links and the like; folders do not count.
    pub(crate) files: u64,
    /// Their sizes.
    pub(crate) bytes: u64,
}

/// A walk that ends.
struct Walk<'a> {
    device: u64,
    mounts: &'a BTreeSet<&'a str>,
    entries: u64,
    found: Folder,
}

/// Counts below `path`: at most 1000 entries, three folders deep, links not followed, and never on another device.
/// What is at a path of `mounts` is not looked at: asking for its device may already wait for a server.
pub(super) fn folder(path: &str, mounts: &BTreeSet<&str>) -> Reading<Folder> {
    let data = fs::symlink_metadata(path).map_err(|error| unknown_io(path, &error))?;
    if data.is_symlink() {
        return Err(Unknown::error(format!("{path} is a link")));
    }
    let mut walk = Walk { device: data.dev(), mounts, entries: 0, found: Folder::default() };
    walk.below(Path::new(path), 1).map_err(|error| unknown_io(path, &error))?;
    Ok(walk.found)
}

impl Walk<'_> {
    fn below(&mut self, path: &Path, depth: u32) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            if self.entries >= MOST {
                break;
            }
            self.entries += 1;
            // What vanishes between two reads is not there.
            let Ok(entry) = entry else { continue };
            let path = entry.path();
            // Paths of the table have lost the same odd characters.
            if self.mounts.contains(path.to_string_lossy().as_ref()) {
                continue;
            }
            let Ok(data) = fs::symlink_metadata(&path) else { continue };
            if data.dev() != self.device {
                continue;
            }
            if data.is_dir() {
                if depth < DEEPEST {
                    // A folder that may not be read is one that is not counted.
                    let _ = self.below(&path, depth + 1);
                }
            } else {
                self.found.files += 1;
                self.found.bytes = self.found.bytes.saturating_add(data.len());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use coord_model::ValueState;

    use super::*;

    #[test]
    fn files_are_counted_with_bounds() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().to_str().unwrap();
        assert_eq!(folder(path, &BTreeSet::new()), Ok(Folder::default()));
        fs::create_dir_all(root.path().join("a/b/c")).unwrap();
        fs::write(root.path().join("one"), "12345").unwrap();
        fs::write(root.path().join("a/b/two"), "123").unwrap();
        fs::write(root.path().join("a/b/c/too-deep"), "1").unwrap();
        std::os::unix::fs::symlink("/", root.path().join("a/link")).unwrap();
        assert_eq!(folder(path, &BTreeSet::new()), Ok(Folder { files: 3, bytes: 9 }));
        for number in 0..1200 {
            fs::write(root.path().join(format!("many{number}")), "").unwrap();
        }
        assert!(folder(path, &BTreeSet::new()).unwrap().files <= MOST);
    }

    #[test]
    fn a_known_mount_point_is_not_entered_and_a_link_is_no_folder() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("folder/share")).unwrap();
        fs::write(root.path().join("folder/share/film"), "12345").unwrap();
        let path = root.path().join("folder");
        let share = path.join("share");
        let mounts = BTreeSet::from([share.to_str().unwrap()]);
        assert_eq!(folder(path.to_str().unwrap(), &mounts), Ok(Folder::default()));
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(folder(link.to_str().unwrap(), &BTreeSet::new()).is_err());
    }

    #[test]
    fn no_folder_is_absent() {
        assert_eq!(folder("/nonexistent/folder", &BTreeSet::new()).unwrap_err().state, ValueState::Absent);
    }
}
