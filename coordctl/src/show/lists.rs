//! The tables of `coordctl get`: a function a noun, from its rows to text.

use coord_model::{
    DiskRow, EventRow, GpuRow, KeptKind, LabelRow, MountRow, NodeStatus, TokenRow, TokenState, Unknowns,
    section::MountState,
};

use super::{
    Look,
    paint::Tone,
    status::{health, role},
    table::{Row, table},
    text::{age, length, short_id, short_time, size, subject, wrap},
};

/// `get nodes`.
pub(crate) fn nodes(nodes: &[NodeStatus], look: Look) -> String {
    let mut heading = vec!["NODE", "ZONE", "PLATFORM", "ROLE", "HEALTH", "PROBLEMS", "SEEN"];
    if look.wide {
        heading.extend(["AGENT", "ID"]);
    }
    let row = |node: &NodeStatus| {
        let (tone, health) = health(node);
        let problems = node.problems.iter().filter(|problem| problem.degrades()).count();
        let mut cells = vec![
            node.name.clone(),
            node.zone.clone().unwrap_or_else(|| "-".to_owned()),
            node.platform.clone().unwrap_or_else(|| "?".to_owned()),
            role(node.role.as_deref()).to_owned(),
            health.clone(),
            problems.to_string(),
            node.last_seen_seconds.map_or_else(|| "-".to_owned(), age),
        ];
        if look.wide {
            cells.push(node.agent_version.clone().unwrap_or_else(|| "?".to_owned()));
            cells.push(short_id(&node.id));
        }
        Row::marked(cells, tone, &health)
    };
    or_none("nodes", table(&heading, &nodes.iter().map(row).collect::<Vec<_>>()), nodes.is_empty())
}

/// `get gpus`.
pub(crate) fn gpus(gpus: &[GpuRow], look: Look) -> String {
    let mut heading = vec!["NODE", "ADDRESS", "DRIVER", "RENDER", "USABLE", "REASON", "POWER"];
    if look.wide {
        heading.extend(["NAME", "MODE", "GROUP", "READ"]);
    }
    let rows: Vec<Row> = gpus.iter().map(|row| gpu(row, look)).collect();
    or_none("GPUs", table(&heading, &rows), gpus.is_empty())
}

fn gpu(row: &GpuRow, look: Look) -> Row {
    let gpu = &row.gpu;
    let access = gpu.access.as_ref();
    let (tone, usable) = match access.and_then(|access| access.usable_by_root) {
        Some(true) => (Tone::Good, "yes".to_owned()),
        Some(false) => (Tone::Bad, "x no".to_owned()),
        None => {
            let reasons = access.map_or(&gpu.unknown, |access| &access.unknown);
            let field = if access.is_some() { "usableByRoot" } else { "access" };
            (Tone::Warning, unknown(field, reasons))
        }
    };
    let reason = access.and_then(|access| access.reason).map_or_else(|| "-".to_owned(), |reason| reason.to_string());
    let mut cells = vec![
        row.node.clone(),
        or_unknown(gpu.address.clone(), "address", &gpu.unknown),
        or_unknown(gpu.driver.clone(), "driver", &gpu.unknown),
        or_unknown(gpu.render_node.clone(), "renderNode", &gpu.unknown),
        usable.clone(),
        reason,
        or_unknown(gpu.runtime_status.clone(), "runtimeStatus", &gpu.unknown),
    ];
    if look.wide {
        let group = access.and_then(|access| access.group.clone());
        cells.push(or_unknown(gpu.name.clone(), "name", &gpu.unknown));
        cells.push(access.and_then(|access| access.mode.clone()).unwrap_or_else(|| "?".to_owned()));
        cells.push(group.unwrap_or_else(|| "?".to_owned()));
        cells.push(age(row.age_seconds));
    }
    Row::marked(cells, tone, &usable)
}

/// `get disks`.
pub(crate) fn disks(disks: &[DiskRow], look: Look) -> String {
    let mut heading = vec!["NODE", "PATH", "TYPE", "SIZE", "FREE", "FREE%", "STATE", "DISK"];
    if look.wide {
        heading.extend(["SOURCE", "INODES%", "ERRORS", "READ"]);
    }
    let rows: Vec<Row> = disks.iter().map(|row| disk(row, look)).collect();
    or_none("file systems", table(&heading, &rows), disks.is_empty())
}

