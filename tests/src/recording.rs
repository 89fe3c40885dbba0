//! A recorded host that a test may damage: a copy in the lab's folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::lab::{Lab, Running, hosts};

/// Copies the recorded host `host` into the lab and returns its folder.
///
/// # Panics
/// When it cannot be copied.
#[must_use]
pub fn copy(lab: &Lab, host: &str) -> PathBuf {
    let target = lab.path(&format!("{host}.copy"));
    copy_folder(&hosts().join(host), &target);
    target
}

/// Copies a folder with everything in it; links stay links.
///
/// # Panics
/// When it cannot be copied.
pub fn copy_folder(source: &Path, target: &Path) {
    fs::create_dir_all(target).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(from).unwrap(), to).unwrap();
        } else if kind.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// A running agent of the lab that enrols with a fresh token and reads the recorded host in `folder`.
#[must_use]
pub fn agent(lab: &Lab, name: &str, folder: &Path) -> Running {
    let mut command = lab.agent_command(name);
    command.arg("--token-file").arg(lab.token_file(name)).arg("--root").arg(folder);
    Running(command.spawn().unwrap())
}
