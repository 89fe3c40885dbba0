//! Where the programs and the recorded hosts are.

use std::path::{Path, PathBuf};

/// One of our programs, built beside the one that is running.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let folders = own.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not built beside {}; run: cargo build --workspace", own.display()))
}

/// The folder of the recorded hosts.
#[must_use]
pub fn hosts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts")
}