fn disk(row: &DiskRow, look: Look) -> Row {
    let disk = &row.filesystem;
    let state = match disk.read_only {
        Some(true) => "read-only".to_owned(),
        Some(false) => "ok".to_owned(),
        None => unknown("readOnly", &disk.unknown),
    };
    let turns = match disk.rotational {
        Some(true) => " (turns)",
        Some(false) | None => "",
    };
    let mut cells = vec![
        row.node.clone(),
        or_unknown(disk.path.clone(), "path", &disk.unknown),
        or_unknown(disk.kind.clone(), "kind", &disk.unknown),
        or_unknown(disk.size_bytes.map(size), "sizeBytes", &disk.unknown),
        or_unknown(disk.available_bytes.map(size), "availableBytes", &disk.unknown),
        percent(disk.available_bytes, disk.size_bytes),
        state,
        or_unknown(disk.disk.clone(), "disk", &disk.unknown) + turns,
    ];
    if look.wide {
        cells.push(or_unknown(disk.source.clone(), "source", &disk.unknown));
        cells.push(percent(disk.inodes_free, disk.inodes));
        cells.push(or_unknown(disk.errors.map(|errors| errors.to_string()), "errors", &disk.unknown));
        cells.push(age(row.age_seconds));
    }
    Row::plain(cells)
}

/// `get mounts`.
pub(crate) fn mounts(mounts: &[MountRow], look: Look) -> String {
    let mut heading = vec!["NODE", "PATH", "TYPE", "SOURCE", "STATE"];
    if look.wide {
        heading.extend(["ROUND-TRIP", "ACCESS", "FREE", "SIZE", "READ"]);
    }
    let rows: Vec<Row> = mounts.iter().map(|row| mount(row, look)).collect();
    or_none("network mounts", table(&heading, &rows), mounts.is_empty())
}

fn mount(row: &MountRow, look: Look) -> Row {
    let mount = &row.mount;
    let (tone, symbol) = mount.state.map_or((Tone::Warning, ""), mount_state);
    let word = or_unknown(mount.state.map(|state| state.to_string()), "state", &mount.unknown);
    let state = format!("{symbol}{word}");
    let access = mount.read_only.map(|read_only| if read_only { "ro" } else { "rw" }.to_owned());
    let path = mount.paths.as_ref().and_then(|paths| paths.first().cloned());
    let mut cells = vec![
        row.node.clone(),
        or_unknown(path, "paths", &mount.unknown),
        or_unknown(mount.kind.clone(), "kind", &mount.unknown),
        or_unknown(mount.source.clone(), "source", &mount.unknown),
        state.clone(),
    ];
    if look.wide {
        cells.push(or_unknown(mount.round_trip_seconds.map(short_time), "roundTripSeconds", &mount.unknown));
        cells.push(or_unknown(access, "readOnly", &mount.unknown));
        cells.push(or_unknown(mount.available_bytes.map(size), "availableBytes", &mount.unknown));
        cells.push(or_unknown(mount.size_bytes.map(size), "sizeBytes", &mount.unknown));
        cells.push(age(row.age_seconds));
    }
    Row::marked(cells, tone, &state)
}

/// Colour and symbol of a mount's state.
pub(crate) fn mount_state(state: MountState) -> (Tone, &'static str) {
    match state {
        MountState::Ok => (Tone::Good, ""),
        MountState::IdleAutomount => (Tone::Plain, ""),
        MountState::Slow | MountState::ReadOnly => (Tone::Warning, "! "),
        MountState::ServerDown
        | MountState::ServiceDown
        | MountState::Stuck
        | MountState::Leaked
        | MountState::Stale
        | MountState::Missing
        | MountState::Denied
        | MountState::WrongSource => (Tone::Bad, "x "),
        MountState::Unrecognised(_) => (Tone::Warning, "? "),
    }
}

/// `get labels`.
pub(crate) fn labels(labels: &[LabelRow], look: Look) -> String {
    let mut heading = vec!["NODE", "KEY", "VALUE", "STATE"];
    if look.wide {
        heading.extend(["KIND", "CAUSE"]);
    }
    let row = |label: &LabelRow| {
        let tone = if label.wanted == label.live { Tone::Good } else { Tone::Warning };
        let mut cells = vec![label.node.clone(), label.key.clone(), value(label), label.state.clone()];
        if look.wide {
            cells.extend([label.kind.to_string(), label.cause.clone()]);
        }
        Row::marked(cells, tone, &label.state)
    };
    let rows: Vec<Row> = labels.iter().map(row).collect();
    or_none("labels or taints kept", table(&heading, &rows), labels.is_empty())
}

/// What it is, and what it should be where that is something else.
fn value(label: &LabelRow) -> String {
    let text = |value: &Option<String>| match value.as_deref() {
        None => "-".to_owned(),
        Some("") if label.kind == KeptKind::Taint => "set".to_owned(),
        Some(value) => value.to_owned(),
    };
    if label.wanted == label.live {
        return text(&label.live);
    }
    format!("{} -> {}", text(&label.live), text(&label.wanted))
}

