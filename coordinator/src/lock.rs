//! One coordinator a data folder: a lock that the kernel drops when its holder ends, however it ends.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

/// The lock's file in the data folder.
pub const LOCK_FILE: &str = "lock";

/// The folder cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another coordinator, or a restore, works with the folder.
    #[error("data folder {} is in use by process {process} (hint: `systemctl stop coordinator`, or use another folder with --data)", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that has it, as it wrote itself; `?` when it has not yet.
        process: String,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}", path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The folder is ours until this is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: Flock<File>,
}

impl Lock {
    /// Takes the data folder for this process.
    ///
    /// # Errors
    /// When another process has it, or the lock file cannot be used.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(LOCK_FILE);
        let failed = |source| LockError::File { path: path.clone(), source };
        let mut options = fs::OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = match Flock::lock(file.map_err(failed)?, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((file, Errno::EWOULDBLOCK)) => return Err(in_use(folder, file)),
            Err((_, error)) => return Err(failed(error.into())),
        };
        write_process(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Says who has the folder; only for people, so nothing needs to reach the disk.
fn write_process(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn in_use(folder: &Path, mut file: File) -> LockError {
    let mut process = String::new();
    // What cannot be read is shown as unknown: the answer is the same.
    let _ = file.read_to_string(&mut process);
    let process = process.trim();
    let process = if process.is_empty() { "?".to_owned() } else { coord_model::clean(process) };
    LockError::InUse { folder: folder.into(), process }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_coordinator_is_told_who_has_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let second = Lock::take(folder.path()).unwrap_err();
        assert!(second.to_string().contains(&format!("in use by process {}", std::process::id())), "{second}");
        drop(first);
        Lock::take(folder.path()).unwrap();
    }
}
