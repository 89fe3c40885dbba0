//! Mounts that the coordinator expects: which row is which, what is missing, and what lies in its place.
//!
//! Whether something is mounted is told by the mount table alone. Only a folder that is proved to be on a local disk is
//! looked into, to tell how much was written below a share that was not there.

use std::{collections::BTreeSet, net::IpAddr};

use coord_model::{
    ExpectedMount, Reading, Unknown, ValueState,
    section::{Mount, MountReading, MountState},
};

use super::{
    judge,
    servers::{self, Pings},
    shadow,
    table::{Family, Row},
    view::View,
};
use crate::{
    host::{Host, Ping, Protocol, Server},
    probe::space::put,
};

/// The most declared mounts of one node.
const MOST: usize = 256;
/// Where a volume's server is asked.
const NFS_PORT: u16 = 2049;

/// Servers of declared volumes, which are asked although nothing may be mounted.
pub(super) fn servers(expected: &[ExpectedMount]) -> impl Iterator<Item = Server> + '_ {
    expected.iter().take(MOST).filter(|one| one.volume).filter_map(volume_server)
}

/// The server of a volume, where it is declared by its address.
fn volume_server(one: &ExpectedMount) -> Option<Server> {
    Some(Server { address: one.server.parse().ok()?, port: NFS_PORT, protocol: Protocol::Nfs(4) })
}

/// Paths that are declared, and sources of declared volumes: their mounts come first wherever there is a limit.
pub(crate) fn declared_places(expected: &[ExpectedMount]) -> BTreeSet<String> {
    let place = |one: &ExpectedMount| if one.volume { declared(one) } else { trimmed(&one.path).to_string() };
    expected.iter().take(MOST).map(place).collect()
}

/// Names the rows that are declared, corrects those that are something else, and adds one for each that is missing.
pub(super) fn apply(host: &Host, rows: &[Row], mounts: &mut Vec<Mount>, expected: &[ExpectedMount], pings: &Pings) {
    let view = View::of(rows);
    for one in expected.iter().take(MOST) {
        let added = if one.volume { volume(mounts, one, pings) } else { place(host, &view, mounts, one) };
        mounts.extend(added);
    }
}

/// A mount that must be at its path.
fn place(host: &Host, view: &View<'_>, mounts: &mut [Mount], one: &ExpectedMount) -> Option<Mount> {
    let path = trimmed(&one.path);
    let found = mounts.iter_mut().find(|mount| mount.paths.iter().flatten().any(|other| other == path));
    if let Some(mount) = found {
        name(mount, one);
        if mount.state != Some(MountState::IdleAutomount) && !same(mount, one) {
            let there = mount.source.as_deref().unwrap_or("something else");
            let detail = format!("{there} is mounted there, declared is {}", declared(one));
            decide(mount, MountState::WrongSource, detail);
        }
        return None;
    }
    Some(match view.under(path) {
        Some(row) if row.path == path => occupied(row, one),
        Some(row) if row.family() == Family::Automount => {
            let detail = format!("it lies below {}, an automount point that nobody has used", row.path);
            absent(one, MountState::IdleAutomount, detail, "an automount point is never touched")
        }
        under => missing(host, view, under, one),
    })
}

/// Gives the row its declared name.
fn name(mount: &mut Mount, one: &ExpectedMount) {
    if mount.name.is_none() {
        put(&mut mount.unknown, "name", &mut mount.name, Ok(one.name.clone()));
    }
    if !one.sentinel.is_empty() {
        let asked = Err(Unknown::new(ValueState::Timeout, "it is looked for only while the mount is ok"));
        put(&mut mount.unknown, "sentinel", &mut mount.sentinel, asked);
    }
}

/// Sets a state that needs no question.
pub(super) fn decide(mount: &mut Mount, state: MountState, detail: String) {
    let reason = || {
        let untouched = Unknown::not_applicable("never touched");
        let unasked = || Unknown::new(ValueState::Timeout, format!("it was not asked: {detail}"));
        Err(match state {
            MountState::IdleAutomount => untouched,
            MountState::Denied => Unknown::denied(&detail),
            MountState::Ok
            | MountState::Slow
            | MountState::Stuck
            | MountState::Leaked
            | MountState::Stale
            | MountState::ServerDown
            | MountState::ServiceDown
            | MountState::ReadOnly
            | MountState::Missing
            | MountState::WrongSource
            | MountState::Unrecognised(_) => unasked(),
        })
    };
    put(&mut mount.unknown, "sizeBytes", &mut mount.size_bytes, reason());
    put(&mut mount.unknown, "availableBytes", &mut mount.available_bytes, reason());
    put(&mut mount.unknown, "detail", &mut mount.detail, Ok(detail));
    put(&mut mount.unknown, "state", &mut mount.state, Ok(state));
}

