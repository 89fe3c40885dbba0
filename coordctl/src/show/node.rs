//! The screen of `coordctl describe node`: everything that is known about one node, and why the rest is not.

mod kept;
mod machine;
mod sheet;
mod software;
mod storage;
mod unknown;

use coord_model::{IdentityView, NodeDetail, Section};

use super::{
    Look,
    blocks::{Entry, block, subject_columns},
    paint::{Tone, paint},
    stale::{self, Stale},
    text::{age, length},
};
use sheet::Sheet;

/// The whole screen.
pub(crate) fn node(detail: &NodeDetail, stale: Option<&Stale>, look: Look) -> String {
    let mut sheet = Sheet::new(look.columns);
    if let Some(stale) = stale {
        sheet.text(&stale::heading(None, stale));
    }
    sheet.text(&first_line(detail, look.columns));
    identity(&mut sheet, detail);
    problems(&mut sheet, detail, look.columns);
    machine::gpu(&mut sheet, &detail.report);
    storage::mounts(&mut sheet, &detail.report);
    storage::disks(&mut sheet, &detail.report);
    machine::system(&mut sheet, &detail.report);
    software::network(&mut sheet, &detail.report);
    software::usb(&mut sheet, &detail.report);
    software::unraid(&mut sheet, &detail.report);
    software::agent(&mut sheet, &detail.report);
    kept::kept(&mut sheet, &detail.labels, look.columns);
    unknown::unknown(&mut sheet, detail, look.wide);
    events(&mut sheet, detail, look);
    sheet.finish()
}

/// `k3s-w3   degraded since 3h`, and when it was seen at the right edge.
fn first_line(detail: &NodeDetail, columns: usize) -> String {
    let node = &detail.node;
    let (tone, health) = super::status::health(node);
    let since = node.health_seconds.map(|seconds| format!(" since {}", age(seconds))).unwrap_or_default();
    let seen = node.last_seen_seconds.map_or_else(|| "never seen".to_owned(), |ago| format!("seen {} ago", age(ago)));
    let version = node.agent_version.as_deref().unwrap_or("of unknown version");
    let right = format!("{seen}, agent {version}");
    let left = format!("{}   {health}{since}", node.name);
    let gap = columns.saturating_sub(length(&left) + length(&right)).max(2);
    format!("{}   {}{since}{:gap$}{right}\n", node.name, paint(tone, &health), "")
}

fn identity(sheet: &mut Sheet, detail: &NodeDetail) {
    let zone = detail.node.zone.as_deref().unwrap_or("-");
    let address = match detail.identity.address.as_str() {
        "" => "no session".to_owned(),
        address => format!("session from {address}"),
    };
    sheet.fact("place", &format!("zone {zone}, {address}"));
    machine::platform(sheet, &detail.report);
    if let Some(place) = &detail.node.guest_of {
        sheet.fact("host", &format!("{} (guest {})", place.node, place.identifier));
    }
    sheet.fact("identity", &certificate(&detail.identity));
    software::kubernetes(sheet, &detail.report);
    software::docker(sheet, &detail.report);
}

fn certificate(identity: &IdentityView) -> String {
    let left = identity.certificate_seconds_left;
    let certificate = if identity.certificate_expires.is_empty() {
        "no certificate".to_owned()
    } else if left > 0.0 {
        format!("certificate until {} from now", age(left))
    } else {
        format!("certificate ended {} ago", age(-left))
    };
    let machine = match identity.evidence.machine_id.as_str() {
        "" => "no machine-id".to_owned(),
        id => format!("machine-id {}…", super::text::short_id(id)),
    };
    let mut parts = vec![certificate, machine];
    if !identity.id.is_empty() {
        parts.push(format!("id {}…", super::text::short_id(&identity.id)));
    }
    if !identity.enrolled.is_empty() {
        parts.push(format!("enrolled {}", identity.enrolled));
    }
    parts.join("; ")
}

fn problems(sheet: &mut Sheet, detail: &NodeDetail, columns: usize) {
    let own = |problem: &coord_model::Problem| {
        let short = super::text::subject(&problem.subject);
        let short = if short == "-" { detail.node.name.as_str() } else { short };
        Entry::problem(Some(short), problem)
    };
    let entries: Vec<Entry> = detail.node.problems.iter().map(own).collect();
    if !entries.is_empty() {
        sheet.text("\n");
        sheet.text(&block("Problems", &entries, subject_columns(&entries), columns));
    }
}

fn events(sheet: &mut Sheet, detail: &NodeDetail, look: Look) {
    if detail.events.is_empty() {
        return;
    }
    sheet.head("Last events");
    for event in &detail.events {
        let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
        sheet.fact(&super::lists::event_time(event, look), &format!("{}{times}", event.message));
    }
}

/// The facts of a section, or a line that says why there are none; nothing where it was never sent.
fn facts<'a, T>(sheet: &mut Sheet, title: &str, section: Option<&'a Section<T>>) -> Option<&'a T> {
    let section = section?;
    if let Some(failure) = &section.failure {
        sheet.head(title);
        let word = paint(Tone::Warning, "!");
        sheet.line(&format!("  {word}  not read: {} ({})", failure.message, failure.reason));
    }
    section.facts.as_ref()
}
