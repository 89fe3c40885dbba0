//! The data folder: ours alone, on a file system that keeps its promises, and writable.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::{
    sys::statfs::{FsType, statfs},
    unistd::geteuid,
};

/// The folder cannot hold the coordinator's data.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It lies on a file system that cannot be trusted with a database and a key.
    #[error("data folder {} is on {kind}: locks and fsync cannot be relied on there (hint: use a folder on a local disk with --data)", path.display())]
    Network {
        /// The folder.
        path: PathBuf,
        /// Which file system.
        kind: &'static str,
    },
    /// Something else has its name.
    #[error("{} is not a folder (hint: choose another with --data)", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error("data folder {} belongs to user {owner}, the coordinator runs as user {user} (hint: chown -R {user} {})", path.display(), path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
        /// The number of our user.
        user: u32,
    },
    /// Nothing can be written there.
    #[error("data folder {} is not writable (hint: check its owner and whether its file system is mounted read-only or full)", path.display())]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be made or looked at.
    #[error("cannot use data folder {}", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// File systems on which locks or fsync may lie, or that a user-space process can stop, by the magic of statfs(2).
/// Numbers from the kernel's `include/uapi/linux/magic.h` and the file systems' own sources.
const REFUSED: [(u32, &str); 11] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "kAFS"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
];

/// Makes the folder if it is not there (with its parents), sees that only its owner may enter, and that it can be used.
///
/// # Errors
/// Why it cannot hold the coordinator's data.
pub fn prepare(path: &Path) -> Result<(), FolderError> {
    let unusable = |source| FolderError::Unusable { path: path.into(), source };
    if path.exists() && !path.is_dir() {
        return Err(FolderError::NotAFolder { path: path.into() });
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
    let kind = statfs(path).map_err(|error| unusable(error.into()))?.filesystem_type();
    if let Some(kind) = refused(kind) {
        return Err(FolderError::Network { path: path.into(), kind });
    }
    keep_others_out(path)?;
    try_to_write(path).map_err(|source| FolderError::NotWritable { path: path.into(), source })
}

/// The name of a file system that is refused.
fn refused(kind: FsType) -> Option<&'static str> {
    // The type of `f_type` differs between platforms, and on some the high bit makes it negative; 32 bits are defined.
    let [first, second, third, fourth, ..] = kind.0.to_le_bytes();
    let magic = u32::from_le_bytes([first, second, third, fourth]);
    REFUSED.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

fn keep_others_out(path: &Path) -> Result<(), FolderError> {
    let unusable = |source| FolderError::Unusable { path: path.into(), source };
    let metadata = fs::metadata(path).map_err(unusable)?;
    let user = geteuid().as_raw();
    if metadata.uid() != user {
        return Err(FolderError::Foreign { path: path.into(), owner: metadata.uid(), user });
    }
    if metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(unusable)
}

/// Writes, syncs and removes a file.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let path = folder.join(".writable");
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.sync_all()?;
    drop(file);
    fs::remove_file(&path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_its_owners_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        prepare(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }

    #[test]
    fn an_open_folder_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        prepare(folder.path()).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn network_and_user_space_file_systems_are_refused() {
        assert_eq!(refused(nix::sys::statfs::NFS_SUPER_MAGIC), Some("NFS"));
        assert_eq!(refused(nix::sys::statfs::FUSE_SUPER_MAGIC), Some("FUSE"));
        assert_eq!(refused(nix::sys::statfs::EXT4_SUPER_MAGIC), None);
        assert_eq!(refused(nix::sys::statfs::TMPFS_MAGIC), None);
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        let error = prepare(&path).unwrap_err();
        assert!(matches!(error, FolderError::NotAFolder { .. }), "{error}");
    }

    #[test]
    fn a_folder_that_takes_no_file_is_named() {
        // The kernel's own folder: there, and nobody can make a file in it, root included.
        let error = try_to_write(Path::new("/proc/self")).unwrap_err();
        assert_ne!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