/// Whether the row is what was declared. A name and an address cannot be compared, and are not held against anybody.
fn same(mount: &Mount, one: &ExpectedMount) -> bool {
    let export = one.export.is_empty()
        || mount.export.as_deref().is_some_and(|export| trimmed(export) == trimmed(&one.export))
        || (mount.export.is_none() && mount.source.as_deref() == Some(one.export.as_str()));
    export && same_server(mount, &one.server)
}

fn same_server(mount: &Mount, declared: &str) -> bool {
    if declared.is_empty() || mount.server_address.as_deref() == Some(declared) {
        return true;
    }
    let Some(server) = mount.server.as_deref() else { return mount.source.as_deref() == Some(declared) };
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    match (is_address(server), is_address(declared)) {
        (true, true) => server.parse::<IpAddr>() == declared.parse::<IpAddr>(),
        (false, false) => same_name(server, declared),
        (true, false) => true,
        // The kernel's address of a mount by name was compared above.
        (false, true) => mount.server_address.is_none(),
    }
}

/// `nas` and `nas.lan` are one machine.
fn same_name(one: &str, other: &str) -> bool {
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let whole = one.contains('.') && other.contains('.');
    if whole { one.eq_ignore_ascii_case(other) } else { short(one) == short(other) }
}

/// Without slashes at its end.
fn trimmed(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() && !path.is_empty() { "/" } else { trimmed }
}

/// `SERVER:EXPORT` as far as it was declared.
fn declared(one: &ExpectedMount) -> String {
    match (one.server.is_empty(), one.export.is_empty()) {
        (false, false) => format!("{}:{}", one.server, one.export),
        (false, true) => one.server.clone(),
        (true, false) => one.export.clone(),
        (true, true) => "anything of a server".to_string(),
    }
}

/// A mount that a pod brings along: any superblock of that server and export counts.
fn volume(mounts: &mut [Mount], one: &ExpectedMount, pings: &Pings) -> Option<Mount> {
    if let Some(mount) = mounts.iter_mut().find(|mount| mount.server.is_some() && same(mount, one)) {
        name(mount, one);
        return None;
    }
    let why = "no pod uses it now";
    let Some(server) = volume_server(one) else {
        let mut row = absent(one, MountState::Missing, String::new(), why);
        let reason = Unknown::absent(format!("{why}, and only a server declared by its address is asked"));
        put(&mut row.unknown, "state", &mut row.state, Err(reason.clone()));
        put(&mut row.unknown, "detail", &mut row.detail, Err(reason));
        return Some(row);
    };
    let ping = servers::said(pings, &Ok(server));
    let (state, detail) = match (&ping, judge::by_ping(&server, &ping)) {
        (Ok(Ping::Answered(_)), _) => (MountState::Ok, format!("{why}; its server answers")),
        (_, Some((_, detail))) => (MountState::Missing, format!("{why}, and {detail}")),
        (_, None) => (MountState::Missing, format!("{why}, and its server could not be asked")),
    };
    let mut row = absent(one, state, detail, why);
    put(&mut row.unknown, "pingSeconds", &mut row.ping_seconds, judge::seconds(&ping));
    put(&mut row.unknown, "serverAddress", &mut row.server_address, Ok(one.server.clone()));
    put(&mut row.unknown, "port", &mut row.port, Ok(u32::from(server.port)));
    Some(row)
}

/// A declared path at which a file system of this machine is mounted.
fn occupied(row: &Row, one: &ExpectedMount) -> Mount {
    let detail = format!("{} ({}) is mounted there, declared is {}", row.source, row.kind, declared(one));
    let mut mount = absent(one, MountState::WrongSource, detail, "something else is mounted there");
    put(&mut mount.unknown, "deviceNumber", &mut mount.device_number, Ok(row.device_number.clone()));
    put(&mut mount.unknown, "kind", &mut mount.kind, Ok(row.kind.clone()));
    put(&mut mount.unknown, "source", &mut mount.source, Ok(row.source.clone()));
    put(&mut mount.unknown, "readOnly", &mut mount.read_only, Ok(row.read_only()));
    mount
}

