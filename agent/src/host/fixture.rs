//! Recorded hosts of tests: a few files, no answers, gone with the test.

use std::{fs, ops::Deref, os::unix::fs::symlink};

use super::Host;

/// A recorded host and the folder that it lies in.
pub(crate) struct Fixture {
    host: Host,
    _folder: tempfile::TempDir,
}

impl Deref for Fixture {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

/// A recorded host with these files and links; content that begins with `->` is a link.
pub(crate) fn recorded<P: AsRef<str>, C: AsRef<[u8]>>(files: &[(P, C)]) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    for (path, content) in files {
        let path = root.join(path.as_ref().trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match content.as_ref().strip_prefix(b"->") {
            Some(target) => symlink(std::str::from_utf8(target).unwrap(), path).unwrap(),
            None => fs::write(path, content).unwrap(),
        }
    }
    fs::write(folder.path().join("answers.json"), r#"{"schema": 1}"#).unwrap();
    Fixture { host: Host::recorded(folder.path()).unwrap(), _folder: folder }
}

/// A recorded host without any file.
pub(crate) fn empty() -> Fixture {
    recorded::<&str, &str>(&[])
}
