//! Problems of network and user-space mounts.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    Code, Problem, Report,
    section::{Export, K3s, K3sRole, Mount, MountState, UnitState},
};

/// Options that belong into the line that mounts something again; the rest are the kernel's own.
const KEPT_OPTIONS: &[&str] = &[
    "vers",
    "proto",
    "port",
    "hard",
    "soft",
    "softerr",
    "timeo",
    "retrans",
    "nconnect",
    "sec",
    "nolock",
    "noac",
    "rsize",
    "wsize",
    "username",
    "uid",
    "gid",
    "credentials",
];

/// Every mount that does not answer as it should, and every one that is a risk.
pub(super) fn mounts(report: &Report, problems: &mut Vec<Problem>) {
    let Some(facts) = report.mounts.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    let k3s = report.k3s.as_ref().and_then(|section| section.facts.as_ref());
    let mounts = facts.mounts.as_deref().unwrap_or_default();
    problems.extend(mounts.iter().filter_map(one));
    problems.extend(mounts.iter().filter_map(sentinel));
    problems.extend(mounts.iter().filter_map(soft_writable));
    problems.extend(k3s.and_then(|k3s| on_server(k3s, mounts)));
    problems.extend(k3s.and_then(|k3s| kubelet_blocked(k3s, mounts)));
    problems.extend(fuse_exported(facts.exports.as_deref().unwrap_or_default()));
}

fn one(mount: &Mount) -> Option<Problem> {
    let state = mount.state?;
    let code = match state {
        MountState::Ok | MountState::IdleAutomount | MountState::Unrecognised(_) => return None,
        MountState::Slow => Code::MountSlow,
        MountState::ServerDown => Code::MountServerDown,
        MountState::ServiceDown => Code::MountServiceDown,
        MountState::Stuck => Code::MountStuck,
        MountState::Leaked => Code::MountLeaked,
        MountState::Stale => Code::MountStale,
        MountState::ReadOnly => Code::MountReadOnly,
        MountState::Missing => Code::MountMissing,
        MountState::Denied => Code::MountDenied,
        MountState::WrongSource => Code::MountWrongSource,
    };
    let path = path(mount);
    let source = mount.source.as_deref().unwrap_or("?");
    let detail = mount.detail.as_deref().filter(|detail| !detail.is_empty()).unwrap_or(code.as_str());
    let problem = Problem::new(code, format!("mount/{path}"), format!("{path} from {source}: {detail}"));
    Some(match hint(state, mount) {
        Some(hint) => problem.hint(hint),
        None => problem,
    })
}

/// Where it is mounted, else its declared name.
fn path(mount: &Mount) -> &str {
    let path = mount.paths.as_ref().and_then(|paths| paths.first()).map(String::as_str);
    path.or(mount.name.as_deref()).unwrap_or("?")
}

/// What to type about this very mount.
fn hint(state: MountState, mount: &Mount) -> Option<String> {
    if state == MountState::Stale {
        return remount(mount);
    }
    let missing = state == MountState::Missing && mount.paths.is_some();
    missing.then(|| format!("on the node: mount {}", quoted(path(mount))))
}

/// The exact line that mounts it again, with the options that somebody once chose.
fn remount(mount: &Mount) -> Option<String> {
    let (kind, source, path) = (mount.kind.as_deref()?, mount.source.as_deref()?, quoted(path(mount)));
    if kind.starts_with("fuse") {
        return Some(format!("umount -l {path}, then start the program that serves it again"));
    }
    let kept = |option: &&str| KEPT_OPTIONS.contains(&option.split('=').next().unwrap_or_default());
    let access = if mount.read_only == Some(true) { "ro" } else { "rw" };
    let chosen = mount.options.as_deref().unwrap_or_default().split(',').filter(kept);
    let options: Vec<&str> = core::iter::once(access).chain(chosen).collect();
    Some(format!("umount -l {path} && mount -t {kind} -o {} {} {path}", quoted(&options.join(",")), quoted(source)))
}

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/.:_-,=@[]+%".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_string()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The right thing would hold this file.
fn sentinel(mount: &Mount) -> Option<Problem> {
    if mount.sentinel != Some(false) {
        return None;
    }
    let path = path(mount);
    let message = format!("{path} is mounted and answers, but its sentinel file is not there");
    Some(
        Problem::new(Code::MountSentinelMissing, format!("mount/{path}"), message)
            .hint("look on the server whether the disk or pool behind the export is there"),
    )
}

