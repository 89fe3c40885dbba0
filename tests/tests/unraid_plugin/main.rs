//! The Unraid plugin: its files keep the documented rules, the same input makes the same bytes, and on a host without
//! systemd it installs, joins, survives kills and boots, lets the array stop, and goes without a trace.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod files;
mod life;
mod page;
mod plugin;
mod unraid;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A version as Cargo.toml has it.
const VERSION: &str = "0.1.0";

/// Where the plugin's sources are.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/unraid")
}

/// Builds the plugin from the programs in `binaries`, as of a given second.
fn build(binaries: &Path, out: &Path, version: &str, epoch: u32) -> PathBuf {
    let mut command = Command::new(sources().join("build.sh"));
    command.arg(binaries).arg(out).arg(version);
    command.env("SOURCE_DATE_EPOCH", epoch.to_string()).env("COORD_XZ_LEVEL", "-0").env_remove("COORD_BASE_URL");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out.join("coord-agent.plg")
}
