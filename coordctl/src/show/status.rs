//! The screen of `coordctl status`: is anything wrong, what is being done, what is it waiting for.

use coord_model::{GpuSummary, Health, MountSummary, NodeStatus, Severity, Status};

use super::{
    Look,
    blocks::{Entry, block, subject_columns},
    paint::Tone,
    stale::{self, Stale},
    table::{Row, columns, table},
    text::{self, age, count, length},
};

/// The whole screen.
pub(crate) fn status(status: &Status, stale: Option<&Stale>, look: Look) -> String {
    let mut text = match stale {
        Some(stale) => stale::heading(Some(&status.fleet), stale),
        None => first_line(status, look.columns) + "\n\n",
    };
    text.push_str(&nodes(&status.nodes, stale, look));
    let blocks = blocks(status, look);
    if !blocks.is_empty() {
        text.push('\n');
        text.push_str(&blocks);
    }
    text
}

/// `homelab: 2 problems, 1 action running, 2 waits`, and the coordinator at the right edge.
fn first_line(status: &Status, columns: usize) -> String {
    let answer = format!("{}: {}", status.fleet, answer(status));
    let uptime = age(status.coordinator.uptime_seconds);
    let version = format!("coordinator {}", status.coordinator.version);
    let whole = format!("{version}, up {uptime}");
    // What is wrong matters more than since when the coordinator runs.
    let coordinator = if length(&answer) + 2 + length(&whole) <= columns { whole } else { version };
    let gap = columns.saturating_sub(length(&answer) + length(&coordinator)).max(2);
    format!("{answer}{:gap$}{coordinator}", "")
}

/// `all well`, or how much there is of each.
pub(crate) fn answer(status: &Status) -> String {
    let all = problems(status);
    let open = all.iter().filter(|(accepted, _, _)| !accepted).count();
    let mut parts = match open {
        0 if status.healthy => vec!["all well".to_owned()],
        0 => vec!["not healthy".to_owned()],
        number => vec![count(number, "problem", "problems")],
    };
    if all.len() > open {
        parts.push(format!("{} accepted", all.len() - open));
    }
    if !status.actions.is_empty() {
        parts.push(count(status.actions.len(), "action running", "actions running"));
    }
    if !status.waits.is_empty() {
        parts.push(count(status.waits.len(), "wait", "waits"));
    }
    parts.join(", ")
}

/// Errors and warnings, worst first and what was accepted last; information is shown by `describe` and `check` only.
fn problems(status: &Status) -> Vec<(bool, Severity, Entry)> {
    let fleet = status.problems.iter().map(|problem| (None, problem));
    let own = status.nodes.iter().flat_map(|node| {
        let name = Some(node.name.as_str());
        node.problems.iter().map(move |problem| (name, problem))
    });
    let mut all: Vec<(bool, Severity, Entry)> = fleet
        .chain(own)
        .filter(|(_, problem)| problem.is_listed())
        .map(|(name, problem)| (problem.accepted.is_some(), problem.severity, Entry::problem(name, problem)))
        .collect();
    all.sort_by_key(|(accepted, severity, _)| (*accepted, *severity));
    all
}

fn blocks(status: &Status, look: Look) -> String {
    let problems: Vec<Entry> = problems(status).into_iter().map(|(_, _, entry)| entry).collect();
    let actions: Vec<Entry> = status.actions.iter().map(Entry::action).collect();
    let waits: Vec<Entry> = status.waits.iter().map(|wait| Entry::wait(wait, look.now)).collect();
    let room = subject_columns(problems.iter().chain(&actions).chain(&waits));
    [("Problems", &problems), ("Doing", &actions), ("Waiting", &waits)]
        .map(|(title, entries)| block(title, entries, room, look.columns))
        .concat()
}

/// Columns of the table; the number says in which order they go when there is no room, 0 never.
const COLUMNS: [(&str, u8); 8] =
    [("ZONE", 0), ("NODE", 0), ("PLATFORM", 1), ("ROLE", 2), ("HEALTH", 0), ("GPU", 0), ("MOUNTS", 0), ("SEEN", 0)];

