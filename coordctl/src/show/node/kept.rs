//! The labels and taints that Coord keeps on a node, and how each stands.

use coord_model::{KeptKind, LabelRow};

use super::Sheet;
use crate::show::text::{beside, length};

/// A line each: what, why, and how it stands; where that is too long, why and how are wrapped beside what.
pub(super) fn kept(sheet: &mut Sheet, rows: &[LabelRow], columns: usize) {
    if rows.is_empty() {
        return;
    }
    sheet.head("Labels and taints that Coord keeps here");
    let what: Vec<String> = rows.iter().map(what).collect();
    let room = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0) + 2;
    let (first, second) =
        (room(&mut what.iter().map(|text| length(text))), room(&mut rows.iter().map(|row| length(&row.cause))));
    for (row, what) in rows.iter().zip(&what) {
        if 2 + first + second + length(&row.state) <= columns {
            sheet.line(format!("  {what:first$}{:second$}{}", row.cause, row.state).trim_end());
            continue;
        }
        let told = format!("{}: {}", row.cause, row.state);
        let narrow = first.min(columns / 2);
        let beginning = format!("  {what:narrow$}");
        // What is longer than its column stands alone.
        let lines = if length(what) < narrow {
            beside(&beginning, &told, columns)
        } else {
            sheet.line(&format!("  {what}"));
            beside(&format!("{:indent$}", "", indent = narrow + 2), &told, columns)
        };
        lines.iter().for_each(|line| sheet.line(line));
    }
}

/// `gpu=true`, `taint gpu=true:NoSchedule`, and the key alone of what should not be there.
fn what(row: &LabelRow) -> String {
    let value = row.wanted.as_ref().or(row.live.as_ref());
    let joined = |key: &str| match value.filter(|value| !value.is_empty()) {
        Some(value) => format!("{key}={value}"),
        None => key.to_owned(),
    };
    match row.kind {
        KeptKind::Label | KeptKind::Unrecognised(_) => joined(&row.key),
        KeptKind::Taint => match row.key.split_once(':') {
            Some((key, effect)) => format!("taint {}:{effect}", joined(key)),
            None => format!("taint {}", joined(&row.key)),
        },
    }
}
