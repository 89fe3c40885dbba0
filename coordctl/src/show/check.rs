//! The screen of `coordctl check`: what was looked at, group by group, with a hint at everything that is wrong.

use coord_model::{Check, CheckRow, Severity};

use super::{
    Look,
    blocks::{mark, told},
    paint::{Tone, paint},
    stale::{self, Stale},
    text::{beside, length, wrap},
};

/// The whole screen.
pub(crate) fn check(check: &Check, stale: Option<&Stale>, look: Look) -> String {
    let mut text = stale.map(|stale| stale::heading(None, stale)).unwrap_or_default();
    for group in &check.groups {
        text.push_str(&format!("{}\n", paint(Tone::Strong, &group.name)));
        for row in &group.checks {
            text.push_str(&lines(row, look.columns));
        }
    }
    text.push_str(&totals(check));
    text
}

/// Whether anything that was checked needs somebody.
pub(crate) fn is_wrong(check: &Check) -> bool {
    let mut problems = check.groups.iter().flat_map(|group| &group.checks).filter_map(|row| row.problem.as_ref());
    problems.any(coord_model::Problem::degrades)
}

fn lines(row: &CheckRow, columns: usize) -> String {
    let Some(problem) = &row.problem else {
        return joined(beside("  ok  ", &row.message, columns).into_iter(), "ok", Tone::Good);
    };
    let (symbol, tone) = mark(problem);
    let room = columns.saturating_sub(6).max(24);
    let mut sentence = wrap(&told(&row.message, problem), room);
    let code = format!("({})", problem.code);
    match sentence.last_mut() {
        Some(last) if length(last) + 1 + length(&code) <= room => last.push_str(&format!(" {code}")),
        Some(_) | None => sentence.push(code),
    }
    let first = beside(&format!("  {symbol:<4}"), &sentence.join("\n"), usize::MAX);
    let hint = problem.hint.iter().flat_map(|hint| super::text::hint(6, hint, columns));
    joined(first.into_iter().chain(hint), symbol, tone)
}

fn joined(lines: impl Iterator<Item = String>, symbol: &str, tone: Tone) -> String {
    let text: String = lines.map(|line| line + "\n").collect();
    text.replacen(symbol, &paint(tone, symbol), 1)
}

/// `6 ok, 1 warning, 1 failed`.
fn totals(check: &Check) -> String {
    let (mut fine, mut notes, mut accepted, mut warnings, mut failed) = (0, 0, 0, 0, 0);
    for row in check.groups.iter().flat_map(|group| &group.checks) {
        let problem = row.problem.as_ref();
        match problem.map(|problem| problem.severity) {
            None => fine += 1,
            Some(_) if problem.is_some_and(|problem| problem.accepted.is_some()) => accepted += 1,
            Some(Severity::Error) => failed += 1,
            Some(Severity::Warning) => warnings += 1,
            Some(Severity::Info | Severity::Unrecognised(_)) => notes += 1,
        }
    }
    let mut parts = vec![format!("{fine} ok")];
    if notes > 0 {
        parts.push(super::text::count(notes, "note", "notes"));
    }
    if accepted > 0 {
        parts.push(format!("{accepted} accepted"));
    }
    if warnings > 0 {
        parts.push(super::text::count(warnings, "warning", "warnings"));
    }
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    parts.join(", ") + "\n"
}
