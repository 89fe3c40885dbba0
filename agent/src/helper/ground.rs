//! The ground that lanes read: the files of this machine, or, in a test, those below a folder.

use std::{
    fs,
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
    time::Duration,
};

use coord_model::{Reading, Unknown, ValueState};
use nix::fcntl::OFlag;

use crate::host::unknown_io;

/// The most that an ordinary file may be.
const LARGEST: u64 = 256 << 10;
/// The most names of one folder.
const MOST_NAMES: usize = 65_536;

/// Where lanes read, and where their locks lie.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    root: PathBuf,
}

/// A file as its folder shows it.
pub(super) struct FileFacts {
    pub(super) size: u64,
    /// Since its content changed.
    pub(super) age: Duration,
}

impl Ground {
    /// The machine below `root`; `/` is this one.
    pub(super) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where `path` of that machine lies on this one.
    pub(super) fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A folder that only root may write, on a file system that cannot hang.
    pub(super) fn locks(&self) -> PathBuf {
        self.place("/run/coord-helper")
    }

    /// Opens `path` so that neither a pipe nor a terminal can hold the reader.
    pub(super) fn open(&self, path: &str) -> Reading<fs::File> {
        let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
        let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(self.place(path));
        file.map_err(|error| unknown_io(path, &error))
    }

    /// The whole file at `path`, up to 256 KiB.
    pub(super) fn read(&self, path: &str) -> Reading<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.open(path)?.take(LARGEST + 1).read_to_end(&mut bytes);
        read.map_err(|error| unknown_io(path, &error))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST) {
            Ok(bytes)
        } else {
            Err(Unknown::error(format!("{path} is larger than {LARGEST} bytes")))
        }
    }

    /// The same as text, without white space and NULs around it.
    pub(super) fn text(&self, path: &str) -> Reading<String> {
        let bytes = self.read(path)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.trim_matches(|character: char| character == '\0' || character.is_whitespace()).to_string())
    }

    /// Sorted names of the folder at `path`; names that are not UTF-8 are left out.
    pub(super) fn list(&self, path: &str) -> Reading<Vec<String>> {
        let failed = |error: std::io::Error| unknown_io(path, &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(self.place(path)).map_err(failed)?.take(MOST_NAMES) {
            names.extend(entry.map_err(failed)?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    /// What the link at `path` says.
    pub(super) fn link(&self, path: &str) -> Reading<String> {
        let target = fs::read_link(self.place(path)).map_err(|error| unknown_io(path, &error))?;
        Ok(target.to_string_lossy().into_owned())
    }

    /// Whether something is at `path`.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.place(path).exists()
    }

    /// Size and age of the ordinary file at `path`, links not followed; `None` where it is something else.
    pub(super) fn file(&self, path: &str) -> Option<FileFacts> {
        let data = fs::symlink_metadata(self.place(path)).ok().filter(fs::Metadata::is_file)?;
        let age = data.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
        Some(FileFacts { size: data.size(), age })
    }

    /// Whether the machine lives whose process number stands in the file at `path`: a file that was left behind may
    /// hold the number of another program.
    pub(super) fn machine_lives(&self, path: &str) -> Reading<bool> {
        let Some(text) = present(self.text(path))? else { return Ok(false) };
        let number: u32 = text.parse().map_err(|_| Unknown::error(format!("{path} holds no process number")))?;
        Ok(present(self.text(&format!("/proc/{number}/comm")))?.is_some_and(|name| is_emulator(&name)))
    }
}

/// `None` where there is no such file; whatever else keeps it from being read stays a reason.
fn present(reading: Reading<String>) -> Reading<Option<String>> {
    match reading {
        Ok(text) => Ok(Some(text)),
        Err(reason) if reason.state == ValueState::Absent => Ok(None),
        Err(reason) => Err(reason),
    }
}

/// QEMU by the name of its process: `qemu-system-x86`, `qemu-kvm`, on Proxmox VE `kvm`. The kernel's own threads,
/// such as `kvm-nx-lpage-re`, are none.
fn is_emulator(name: &str) -> bool {
    name == "kvm" || name.starts_with("qemu")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A machine with these files.
    pub(in crate::helper) fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Ground) {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::new(folder.path());
        for (path, text) in files {
            let place = ground.place(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        (folder, ground)
    }

    #[test]
    fn a_pipe_and_a_large_file_hold_nobody() {
        let (_folder, ground) = machine(&[("/large", &"x".repeat((256 << 10) + 1)), ("/run/a.pid", "none")]);
        assert!(ground.read("/large").unwrap_err().message.contains("larger"));
        nix::unistd::mkfifo(&ground.place("/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(ground.text("/pipe"), Ok(String::new()));
        assert!(ground.file("/pipe").is_none());
    }

    #[test]
    fn a_number_that_was_left_behind_is_no_machine() {
        let (_folder, ground) = machine(&[
            ("/run/none.pid", "none"),
            ("/run/7.pid", "7\n"),
            ("/proc/7/comm", "kvm\n"),
            ("/run/8.pid", "8"),
            ("/proc/8/comm", "qemu-system-x86\n"),
            ("/run/9.pid", "9"),
            ("/proc/9/comm", "kvm-nx-lpage-re\n"),
            ("/run/10.pid", "10"),
            ("/run/folder.pid/file", ""),
        ]);
        let lives = |name: &str| ground.machine_lives(&format!("/run/{name}.pid"));
        assert_eq!((lives("7"), lives("8")), (Ok(true), Ok(true)));
        assert_eq!((lives("9"), lives("10"), lives("missing")), (Ok(false), Ok(false), Ok(false)));
        for unread in ["none", "folder"] {
            assert_eq!(lives(unread).unwrap_err().state, ValueState::Error, "{unread}");
        }
    }
}
