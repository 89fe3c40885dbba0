//! A file that only its owner may read, replaced so that a power cut leaves the old one or the new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Writes `contents` to `path` with mode 0600: a temporary file beside it, fsync, rename, fsync of the folder. When
/// `keep` names a path, what stood at `path` before is linked there first.
///
/// # Errors
/// The first call that failed; `path` then still holds what it held.
pub fn write_private(path: &Path, contents: &[u8], keep: Option<&Path>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = Path::new(&temporary);
    let mut file = create_private(temporary)?;
    file.write_all(contents)?;
    file.sync_all()?;
    if let Some(previous) = keep.filter(|_| path.exists()) {
        remove_if_there(previous)?;
        fs::hard_link(path, previous)?;
    }
    fs::rename(temporary, path)?;
    sync_folder(folder)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    remove_if_there(path)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Outside Unix the folder of the user's profile is what keeps others out.
#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
