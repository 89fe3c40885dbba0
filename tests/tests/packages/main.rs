//! `make test-packages`: what `make packages` has put into `dist/` is installed, joined, upgraded and removed on a real
//! systemd; the rpm packages in a root of their own; the programs for arm64 under emulation; the images without an engine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

mod arm;
mod debian;
mod image;
mod rpm;

/// Where `make packages` puts things.
fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist")
}

/// The file of this form in `dist/`, where `*` is the version.
fn file(form: &str) -> PathBuf {
    let (begin, end) = form.split_once('*').unwrap();
    let files = std::fs::read_dir(dist()).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| fits(&name.to_string_lossy(), begin, end));
    files.into_iter().find(named).unwrap_or_else(|| panic!("no {form} in dist/; make it: make packages"))
}

fn fits(name: &str, begin: &str, end: &str) -> bool {
    let version = name.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    version.is_some_and(|version| version.starts_with(|letter: char| letter.is_ascii_digit()))
}

/// Runs a script of the shell, gives back what it printed.
fn shell(script: &str, arguments: &[&Path]) -> String {
    let output = Command::new("sh").args(["-euc", script, "sh"]).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {}: {said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_packages_are_as_small_as_promised() {
    for (name, most) in [("coord-agent", 2_500_000), ("coordinator", 8_000_000), ("coordctl", 4_000_000)] {
        for end in ["_*_amd64.deb", "_*_arm64.deb", "-*.x86_64.rpm", "-*.aarch64.rpm"] {
            let form = format!("{name}{end}");
            let size = std::fs::metadata(file(&form)).unwrap().len();
            assert!(size <= most, "{form}: {size} bytes");
        }
    }
}

#[test]
fn the_sums_are_right_and_lintian_has_nothing_to_say() {
    shell("cd \"$1\" && sha256sum --check --quiet SHA256SUMS", &[&dist()]);
    let said = shell("lintian --fail-on error,warning \"$1\"/*.deb", &[&dist()]);
    assert!(!said.contains("W: ") && !said.contains("E: "), "{said}");
}

#[test]
fn every_program_has_its_bill_of_materials() {
    for name in ["coord-agent", "coordinator", "coordctl"] {
        let text = std::fs::read_to_string(dist().join(format!("{name}.cdx.json"))).unwrap();
        let bill: serde_json::Value = serde_json::from_str(&text).unwrap();
        let components = bill["components"].as_array().unwrap();
        assert!(components.iter().any(|component| component["name"] == "tokio"), "{name}");
    }
}
