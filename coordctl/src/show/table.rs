//! Tables without borders: two spaces between columns, one line a row, nothing cut.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};

use super::paint::{Tone, paint};

/// A row, and which of its words has a colour.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// A text a column.
    pub(crate) cells: Vec<String>,
    /// The words to colour; painted once the table is laid out, so that colour takes no room.
    pub(crate) mark: Option<(Tone, String)>,
}

impl Row {
    /// A row without colour.
    pub(crate) fn plain(cells: Vec<String>) -> Self {
        Self { cells, mark: None }
    }

    /// A row in which `words` have a colour.
    pub(crate) fn marked(cells: Vec<String>, tone: Tone, words: &str) -> Self {
        Self { cells, mark: Some((tone, words.to_owned())) }
    }
}

/// The lines of a table, its heading first, each with a line break.
pub(crate) fn table(heading: &[&str], rows: &[Row]) -> String {
    let mut text = String::new();
    for (number, line) in lay_out(heading, rows).into_iter().enumerate() {
        let mark = number.checked_sub(1).and_then(|row| rows.get(row)).and_then(|row| row.mark.as_ref());
        text.push_str(&painted(&line, mark));
        text.push('\n');
    }
    text
}

/// Columns of the longest line of a table.
pub(crate) fn columns(heading: &[&str], rows: &[Row]) -> usize {
    lay_out(heading, rows).iter().map(|line| super::text::length(line)).max().unwrap_or(0)
}

fn lay_out(heading: &[&str], rows: &[Row]) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(heading.to_vec());
    for row in rows {
        table.add_row(row.cells.iter().map(|cell| cell.replace('\n', " ")).collect::<Vec<_>>());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The last place of the words is theirs: a node may be called `ready` too, and names come first.
fn painted(line: &str, mark: Option<&(Tone, String)>) -> String {
    let Some((tone, words)) = mark else { return line.to_owned() };
    match line.rfind(words.as_str()) {
        Some(place) if !words.is_empty() => {
            format!("{}{}{}", &line[..place], paint(*tone, words), &line[place + words.len()..])
        }
        Some(_) | None => line.to_owned(),
    }
}
