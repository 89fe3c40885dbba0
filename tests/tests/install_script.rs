//! What packages are made of beside programs: scripts that a shell checker accepts, completions that know every option,
//! and an install script that refuses what it cannot do and says what to do instead.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use coord_tests::{lab::program, skip::skipped};

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging")
}

/// A folder with packages and a root to look at.
struct Download(tempfile::TempDir);

impl Download {
    /// With these files, their sums, and a root that has these programs.
    fn with(files: &[&str], programs: &[&str]) -> Self {
        let download = Self(tempfile::tempdir().unwrap());
        fs::copy(packaging().join("install.sh"), download.at("install.sh")).unwrap();
        for file in files {
            fs::write(download.at(file), *file).unwrap();
        }
        let sums = format!("cd {} && sha256sum -- * > SHA256SUMS", download.0.path().display());
        assert!(Command::new("sh").args(["-c", &sums]).status().unwrap().success());
        fs::create_dir_all(download.at("root/run/systemd/system")).unwrap();
        fs::create_dir_all(download.at("root/usr/bin")).unwrap();
        for program in programs {
            let path = download.at(&format!("root/usr/bin/{program}"));
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        download
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// What it would do on a machine of this kind: exit code, and everything that it said.
    fn try_on(&self, machine: &str, package: &str) -> (Option<i32>, String) {
        let mut command = Command::new("sh");
        command.arg(self.at("install.sh")).arg(package);
        command.envs([("DRY_RUN", "1"), ("COORD_MACHINE", machine)]).env("COORD_ROOT", self.at("root"));
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }
}

const FILES: [&str; 4] = [
    "coord-agent_0.9.0_amd64.deb",
    "coord-agent_0.10.0_amd64.deb",
    "coord-agent_0.10.0_arm64.deb",
    "coord-agent-0.10.0-1.x86_64.rpm",
];

#[test]
fn the_install_script_picks_the_newest_package_for_this_machine() {
    let debian = Download::with(&FILES, &["apt-get"]);
    for (machine, file) in [("x86_64", "coord-agent_0.10.0_amd64.deb"), ("aarch64", "coord-agent_0.10.0_arm64.deb")] {
        let (code, said) = debian.try_on(machine, "coord-agent");
        assert!(code == Some(0) && said.contains(&format!("{file}: its sum is right")), "{said}");
        assert!(said.contains("next: apt-get install -y "), "{said}");
    }
    let (code, said) = Download::with(&FILES, &["dnf"]).try_on("x86_64", "coord-agent");
    assert!(code == Some(0) && said.contains("next: dnf install -y "), "{said}");
}

#[test]
fn the_install_script_refuses_with_a_way_out() {
    let debian = Download::with(&FILES, &["apt-get"]);
    fs::write(debian.at("coord-agent_0.10.0_arm64.deb"), "damaged").unwrap();
    let unraid = Download::with(&FILES, &["apt-get"]);
    fs::create_dir_all(unraid.at("root/etc")).unwrap();
    fs::write(unraid.at("root/etc/unraid-version"), "version=\"7.2.0\"\n").unwrap();
    let bare = Download::with(&FILES, &[]);
    for (download, machine, package, part) in [
        (&debian, "riscv64", "coord-agent", "there is no package for riscv64"),
        (&debian, "armv7l", "coord-agent", "there is no package for 32-bit armv7l"),
        (&debian, "x86_64", "coord-helper", "there is no package coord-helper"),
        (&debian, "x86_64", "coordinator", "no coordinator_*_amd64.deb beside"),
        (&debian, "aarch64", "coord-agent", "is damaged: its sum is another"),
        (&unraid, "x86_64", "coord-agent", "Unraid takes a plugin"),
        (&bare, "x86_64", "coord-agent", "neither apt, dnf nor zypper"),
    ] {
        let (code, said) = download.try_on(machine, package);
        assert!(code == Some(1) && said.contains(part) && said.contains("hint: "), "{machine} {package}: {said}");
    }
}

#[test]
fn the_install_script_says_that_nothing_will_start_without_systemd() {
    let debian = Download::with(&FILES, &["apt-get"]);
    fs::remove_dir_all(debian.at("root/run")).unwrap();
    let (code, said) = debian.try_on("x86_64", "coord-agent");
    assert!(code == Some(0) && said.contains("note: systemd does not run here"), "{said}");
}

#[test]
fn the_install_script_can_be_read() {
    let lines = fs::read_to_string(packaging().join("install.sh")).unwrap().lines().count();
    assert!(lines < 100, "{lines}");
}

#[test]
fn scripts_are_clean() {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        return skipped("scripts_are_clean", "needs shellcheck: apt-get install shellcheck");
    }
    let mut scripts = Vec::new();
    collect(&packaging(), &mut scripts);
    assert!(scripts.len() > 12, "{scripts:?}");
    let output = Command::new("shellcheck").args(["-x", "-P", "SCRIPTDIR"]).args(&scripts).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Every file that says which shell it is for.
fn collect(folder: &Path, scripts: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, scripts);
        } else if fs::read(&path).is_ok_and(|text| text.starts_with(b"#!/bin/sh") || text.starts_with(b"#!/bin/bash")) {
            scripts.push(path);
        }
    }
}

#[test]
fn completions_of_the_agent_know_every_option() {
    let help = |words: &[&str]| {
        let output = Command::new(program("coord-agent")).args(words).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        let script = fs::read_to_string(packaging().join(format!("completions/coord-agent.{shell}"))).unwrap();
        for command in ["check", "join", "leave", "run", "record"] {
            assert!(help(&[]).contains(command) && script.contains(command), "{shell}: {command}");
            let text = help(&[command]);
            let options = text.lines().filter(|line| line.trim_start().starts_with('-'));
            let words = options.flat_map(|line| line.split([' ', ',']));
            for option in words.filter_map(|word| word.strip_prefix("--")) {
                assert!(script.contains(option), "{shell}: {command} --{option}");
            }
        }
    }
}
