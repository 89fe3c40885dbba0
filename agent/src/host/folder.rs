//! What lies in a folder, counted with bounds: for the folder on the local disk that fills up while nothing is mounted
//! over it.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use coord_model::Reading;
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
struct Walk {
    device: u64,
    entries: u64,
    found: Folder,
}

/// Counts below `path`: at most 1000 entries, three folders deep, links not followed, and never on another device.
pub(super) fn folder(path: &str) -> Reading<Folder> {
    let data = fs::metadata(path).map_err(|error| unknown_io(path, &error))?;
    let mut walk = Walk { device: data.dev(), entries: 0, found: Folder::default() };
    walk.below(Path::new(path), 1).map_err(|error| unknown_io(path, &error))?;
    Ok(walk.found)
}

impl Walk {
    fn below(&mut self, path: &Path, depth: u32) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            if self.entries >= MOST {
                break;
            }
            self.entries += 1;
            // What vanishes between two reads is not there.
            let Ok(entry) = entry else { continue };
            let Ok(data) = entry.metadata() else { continue };
            if data.dev() != self.device {
                continue;
            }
            if data.is_dir() {
                if depth < DEEPEST {
                    // A folder that may not be read is one that is not counted.
                    let _ = self.below(&entry.path(), depth + 1);
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
        assert_eq!(folder(path), Ok(Folder::default()));
        fs::create_dir_all(root.path().join("a/b/c")).unwrap();
        fs::write(root.path().join("one"), "12345").unwrap();
        fs::write(root.path().join("a/b/two"), "123").unwrap();
        fs::write(root.path().join("a/b/c/too-deep"), "1").unwrap();
        std::os::unix::fs::symlink("/", root.path().join("a/link")).unwrap();
        assert_eq!(folder(path), Ok(Folder { files: 3, bytes: 9 }));
        for number in 0..1200 {
            fs::write(root.path().join(format!("many{number}")), "").unwrap();
        }
        assert!(folder(path).unwrap().files <= MOST);
    }

    #[test]
    fn no_folder_is_absent() {
        assert_eq!(folder("/nonexistent/folder").unwrap_err().state, ValueState::Absent);
    }
}
