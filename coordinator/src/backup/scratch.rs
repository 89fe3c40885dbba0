//! A private file in the data folder that goes away by itself.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::BackupError;

/// A file that only its owner reads, removed when this is dropped.
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes an empty one, over one that a killed process left.
    pub(super) fn new(folder: &Path, name: &str) -> Result<Self, BackupError> {
        let path = folder.join(name);
        remove(&path).map_err(BackupError::file(&path))?;
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(BackupError::file(&path))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next one; its folder is the owner's alone.
        let _ = remove(&self.path);
        for end in ["-journal", "-wal", "-shm"] {
            let _ = remove(&beside(&self.path, end));
        }
    }
}

/// Removes a file unless it is gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// SQLite's name for a file that belongs to `path`.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
