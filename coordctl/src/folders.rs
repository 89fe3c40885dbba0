//! Where this user's files lie: XDG base directories on Unix, the profile's folders on Windows.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Identities and which one is in use; `None` where the user has no home.
pub(crate) fn settings() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config", "APPDATA")
}

/// Last answers.
pub(crate) fn state() -> Option<PathBuf> {
    folder("XDG_STATE_HOME", ".local/state", "LOCALAPPDATA")
}

fn folder(variable: &str, below_home: &str, windows: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_user = || match cfg!(windows) {
        true => absolute(windows),
        false => absolute("HOME").map(|home| home.join(below_home)),
    };
    Some(absolute(variable).or_else(of_user)?.join("coordctl"))
}

/// Makes a folder that only its owner may enter.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// `name` as a file name: letters, digits, `.`, `-` and `_` stay, the rest is written as `%NN`.
pub(crate) fn file_name(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => safe.push(char::from(byte)),
            b'.' if !safe.is_empty() => safe.push('.'),
            other => safe.push_str(&format!("%{other:02x}")),
        }
    }
    safe
}
