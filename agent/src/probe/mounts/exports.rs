//! What this machine exports over NFS: /etc/exports and /etc/exports.d (exports(5)), with the file system below each.

use coord_model::{
    Reading, Unknown, ValueState,
    section::{Export, ExportReading},
};

use super::{
    table::{self, Row},
    view::View,
};
use crate::host::Host;

const FILE: &str = "/etc/exports";
const FOLDER: &str = "/etc/exports.d";
/// The most files of the folder that are read.
const MOST_FILES: usize = 64;
/// The most exports that are told.
const MOST: usize = 200;

/// One line of exports(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The folder.
    pub(super) path: String,
    /// Who may mount it and how, as it is written.
    pub(super) clients: String,
}

/// Every export, ordered by path; `absent` where this machine has no list of them.
pub(super) fn read(host: &Host, rows: &[Row]) -> Reading<Vec<Export>> {
    let mut lines = match text(host, FILE) {
        Ok(text) => Ok(parse(&text)),
        Err(unknown) => Err(unknown),
    };
    let names = host.list(FOLDER).unwrap_or_default();
    for name in names.iter().filter(|name| name.ends_with(".exports") && !name.starts_with('.')).take(MOST_FILES) {
        let more = parse(&text(host, &format!("{FOLDER}/{name}"))?);
        match &mut lines {
            Ok(lines) => lines.extend(more),
            Err(unknown) if unknown.state == ValueState::Absent => lines = Ok(more),
            Err(_) => {}
        }
    }
    let mut lines = lines?;
    lines.sort_by(|one, other| one.path.cmp(&other.path));
    let view = View::of(rows);
    Ok(lines.into_iter().take(MOST).map(|line| export(line, &view)).collect())
}

fn text(host: &Host, path: &str) -> Reading<String> {
    host.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn export(line: Line, view: &View<'_>) -> Export {
    let kind = view.under(&line.path).map(|row| row.kind.clone());
    ExportReading {
        kind: kind.ok_or_else(|| Unknown::absent("no file system in the mount table holds it")),
        path: Ok(line.path),
        clients: Ok(line.clients),
    }
    .into()
}

/// All lines that name a folder. A backslash at the end of a line joins it with the next, `#` begins a comment.
pub(super) fn parse(text: &str) -> Vec<Line> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    joined.lines().filter_map(line).collect()
}

fn line(text: &str) -> Option<Line> {
    let text = text.trim();
    let (path, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => text.split_once(char::is_whitespace).unwrap_or((text, "")),
    };
    let path = table::unescape(path);
    let clients = rest.split('#').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    // Comments and cluster-wide lines of other systems name no folder.
    path.starts_with('/').then_some(Line { path: trimmed(&path).to_string(), clients })
}

/// Without slashes at its end.
fn trimmed(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/" } else { trimmed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).into_iter().map(|line| (line.path, line.clients)).collect()
    }

    #[test]
    fn every_spelling_of_a_line_is_read() {
        let text = "# See exports(5)\n\n\
            /srv/nfs 10.0.0.0/24(rw,sync) *.lan(ro) # the whole house\n\
            \"/mnt/user/my media\" -fsid=101,async 192.168.1.0/24(ro)\n\
            /mnt/my\\040media/ *(ro)\n\
            /long \\\n  host(rw)\n\
            /everybody\nnonsense\n\"/unclosed x\n";
        let pair = |path: &str, clients: &str| (path.to_string(), clients.to_string());
        assert_eq!(
            pairs(text),
            [
                pair("/srv/nfs", "10.0.0.0/24(rw,sync) *.lan(ro)"),
                pair("/mnt/user/my media", "-fsid=101,async 192.168.1.0/24(ro)"),
                pair("/mnt/my media", "*(ro)"),
                pair("/long", "host(rw)"),
                pair("/everybody", ""),
            ]
        );
        assert_eq!(pairs("/ *(ro)"), [pair("/", "*(ro)")]);
    }

    #[test]
    fn an_export_knows_its_file_system() {
        let rows = table::parse(
            "1 1 0:2 / / rw - ext4 /dev/sda1 rw\n2 1 0:43 / /mnt/user rw - fuse.shfs shfs rw\n\
             3 1 0:44 / /mnt/username rw - xfs /dev/sdb1 rw",
        );
        let kind = |path: &str| {
            export(Line { path: path.to_string(), clients: String::new() }, &View::of(&rows)).kind.unwrap_or_default()
        };
        assert_eq!(kind("/mnt/user/media"), "fuse.shfs");
        assert_eq!(kind("/mnt/username"), "xfs");
        assert_eq!(kind("/srv"), "ext4");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\"/\\\\#a-c0-9 \n\t(]{0,200}") {
            parse(&text);
        }
    }
}
