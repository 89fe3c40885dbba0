//! The programs for arm64, run by an emulator against the C library of their image: version, a check, and one session.

use std::{path::Path, process::Command};

use coord_tests::{
    lab::{Lab, Running},
    skip::skipped,
};

use crate::{file, image, shell};

/// Lets the kernel start programs of arm64, in a namespace of its own: the agent starts itself for every probe.
const EMULATED: &str = r#"
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' ':arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:F' >/proc/sys/fs/binfmt_misc/register
for place in proc sys dev tmp; do mkdir -p "$1/$place" && mount --rbind "/$place" "$1/$place"; done
exec timeout 120 chroot "$@"
"#;

/// The agent of the package in the root of its image, in a user and mount namespace of its own.
fn emulated(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-Urm", "--propagation", "private", "sh", "-euc", EMULATED, "sh"]).arg(root);
    command.arg("/usr/bin/coord-agent").args(words);
    command
}

#[test]
fn programs_for_arm64_run() {
    if !Path::new("/usr/bin/qemu-aarch64-static").exists() {
        return skipped("programs_for_arm64_run", "needs qemu-user-static: apt-get install qemu-user-static");
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    image::unpack("coord-agent", "arm64", &root);
    shell("dpkg -x \"$1\" \"$2\"", &[&file("coord-agent_*_arm64.deb"), &root]);

    let output = emulated(&root, &["--version"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("coord-agent "), "{output:?}");
    let output = emulated(&root, &["check", "-o", "json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["report"]["platform"]["facts"]["kind"].is_string(), "{report:#}");
    session(&root);
}

/// It enrols with a coordinator of this machine, and reports.
fn session(root: &Path) {
    let lab = Lab::start();
    let (state, token) = (lab.path("arm.state"), lab.token_file("arm"));
    let paths = [state.to_str().unwrap(), token.to_str().unwrap()];
    let words = ["run", "--name", "arm", "--state", paths[0], "--token-file", paths[1]];
    let mut running = Running(emulated(root, &words).spawn().unwrap());
    lab.wait_reported("arm");
    running.stop();
}
