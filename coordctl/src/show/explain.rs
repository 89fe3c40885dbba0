//! What a code means and what to do about it; needs no coordinator.

use coord_model::Code;

use super::{
    Look,
    blocks::tone,
    paint::paint,
    table::{Row, table},
    text::{beside, length},
};

/// One code with room.
pub(crate) fn one(code: Code, look: Look) -> String {
    let severity = code.severity();
    let words = code.explain();
    let symbol = paint(tone(severity), &format!("{} {severity}", severity.symbol()));
    let mut text = format!("{code}   {symbol}\n");
    for (label, words) in [("  meaning   ", words.meaning), ("  to do     ", words.remedy)] {
        for line in beside(label, words, look.columns) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// Every code in a line; only the first sentence where there is no room for all.
pub(crate) fn all(look: Look) -> String {
    let rows: Vec<Row> = Code::ALL.iter().map(|code| row(*code, look)).collect();
    table(&["CODE", "SEVERITY", "MEANING"], &rows)
}

fn row(code: Code, look: Look) -> Row {
    const BEFORE: usize = 37;
    let meaning = code.explain().meaning;
    let sentence = meaning.split_once(". ").map_or(meaning, |(first, _)| first).trim_end_matches('.');
    let mut short = sentence.to_owned();
    if !look.wide && BEFORE + length(sentence) > look.columns {
        // Not a name: `coordctl explain CODE` has the rest.
        short = sentence.chars().take(look.columns.saturating_sub(BEFORE + 3).max(20)).collect();
        short = format!("{}...", short.trim_end());
    }
    let severity = format!("{} {}", code.severity().symbol(), code.severity());
    Row::marked(vec![code.to_string(), severity.clone(), short], tone(code.severity()), &severity)
}
