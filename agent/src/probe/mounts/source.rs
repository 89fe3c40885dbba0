//! Server and export in the source column of the mount table.

use coord_model::{Reading, Unknown};

/// `192.168.1.29:/mnt/media`, `[fd00::1]:/x`, `//nas/share`, `user@host:/path`; others name no server.
pub(super) fn split(kind: &str, source: &str) -> (Reading<String>, Reading<String>) {
    let found = match kind {
        "nfs" | "nfs4" | "ceph" | "fuse.sshfs" | "fuse.glusterfs" => colon(source),
        "cifs" | "smb3" | "smbfs" => slashes(source),
        _ => None,
    };
    let Some((server, export)) = found else {
        let reason = Unknown::not_applicable(format!("the source of {kind} names no server"));
        return (Err(reason.clone()), Err(reason));
    };
    (Ok(server), Ok(export))
}

fn colon(source: &str) -> Option<(String, String)> {
    let source = source.rsplit_once('@').map_or(source, |(_, host)| host);
    if let Some(bracketed) = source.strip_prefix('[') {
        let (server, export) = bracketed.split_once("]:")?;
        return Some((server.to_string(), export.to_string()));
    }
    // An IPv6 address without brackets holds colons itself; the export begins with a slash.
    let (server, export) = source.split_once(":/").map(|(server, export)| (server, format!("/{export}")))?;
    Some((server.to_string(), export))
}

fn slashes(source: &str) -> Option<(String, String)> {
    let (server, share) = source.strip_prefix("//")?.split_once('/')?;
    Some((server.to_string(), share.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(kind: &str, source: &str) -> Option<(String, String)> {
        let (server, export) = split(kind, source);
        server.ok().zip(export.ok())
    }

    #[test]
    fn every_spelling_is_split() {
        let pair = |one: &str, two: &str| Some((one.to_string(), two.to_string()));
        assert_eq!(both("nfs4", "192.168.1.29:/mnt/media"), pair("192.168.1.29", "/mnt/media"));
        assert_eq!(both("nfs4", "[fd00::1]:/x"), pair("fd00::1", "/x"));
        assert_eq!(both("nfs", "fd00::1:/x"), pair("fd00::1", "/x"));
        assert_eq!(both("cifs", "//nas/my share"), pair("nas", "my share"));
        assert_eq!(both("fuse.sshfs", "me@box:/home"), pair("box", "/home"));
    }

    #[test]
    fn others_name_no_server() {
        assert_eq!(both("fuse.shfs", "shfs"), None);
        assert_eq!(both("nfs", "nonsense"), None);
        assert_eq!(both("cifs", "//"), None);
    }
}