/// A declared mount that is not there, and what lies in the folder that it should cover.
fn missing(host: &Host, view: &View<'_>, under: Option<&Row>, one: &ExpectedMount) -> Mount {
    let path = trimmed(&one.path);
    let folder = match shadow::folder(host, view, path) {
        Ok(folder) => folder,
        Err(reason) => return elsewhere(one, &reason),
    };
    let below = under.map_or("/", |row| row.path.as_str());
    let detail = match (view.buried(path), &folder) {
        (Some((share, top)), _) => {
            let (source, on_top) = (&share.source, &top.source);
            format!("{source} is mounted there, but hidden: {on_top} ({}) was mounted on {} later", top.kind, top.path)
        }
        (None, Ok(folder)) if folder.files > 0 => {
            format!("it is not mounted, and files were written into its folder on {below}, which fills up")
        }
        (None, Ok(_)) => format!("it is not mounted; whatever is written there goes to {below}"),
        (None, Err(unknown)) if unknown.state == ValueState::Absent => {
            "it is not mounted, and its folder is not there".to_string()
        }
        (None, Err(_)) => "it is not mounted".to_string(),
    };
    let mut mount = absent(one, MountState::Missing, detail, "it is not mounted");
    let part = |pick: fn(&crate::host::Folder) -> u64| folder.as_ref().map(pick).map_err(Clone::clone);
    put(&mut mount.unknown, "shadowBytes", &mut mount.shadow_bytes, part(|folder| folder.bytes));
    put(&mut mount.unknown, "shadowFiles", &mut mount.shadow_files, part(|folder| folder.files));
    mount
}

/// A declared path that leads elsewhere, so that nobody can say whether something is mounted there.
fn elsewhere(one: &ExpectedMount, reason: &Unknown) -> Mount {
    let mut mount = absent(one, MountState::Missing, String::new(), &reason.message);
    put(&mut mount.unknown, "state", &mut mount.state, Err(reason.clone()));
    put(&mut mount.unknown, "detail", &mut mount.detail, Err(reason.clone()));
    put(&mut mount.unknown, "shadowBytes", &mut mount.shadow_bytes, Err(reason.clone()));
    put(&mut mount.unknown, "shadowFiles", &mut mount.shadow_files, Err(reason.clone()));
    mount
}

/// A row without a mount: everything that only a mount has is absent because of `why`.
fn absent(one: &ExpectedMount, state: MountState, detail: String, why: &str) -> Mount {
    let gone = || Unknown::absent(why);
    let text =
        |text: &str| if text.is_empty() { Err(Unknown::absent("it is not declared")) } else { Ok(text.to_string()) };
    let whole = !one.server.is_empty() && !one.export.is_empty();
    MountReading {
        device_number: Err(gone()),
        kind: Err(gone()),
        source: if whole { Ok(declared(one)) } else { Err(gone()) },
        server: text(&one.server),
        export: text(&one.export),
        server_address: Err(gone()),
        port: Err(gone()),
        name: Ok(one.name.clone()),
        paths: if one.path.is_empty() { Err(gone()) } else { Ok(vec![trimmed(&one.path).to_string()]) },
        options: Err(gone()),
        read_only: Err(gone()),
        hard: Err(gone()),
        version: Err(gone()),
        state: Ok(state),
        detail: Ok(detail),
        state_seconds: Err(gone()),
        size_bytes: Err(gone()),
        available_bytes: Err(gone()),
        round_trip_seconds: Err(gone()),
        operations: Err(gone()),
        retransmissions: Err(gone()),
        major_timeouts: Err(gone()),
        outstanding: Err(gone()),
        waiting: Err(gone()),
        ping_seconds: Err(gone()),
        sentinel: Err(gone()),
        shadow_bytes: Err(Unknown::not_applicable(why)),
        shadow_files: Err(Unknown::not_applicable(why)),
    }
    .into()
}

/// The file that must be there when the right thing is mounted at one of the paths of `rows`; an error where the
/// declared name leads elsewhere.
pub(crate) fn sentinel<'a>(
    expected: &[ExpectedMount],
    mut rows: impl Iterator<Item = &'a Row> + Clone,
) -> Option<Reading<String>> {
    let wanted = |one: &&ExpectedMount| {
        let path = trimmed(&one.path);
        !one.volume && !one.sentinel.is_empty() && rows.clone().any(|row| row.path == path)
    };
    let one = expected.iter().take(MOST).find(wanted)?;
    rows.next()?;
    let outside = one.sentinel.starts_with('/') || one.sentinel.split('/').any(|part| part == "..");
    Some(if outside {
        Err(Unknown::error(format!("the declared sentinel {} is no path below the mount", one.sentinel)))
    } else {
        Ok(format!("{}/{}", trimmed(&one.path).trim_end_matches('/'), one.sentinel))
    })
}

/// `read-only` for a mount that answers, was declared writable, and is not.
pub(crate) fn settle(mount: &mut Mount, expected: &[ExpectedMount]) {
    let healthy = matches!(mount.state, Some(MountState::Ok | MountState::Slow));
    let writable = || expected.iter().any(|one| one.writable && Some(&one.name) == mount.name.as_ref());
    if healthy && mount.read_only == Some(true) && writable() {
        mount.state = Some(MountState::ReadOnly);
        let detail = "it is declared writable, and mounted read-only".to_string();
        put(&mut mount.unknown, "detail", &mut mount.detail, Ok(detail));
    }
}

#[cfg(test)]
mod tests;