/// `get tokens`.
pub(crate) fn tokens(tokens: &[TokenRow], look: Look) -> String {
    let mut heading = vec!["ID", "ROLE", "NAME", "STATE", "EXPIRES"];
    if look.wide {
        heading.extend(["CREATED", "BY", "REPLACE"]);
    }
    let row = |token: &TokenRow| {
        let tone = match token.state {
            TokenState::Unused => Tone::Good,
            TokenState::Locked => Tone::Warning,
            TokenState::Used | TokenState::Expired | TokenState::Revoked | TokenState::Unrecognised(_) => Tone::Plain,
        };
        let state = token.state.to_string();
        let name = token.name.clone().unwrap_or_else(|| "any".to_owned());
        let mut cells = vec![token.id.clone(), token.role.clone(), name, state.clone(), token.expires.clone()];
        if look.wide {
            let replace = if token.replace { "yes" } else { "no" };
            cells.extend([token.created.clone(), token.created_by.clone(), replace.to_owned()]);
        }
        Row::marked(cells, tone, &state)
    };
    or_none("tokens", table(&heading, &tokens.iter().map(row).collect::<Vec<_>>()), tokens.is_empty())
}

/// `get events` and `events`: a line an event in the order of the list, the sentence wrapped under itself.
pub(crate) fn events(events: &[EventRow], look: Look) -> String {
    let subjects = events.iter().map(|event| length(subject(&event.subject))).max().unwrap_or(0);
    let times: Vec<String> = events.iter().map(|event| event_time(event, look)).collect();
    let room = times.iter().map(|time| length(time)).max().unwrap_or(0);
    let line = |(event, time): (&EventRow, &String)| event_line(event, &format!("{time:room$}"), subjects, look);
    let text = events.iter().zip(&times).map(line).collect();
    or_none("events", text, events.is_empty())
}

/// How long ago it was; the time itself where there is room for everything, or where it cannot be read.
pub(crate) fn event_time(event: &EventRow, look: Look) -> String {
    match event.time.parse::<jiff::Timestamp>() {
        Ok(time) if !look.wide => age(look.now.duration_since(time).as_secs_f64()),
        Ok(_) | Err(_) => event.time.clone(),
    }
}

fn event_line(event: &EventRow, time: &str, subjects: usize, look: Look) -> String {
    let before = format!("{time}  {:subjects$}  ", subject(&event.subject));
    let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
    let room = look.columns.saturating_sub(length(&before)).max(24);
    let sentence = wrap(&format!("{}{times}", event.message), room);
    format!("{before}{}\n", sentence.join(&format!("\n{:indent$}", "", indent = length(&before))))
}

fn or_none(what: &str, text: String, empty: bool) -> String {
    if empty { format!("no {what}\n") } else { text }
}

/// The value, or `?` and why it is not known.
pub(crate) fn or_unknown(value: Option<String>, field: &str, reasons: &Unknowns) -> String {
    value.unwrap_or_else(|| unknown(field, reasons))
}

/// `-` for what is not there or has no meaning, else `? STATE`.
fn unknown(field: &str, reasons: &Unknowns) -> String {
    use coord_model::ValueState::{
        Absent, Asleep, Denied, Error, NotApplicable, NotImplemented, Timeout, Unrecognised,
    };
    match reasons.get(field).map(|reason| reason.state) {
        None => "?".to_owned(),
        Some(Absent | NotApplicable) => "-".to_owned(),
        Some(state @ (Denied | Timeout | Asleep | Error | NotImplemented | Unrecognised(_))) => format!("? {state}"),
    }
}

fn percent(part: Option<u64>, whole: Option<u64>) -> String {
    match (part, whole) {
        (Some(part), Some(whole)) if whole > 0 => format!("{}%", u128::from(part) * 100 / u128::from(whole)),
        (Some(_) | None, Some(_) | None) => "?".to_owned(),
    }
}

/// `context list`: a star, name, operator, coordinators and the end of the certificate a row.
pub(crate) fn contexts(rows: Vec<[String; 5]>) -> String {
    if rows.is_empty() {
        return "no contexts\nhint: make a token on the coordinator with: coordctl token create --operator\n\
                hint: then here: coordctl context add NAME\n"
            .to_owned();
    }
    let rows: Vec<Row> = rows.into_iter().map(|cells| Row::plain(cells.into())).collect();
    table(&["", "NAME", "OPERATOR", "COORDINATORS", "CERTIFICATE UNTIL"], &rows)
}
