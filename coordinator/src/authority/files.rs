//! The two files of the authority: the key first, each complete on disk before the next begins.

use std::{fs, io, path::Path};

use coord_proto::write_private;
use zeroize::Zeroizing;

use super::AuthorityError;

/// The authority's certificate in the data folder, PEM.
pub const CERTIFICATE_FILE: &str = "authority.crt";

/// The authority's key in the data folder, PEM, mode 0600.
pub const KEY_FILE: &str = "authority.key";

/// Writes both, replacing what is there.
pub(crate) fn write(folder: &Path, certificate: &str, key: &str) -> Result<(), AuthorityError> {
    for (name, text) in [(KEY_FILE, key), (CERTIFICATE_FILE, certificate)] {
        let path = folder.join(name);
        write_private(&path, text.as_bytes(), None).map_err(|source| AuthorityError::File { path, source })?;
    }
    Ok(())
}

/// Reads certificate and key.
pub(crate) fn read(folder: &Path) -> Result<(String, Zeroizing<String>), AuthorityError> {
    let certificate = read_one(folder, CERTIFICATE_FILE)?;
    Ok((certificate, read_one(folder, KEY_FILE)?.into()))
}

fn read_one(folder: &Path, name: &str) -> Result<String, AuthorityError> {
    let path = folder.join(name);
    fs::read_to_string(&path).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData => AuthorityError::Damaged { path, message: "it is not text".into() },
        _ => AuthorityError::File { path, source },
    })
}
