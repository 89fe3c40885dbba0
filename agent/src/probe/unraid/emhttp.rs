//! emhttpd's state files: `key="value"` lines, below `["name"]` lines where there are several of a kind.

use std::collections::BTreeMap;

/// Values by key.
pub(super) type Entries = BTreeMap<String, String>;

/// One parsed file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Table {
    /// Before the first section.
    pub(super) top: Entries,
    /// In the order of the file.
    pub(super) sections: Vec<(String, Entries)>,
}

impl Table {
    /// Whether nothing was found at all.
    pub(super) fn is_empty(&self) -> bool {
        self.top.is_empty() && self.sections.is_empty()
    }
}

/// Parses one file; lines that make no sense are passed over, since emhttpd may be writing.
pub(super) fn parse(text: &str) -> Table {
    let mut table = Table::default();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table.sections.push((unquoted(name), Entries::new()));
        } else if let Some((key, value)) = line.split_once('=') {
            let entries = table.sections.last_mut().map_or(&mut table.top, |(_, entries)| entries);
            entries.insert(key.trim().to_string(), unquoted(value));
        }
    }
    table
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text).to_string()
}

/// For the fuzz target alone.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz(text: &str) {
    let _ = parse(text).is_empty();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_their_quotes_and_nothing_else() {
        let table = parse("version=\"7.2.3\"\n[\"disk1\"]\nid=\"WDC = 1\"\nempty=\"\"\r\n");
        assert_eq!(table.top["version"], "7.2.3");
        assert_eq!(table.sections[0].1["id"], "WDC = 1");
        assert_eq!(table.sections[0].1["empty"], "");
    }

    #[test]
    fn broken_text_gives_what_can_be_read() {
        assert!(parse("").is_empty());
        assert!(parse("\u{0}\u{0}").is_empty());
        assert_eq!(parse("a=\"b\nc").top["a"], "\"b");
        assert_eq!(parse("[\"disk1\n[x]\n=\n[").sections.len(), 1);
    }
}
