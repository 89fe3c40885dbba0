//! What each fuzz target begins with: files of the recorded hosts, and seeds of its own where hosts have none.

use std::{fs, io, path::Path};

use crate::lab::hosts;

/// One fuzz target.
#[derive(Debug)]
pub(super) struct Target {
    /// The name of its program, and of its folder in `tests/fuzz/seeds`.
    pub(super) name: &'static str,
    /// Parts of paths of recorded files that it may be fed.
    files: &'static [&'static str],
    /// The longest input that is tried.
    pub(super) longest: usize,
}

/// All of them.
pub(super) const TARGETS: [Target; 7] = [
    Target { name: "mountinfo", files: &["/mountinfo"], longest: 16 << 10 },
    Target { name: "mountstats", files: &["/mountstats"], longest: 16 << 10 },
    Target { name: "emhttp", files: &["/var.ini", "/disks.ini", "/shares.ini", "/sec_nfs.ini"], longest: 16 << 10 },
    Target { name: "rpc_reply", files: &[], longest: 256 },
    Target { name: "drm_fdinfo", files: &[], longest: 4 << 10 },
    Target { name: "uevent", files: &[], longest: 4 << 10 },
    Target { name: "helper_request", files: &[], longest: 4 << 10 },
];

impl Target {
    /// Copies its seeds into `corpus`; how many there are.
    pub(super) fn seed(&self, corpus: &Path) -> io::Result<usize> {
        let mut found = Vec::new();
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(self.name);
        if own.is_dir() {
            walk(&own, &mut |path| found.push(path.to_owned()))?;
        }
        let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("nfs");
        for folder in [hosts(), texts] {
            walk(&folder, &mut |path| {
                let text = path.to_string_lossy();
                if self.files.iter().any(|part| text.contains(part)) {
                    found.push(path.to_owned());
                }
            })?;
        }
        for path in &found {
            // The name says where it comes from; two hosts have files of the same name.
            let name = path.to_string_lossy().replace('/', "_");
            fs::copy(path, corpus.join(name))?;
        }
        Ok(found.len())
    }
}

/// Every file below `folder`; links are left alone.
fn walk(folder: &Path, each: &mut impl FnMut(&Path)) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), each)?;
        } else if kind.is_file() {
            each(&entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_seeds_and_a_program() {
        let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).unwrap();
        for target in &TARGETS {
            let folder = tempfile::tempdir().unwrap();
            assert!(target.seed(folder.path()).unwrap() > 0, "{} has no seeds", target.name);
            assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{} has no program", target.name);
        }
        let programs = manifest.matches("[[bin]]").count();
        assert_eq!(programs, TARGETS.len(), "a program is not run");
    }
}
