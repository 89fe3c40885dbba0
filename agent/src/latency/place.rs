//! The folder that is written to: which ones are refused, and a file in it that nobody else's can be.

use std::{
    collections::hash_map::RandomState,
    fs::File,
    hash::{BuildHasher, Hasher},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{FallocateFlags, OFlag, fallocate, openat},
    sys::{
        stat::Mode,
        statvfs::{FsFlags, fstatvfs},
    },
    unistd::{UnlinkatFlags, unlinkat},
};

use crate::probe::mounts::table::{self, Family, Row};

/// What our files are called, before a random number.
const PREFIX: &str = ".coord-agent-disk-latency-";
/// A file system with less free than this is left alone.
const LEAST_FREE: u64 = 64 << 20;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LatencyError {
    /// No folder.
    #[error("{path} cannot be used\nhint: name a folder on the disk that is to be tested, for instance /var/lib/rancher", path = .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A server or a process answers for it.
    #[error("{path} is {kind} from {source_name}: that measures a network or a program and no disk\nhint: name a folder on a local disk, for instance /var/lib/rancher", path = .path.display())]
    Remote {
        /// Which.
        path: PathBuf,
        /// Kind of the file system.
        kind: String,
        /// Where it comes from.
        source_name: String,
    },
    /// It lies in memory.
    #[error("{path} is {kind}: it lies in memory and on no disk\nhint: name a folder on a local disk, for instance /var/lib/rancher", path = .path.display())]
    Memory {
        /// Which.
        path: PathBuf,
        /// Kind of the file system.
        kind: String,
    },
    /// It cannot be written.
    #[error("{path} is on a read-only file system\nhint: look for I/O errors: dmesg | tail -50", path = .path.display())]
    ReadOnly {
        /// Which.
        path: PathBuf,
    },
    /// Too little is free.
    #[error("{path} has {mebibytes} MiB free, the test wants 64\nhint: make room first: journalctl --vacuum-size=100M", path = .path.display())]
    Full {
        /// Which.
        path: PathBuf,
        /// What is free.
        mebibytes: u64,
    },
    /// A write failed.
    #[error("cannot write to {path}\nhint: run it as root: sudo coord-agent check --disk-latency {path}", path = .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody ended it.
    #[error("interrupted; the test file is gone")]
    Interrupted,
}

/// A folder that may be written for a test.
#[derive(Debug)]
pub(crate) struct Place {
    folder: OwnedFd,
    path: PathBuf,
    row: Option<Row>,
}

/// The file of one test; it goes when this goes.
pub(super) struct Scratch<'a> {
    place: &'a Place,
    name: String,
    file: File,
}

impl Place {
    /// Opens the folder at `path`, unless its file system is none that should be tested. A mount that may hang is told
    /// by its path and never touched.
    pub(crate) fn open(path: &Path) -> Result<Self, LatencyError> {
        let failed = |source| LatencyError::Folder { path: path.to_path_buf(), source };
        let rows = std::fs::read(table::SOURCE).map(|bytes| table::parse(&String::from_utf8_lossy(&bytes)));
        let rows = rows.unwrap_or_default();
        let typed = std::path::absolute(path).map_err(failed)?;
        allowed(path, holder(&rows, &typed))?;
        let flags = (OFlag::O_DIRECTORY | OFlag::O_NONBLOCK).bits();
        let folder = File::options().read(true).custom_flags(flags).open(path).map_err(failed)?;
        // Links may lead elsewhere.
        let real = std::fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd())).map_err(failed)?;
        let row = holder(&rows, &real);
        allowed(path, row)?;
        let space = fstatvfs(&folder).map_err(|errno| failed(errno.into()))?;
        if space.flags().contains(FsFlags::ST_RDONLY) {
            return Err(LatencyError::ReadOnly { path: path.to_path_buf() });
        }
        #[allow(clippy::useless_conversion, reason = "both have 32 bits on 32-bit machines")]
        let free = u64::from(space.blocks_available()).saturating_mul(u64::from(space.fragment_size()));
        if free < LEAST_FREE {
            return Err(LatencyError::Full { path: path.to_path_buf(), mebibytes: free >> 20 });
        }
        Ok(Self { folder: folder.into(), path: path.to_path_buf(), row: row.cloned() })
    }

    /// The folder as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// `ext4 on /dev/sda1`, where the mount table knows it.
    pub(crate) fn file_system(&self) -> String {
        self.row.as_ref().map_or_else(|| "unknown".to_string(), |row| format!("{} on {}", row.kind, row.source))
    }

    /// Whether an SD card or an eMMC lies below, whose cells writing wears out.
    pub(crate) fn on_card(&self) -> bool {
        let Some(row) = &self.row else { return false };
        let real = std::fs::canonicalize(format!("/sys/dev/block/{}", row.device_number));
        real.is_ok_and(|path| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("mmcblk")))
    }

    /// A new file of that many bytes to come.
    pub(super) fn scratch(&self, size: usize) -> Result<Scratch<'_>, LatencyError> {
        let failed = |errno: Errno| LatencyError::Write { path: self.path.clone(), source: errno.into() };
        let name = format!("{PREFIX}{:016x}", RandomState::new().build_hasher().finish());
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let file = openat(&self.folder, name.as_str(), flags, mode).map_err(failed)?;
        let scratch = Scratch { place: self, name, file: file.into() };
        // etcd reserves the space of its log beforehand; not every file system can.
        let length = size.try_into().unwrap_or(i32::MAX).into();
        match fallocate(&scratch.file, FallocateFlags::empty(), 0, length) {
            Ok(()) | Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(scratch),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Removes what a child that was killed left here.
    pub(super) fn clear(&self) {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
            // A file that is gone already needs nothing more.
            let _ = unlinkat(&self.folder, entry.file_name().as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

impl Scratch<'_> {
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        // Nothing is left to do where even this fails.
        let _ = unlinkat(&self.place.folder, self.name.as_str(), UnlinkatFlags::NoRemoveDir);
    }
}

/// The mount that holds `path`: the longest fitting one, of several on each other the last.
fn holder<'a>(rows: &'a [Row], path: &Path) -> Option<&'a Row> {
    rows.iter().filter(|row| path.starts_with(&row.path)).max_by_key(|row| row.path.len())
}

