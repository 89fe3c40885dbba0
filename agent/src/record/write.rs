//! Puts a tape down as files: `origin.yaml`, `answers.json` and the tree below `root`.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::redact::Redactor;
use crate::host::Taped;

const ORIGIN: &str = "\
origin: recorded
about: \"A machine as coord-agent record wrote it down; personal data is replaced\"
files:
  \"**\": \"read on that machine\"
";

/// Writes everything below `folder`, which may exist.
pub(super) fn write(folder: &Path, taped: &Taped, redactor: &mut Redactor) -> io::Result<()> {
    let root = folder.join("root");
    fs::create_dir_all(&root).map_err(|error| named(folder, &error))?;
    let place =
        |path: &str, redactor: &mut Redactor| -> PathBuf { root.join(redactor.text(path).trim_start_matches('/')) };
    for path in &taped.folders {
        let path = place(path, redactor);
        fs::create_dir_all(&path).map_err(|error| named(&path, &error))?;
    }
    for (path, bytes) in &taped.files {
        let text = redactor.file(path, bytes);
        put(&place(path, redactor), &text)?;
    }
    for path in taped.seen.iter().filter(|path| !taped.files.contains_key(*path)) {
        put(&place(path, redactor), b"")?;
    }
    for (path, target) in &taped.links {
        let path = place(path, redactor);
        with_parent(&path)?;
        match symlink(redactor.text(target), &path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(named(&path, &error)),
            Ok(()) | Err(_) => {}
        }
    }
    let answers = redactor.value(serde_json::to_value(&taped.answers)?);
    put(&folder.join("answers.json"), (serde_json::to_string_pretty(&answers)? + "\n").as_bytes())?;
    put(&folder.join("origin.yaml"), ORIGIN.as_bytes())
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    with_parent(path)?;
    fs::write(path, bytes).map_err(|error| named(path, &error))
}

fn with_parent(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    fs::create_dir_all(parent).map_err(|error| named(parent, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
}