fn nodes(nodes: &[NodeStatus], stale: Option<&Stale>, look: Look) -> String {
    if nodes.is_empty() {
        return "no nodes yet\nhint: to let a machine in, run: coordctl token create\n".to_owned();
    }
    let rows = rows(nodes, stale);
    if look.wide {
        return wide(nodes, rows);
    }
    for dropped in 0..=2 {
        let kept: Vec<bool> = COLUMNS.iter().map(|(_, order)| *order == 0 || *order > dropped).collect();
        let heading = keep(&COLUMNS.map(|(name, _)| name), &kept);
        let rows: Vec<Row> =
            rows.iter().map(|row| Row { cells: keep(&row.cells, &kept), mark: row.mark.clone() }).collect();
        if dropped == 2 || columns(&heading, &rows) <= look.columns {
            return table(&heading, &rows);
        }
    }
    String::new()
}

fn keep<T: Clone>(cells: &[T], kept: &[bool]) -> Vec<T> {
    cells.iter().zip(kept).filter(|(_, kept)| **kept).map(|(cell, _)| cell.clone()).collect()
}

fn wide(nodes: &[NodeStatus], mut rows: Vec<Row>) -> String {
    for (row, node) in rows.iter_mut().zip(nodes) {
        row.cells.push(node.agent_version.clone().unwrap_or_else(|| "?".to_owned()));
        row.cells.push(node.health_seconds.map_or_else(|| "?".to_owned(), age));
        row.cells.push(text::short_id(&node.id));
    }
    let heading: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).chain(["AGENT", "SINCE", "ID"]).collect();
    table(&heading, &rows)
}

fn rows(nodes: &[NodeStatus], stale: Option<&Stale>) -> Vec<Row> {
    let mut zone_above = None;
    let mut rows = Vec::with_capacity(nodes.len());
    for node in nodes {
        let zone = node.zone.as_deref().unwrap_or("-");
        let shown = if zone_above == Some(zone) { "" } else { zone };
        zone_above = Some(zone);
        let (tone, health) = health(node);
        let health = bracketed(health, stale);
        let cells = vec![
            shown.to_owned(),
            node.name.clone(),
            node.platform.clone().unwrap_or_else(|| "?".to_owned()),
            role(node.role.as_deref()).to_owned(),
            health.clone(),
            gpus(node.gpus.as_deref()),
            mounts(node.mounts),
            bracketed(node.last_seen_seconds.map_or_else(|| "-".to_owned(), age), stale),
        ];
        rows.push(Row::marked(cells, tone, &health));
    }
    rows
}

fn bracketed(text: String, stale: Option<&Stale>) -> String {
    match stale {
        Some(_) => format!("[{text}]"),
        None => text,
    }
}

/// `none` is no role to look at.
pub(crate) fn role(role: Option<&str>) -> &str {
    match role {
        None => "?",
        Some("none") => "-",
        Some(role) => role,
    }
}

/// Symbol and word of a node's health, and its colour.
pub(crate) fn health(node: &NodeStatus) -> (Tone, String) {
    let has_error = node.problems.iter().any(|problem| problem.severity == Severity::Error && problem.degrades());
    let (tone, symbol) = match node.health {
        Health::Ready => (Tone::Good, ""),
        Health::Degraded if has_error => (Tone::Bad, "x "),
        Health::Degraded | Health::Silent | Health::Pending => (Tone::Warning, "! "),
        Health::Lost | Health::Revoked => (Tone::Bad, "x "),
        Health::Unknown | Health::Unrecognised(_) => (Tone::Plain, "? "),
    };
    (tone, format!("{symbol}{}", node.health))
}

/// `i915`, `i915 !` when it cannot be used, `i915 ?` when nobody could tell, `-` for none, `?` for not reported.
fn gpus(gpus: Option<&[GpuSummary]>) -> String {
    let Some(gpus) = gpus else { return "?".to_owned() };
    let one = |gpu: &GpuSummary| match gpu.usable {
        Some(true) => gpu.driver.clone(),
        Some(false) => format!("{} !", gpu.driver),
        None => format!("{} ?", gpu.driver),
    };
    match gpus {
        [] => "-".to_owned(),
        some => some.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

fn mounts(mounts: Option<MountSummary>) -> String {
    match mounts {
        None => "?".to_owned(),
        Some(MountSummary { total: 0, .. }) => "-".to_owned(),
        Some(MountSummary { answering, total }) => format!("{answering} of {total}"),
    }
}