/// Whether the file system of that mount has a disk of this machine below it.
fn allowed(path: &Path, row: Option<&Row>) -> Result<(), LatencyError> {
    let Some(row) = row else { return Ok(()) };
    let (path, kind) = (path.to_path_buf(), row.kind.clone());
    match row.family() {
        Family::Remote | Family::Automount => Err(LatencyError::Remote { path, kind, source_name: row.source.clone() }),
        Family::Virtual if matches!(row.kind.as_str(), "tmpfs" | "ramfs" | "devtmpfs") => {
            Err(LatencyError::Memory { path, kind })
        }
        Family::Local | Family::Virtual => Ok(()),
    }
}

/// The number of the file system at `path`, or where it would be made.
pub(super) fn file_system(path: &Path) -> io::Result<u64> {
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for folder in path.ancestors() {
        match std::fs::metadata(folder) {
            Ok(data) => return Ok(data.dev()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => failed = error,
            Err(error) => return Err(error),
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        table::parse(
            "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n28 27 0:45 / /data rw - nfs4 nas:/data rw\n\
             29 27 0:30 / /run rw - tmpfs tmpfs rw\n30 27 0:46 / /mnt/user rw - fuse.shfs shfs rw\n\
             31 27 0:47 / /auto rw - autofs systemd-1 rw\n32 28 8:2 / /data/local rw - xfs /dev/sda2 rw",
        )
    }

    #[test]
    fn only_a_disk_of_this_machine_is_tested() {
        let rows = rows();
        let judged = |path: &str| allowed(Path::new(path), holder(&rows, Path::new(path)));
        for good in ["/", "/var/lib/rancher", "/data/local/x", "/database"] {
            assert!(judged(good).is_ok(), "{good}");
        }
        for (bad, word) in
            [("/data/media", "nas:/data"), ("/mnt/user", "fuse.shfs"), ("/auto/x", "autofs"), ("/run", "memory")]
        {
            let error = judged(bad).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("\nhint: "), "{error}");
        }
    }

    #[test]
    fn a_file_or_nothing_is_no_folder() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "kept").unwrap();
        assert!(matches!(Place::open(&file), Err(LatencyError::Folder { .. })));
        assert!(matches!(Place::open(&folder.path().join("none")), Err(LatencyError::Folder { .. })));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    }

    #[test]
    fn only_our_own_leftovers_are_cleared() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let (ours, theirs) = (folder.path().join(format!("{PREFIX}00")), folder.path().join("identity.json"));
        std::fs::write(&ours, "").unwrap();
        std::fs::write(&theirs, "").unwrap();
        Place::open(folder.path()).unwrap().clear();
        assert!(!ours.exists() && theirs.exists());
    }

    #[test]
    fn every_file_has_a_name_of_its_own_and_goes() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let place = Place::open(folder.path()).unwrap();
        let (one, other) = (place.scratch(4096).unwrap(), place.scratch(4096).unwrap());
        assert_ne!(one.name, other.name);
        let path = folder.path().join(&one.name);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        drop((one, other));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
