//! The mount table as a path sees it: what is mounted over something else hides it, and all that is mounted below that.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Family, Row};

/// Rows, and for each whether a path still leads to it.
pub(crate) struct View<'a> {
    rows: &'a [Row],
    /// For each row the one that hides it, by place in the table: what was mounted later over a folder above it.
    hidden: Vec<Option<usize>>,
    /// Identifier and path of every mount on top of which something else is mounted, so that its path leads elsewhere.
    /// Both count: ids alone repeat in a truncated or constructed table.
    covered: BTreeSet<(u32, &'a str)>,
}

impl<'a> View<'a> {
    /// How `rows` are seen, where later rows were mounted later.
    pub(crate) fn of(rows: &'a [Row]) -> Self {
        let above = rows.iter().filter(|row| row.parent != row.identifier);
        let covered = above.map(|row| (row.parent, row.path.as_str())).collect();
        Self { rows, hidden: hidden(rows), covered }
    }

    /// All rows.
    pub(super) fn rows(&self) -> &'a [Row] {
        self.rows
    }

    /// Rows whose path leads to them.
    pub(super) fn visible(&self) -> impl Iterator<Item = &'a Row> {
        self.reachable().filter(|row| !self.covered.contains(&(row.identifier, row.path.as_str())))
    }

    /// Rows that are not hidden from above; of those at one path only the last is seen.
    fn reachable(&self) -> impl Iterator<Item = &'a Row> {
        let rows = self.rows.iter().zip(&self.hidden);
        rows.filter(|(_, top)| top.is_none()).map(|(row, _)| row)
    }

    /// The mounts that a lookup of `path` goes through, by the table alone: nothing is touched and no link is followed.
    pub(super) fn through(&self, path: &str) -> impl Iterator<Item = &'a Row> {
        self.reachable().filter(move |row| {
            let below = path.strip_prefix(row.path.trim_end_matches('/'));
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The mount that holds `path`, by the table alone.
    pub(super) fn under(&self, path: &str) -> Option<&'a Row> {
        // Of two at the same path the later is on top.
        self.through(path).max_by_key(|row| row.path.len())
    }

    /// The share at `path` that is hidden, and what is mounted on top of it.
    pub(super) fn buried(&self, path: &str) -> Option<(&'a Row, &'a Row)> {
        let share = |row: &Row| matches!(row.family(), Family::Remote | Family::Automount);
        let rows = self.rows.iter().zip(&self.hidden);
        let mut here = rows.filter(|(row, _)| row.path == path && share(row));
        here.find_map(|(row, top)| Some((row, self.rows.get((*top)?)?)))
    }
}

/// For each row the one that hides it.
fn hidden(rows: &[Row]) -> Vec<Option<usize>> {
    let mut last = BTreeMap::new();
    let mut children: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.parent != row.identifier) {
        last.insert((row.parent, row.path.as_str()), place);
        children.entry(row.parent).or_default().push(place);
    }
    let from_above = |(place, row): (usize, &Row)| {
        let tops = folders_above(&row.path).filter_map(|path| last.get(&(row.parent, path)));
        tops.copied().find(|top| *top > place)
    };
    let mut hidden: Vec<Option<usize>> = rows.iter().enumerate().map(from_above).collect();
    let mut open: Vec<usize> = (0..rows.len()).filter(|place| hidden[*place].is_some()).collect();
    while let Some(place) = open.pop() {
        // Taken once: a table that runs in circles ends all the same.
        for child in children.remove(&rows[place].identifier).unwrap_or_default() {
            if hidden[child].is_none() {
                hidden[child] = hidden[place];
                open.push(child);
            }
        }
    }
    hidden
}

/// The folders above `path` but the root, on which a mount hides nothing from processes that are there already.
fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(move |(end, _)| &path[..end]).filter(|above| !above.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::table::parse;
    use super::*;

    const TABLE: &str = "\
27 1 8:1 / / rw - ext4 /dev/sda1 rw
40 27 0:45 / /data/media rw - nfs4 nas:/media rw
41 40 0:46 / /data/media/films rw - nfs4 nas:/films rw
42 27 0:47 / /data/me rw - nfs4 nas:/me rw
43 27 8:2 / /data rw - ext4 /dev/sdb1 rw
44 43 0:48 / /data/new rw - nfs4 nas:/new rw
45 27 0:49 / /datasets rw - nfs4 nas:/datasets rw";

    #[test]
    fn what_is_mounted_over_a_folder_hides_all_below_it() {
        let rows = parse(TABLE);
        let view = View::of(&rows);
        let seen: Vec<&str> = view.visible().map(|row| row.path.as_str()).collect();
        assert_eq!(seen, ["/", "/data", "/data/new", "/datasets"]);
        assert_eq!(view.under("/data/media/films/x").unwrap().path, "/data");
        let (share, top) = view.buried("/data/media/films").unwrap();
        assert_eq!((share.source.as_str(), top.source.as_str()), ("nas:/films", "/dev/sdb1"));
        assert!(view.buried("/data/new").is_none());
    }

    #[test]
    fn a_used_automount_and_an_earlier_folder_hide_nothing() {
        let text = "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n42 27 0:50 / /auto rw - autofs systemd-1 rw\n\
                    43 42 0:51 / /auto rw - cifs //nas/share rw\n44 43 0:52 / /auto/sub rw - nfs4 nas:/sub rw\n\
                    45 27 0:53 / / rw - tmpfs tmpfs rw";
        let rows = parse(text);
        let view = View::of(&rows);
        assert_eq!(view.under("/auto/x").unwrap().kind, "cifs");
        assert_eq!(view.under("/auto/sub/x").unwrap().kind, "nfs4");
        assert!(view.buried("/auto/sub").is_none());
    }

    #[test]
    fn a_table_that_runs_in_circles_ends() {
        let text = "1 2 0:1 / /a/b rw - nfs4 a:/ rw\n2 1 0:2 / /a/b/c rw - nfs4 a:/ rw\n3 2 0:3 / /a rw - nfs4 a:/ rw\n\
                    1 1 0:4 / /a rw - nfs4 a:/ rw";
        assert_eq!(hidden(&parse(text)), [Some(2), Some(2), Some(2), None]);
    }

    proptest::proptest! {
        #[test]
        fn no_table_makes_it_panic(rows in proptest::collection::vec((0_u32..5, 0_u32..5, "(/[ab]?){1,4}"), 0..20)) {
            let line = |(id, parent, path): (u32, u32, String)| format!("{id} {parent} 0:1 / {path} rw - nfs a:/ rw");
            let text: Vec<String> = rows.into_iter().map(line).collect();
            let rows = parse(&text.join("\n"));
            let view = View::of(&rows);
            proptest::prop_assert!(view.visible().count() <= rows.len());
            view.under("/a/b");
        }
    }
}