fn is_nfs(mount: &Mount) -> bool {
    mount.kind.as_ref().is_some_and(|kind| kind == "nfs" || kind == "nfs4")
}

/// Whether another machine serves it.
fn is_network(mount: &Mount) -> bool {
    let kind = mount.kind.as_deref().unwrap_or_default();
    matches!(kind, "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "ceph") && mount.device_number.is_some()
}

/// A soft mount gives up, and what was to be written is lost.
fn soft_writable(mount: &Mount) -> Option<Problem> {
    if !is_nfs(mount) || mount.hard != Some(false) || mount.read_only != Some(false) {
        return None;
    }
    let path = path(mount);
    let message = format!("{path} is mounted soft and writable: when its server is slow, writes fail and data is lost");
    let line = format!("mount it hard, or read-only: replace soft by hard for {path} in /etc/fstab and mount it again");
    Some(Problem::new(Code::MountSoftWritable, format!("mount/{path}"), message).hint(line))
}

/// A network mount on a machine that votes in etcd.
fn on_server(k3s: &K3s, mounts: &[Mount]) -> Option<Problem> {
    let votes = match k3s.etcd.as_ref().and_then(|etcd| etcd.voter) {
        Some(voter) => voter,
        None => k3s.datastore.as_deref() == Some("etcd"),
    };
    let paths: Vec<&str> = mounts.iter().filter(|mount| is_network(mount)).map(path).collect();
    let first = paths.first()?;
    if k3s.role != Some(K3sRole::Server) || !votes {
        return None;
    }
    let message = format!(
        "a node with an etcd vote mounts {} over the network: when the server dies, this node can freeze",
        names(&paths)
    );
    Some(Problem::new(Code::NetworkMountOnServer, format!("mount/{first}"), message).hint(
        "mount it on a node without a vote; for backups: k3s etcd-snapshot save --s3, or fetch snapshots from another machine",
    ))
}

/// `/a`, `/a and /b`, `/a and 3 more`.
fn names(paths: &[&str]) -> String {
    match paths {
        [] => String::new(),
        [one] => (*one).to_string(),
        [one, other] => format!("{one} and {other}"),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    }
}

/// k3s runs and its threads wait for a disk or a server, while a mount does not answer.
fn kubelet_blocked(k3s: &K3s, mounts: &[Mount]) -> Option<Problem> {
    let waits = k3s.unit_state == Some(UnitState::Active) && k3s.blocked_threads.is_some_and(|threads| threads > 0);
    let dead = |mount: &&Mount| match mount.state {
        Some(MountState::ServerDown | MountState::ServiceDown | MountState::Stuck | MountState::Leaked) => true,
        Some(
            MountState::Ok
            | MountState::Slow
            | MountState::Stale
            | MountState::ReadOnly
            | MountState::Missing
            | MountState::IdleAutomount
            | MountState::Denied
            | MountState::WrongSource
            | MountState::Unrecognised(_),
        )
        | None => false,
    };
    let path = path(mounts.iter().find(dead).filter(|_| waits)?);
    let message = format!("the kubelet is blocked by mount {path}: no pod of this node starts or ends");
    Some(
        Problem::new(Code::KubeletBlocked, format!("mount/{path}"), message)
            .hint(format!("bring the server of {path} back, or: umount -f -l {}, then restart k3s", quoted(path))),
    )
}

/// One hint for all of them, since on a file server of this kind there are many.
fn fuse_exported(exports: &[Export]) -> Option<Problem> {
    let is_fuse = |export: &&Export| export.kind.as_ref().is_some_and(|kind| kind.starts_with("fuse"));
    let fuse: Vec<&Export> = exports.iter().filter(is_fuse).collect();
    let kind = fuse.first()?.kind.as_deref().unwrap_or("fuse");
    let paths: Vec<&str> = fuse.iter().filter_map(|export| export.path.as_deref()).collect();
    let message = format!(
        "it exports {} over NFS from {kind}: when files move between disks below it, clients get stale file handles",
        names(&paths)
    );
    Some(
        Problem::new(Code::FuseExported, "", message)
            .hint("export the disk or pool itself where clients keep files open"),
    )
}

#[cfg(test)]
mod tests;
