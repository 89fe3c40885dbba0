//! The mount table: /proc/self/mountinfo as rows (see proc_pid_mountinfo(5)).

use std::collections::{BTreeMap, BTreeSet};

use coord_model::Reading;

use super::view::View;
use crate::host::Host;

/// The file that is read.
pub(crate) const SOURCE: &str = "/proc/self/mountinfo";

/// One line of mountinfo.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) identifier: u32,
    pub(crate) parent: u32,
    /// `MAJOR:MINOR` of the superblock.
    pub(crate) device_number: String,
    /// The part of the file system that is mounted; `/` but for bind mounts.
    pub(crate) root: String,
    /// Where.
    pub(crate) path: String,
    /// Options of this mount.
    pub(crate) options: String,
    /// File system type.
    pub(crate) kind: String,
    pub(crate) source: String,
    /// Options of the superblock.
    pub(crate) super_options: String,
}

/// How much a file system can wait for, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// A disk of this machine, or a pool of them.
    Local,
    /// A server, another kernel or a process.
    Remote,
    /// An automount point: never touched.
    Automount,
    /// Made by this kernel: proc, tmpfs, cgroups.
    Virtual,
}

impl Row {
    /// What kind of file system this is.
    pub(crate) fn family(&self) -> Family {
        match self.kind.as_str() {
            // The kernel's own trigger for binfmt_misc is no share.
            "autofs" if self.path.starts_with("/proc/") => Family::Virtual,
            "autofs" => Family::Automount,
            "fuse.gvfsd-fuse" | "fuse.portal" | "fuse.snapfuse" | "squashfs" => Family::Virtual,
            "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "9p" | "virtiofs" | "ceph" | "afs" | "lustre" | "fuse"
            | "fuseblk" => Family::Remote,
            kind if kind.starts_with("fuse.") => Family::Remote,
            "zfs" | "btrfs" | "bcachefs" => Family::Local,
            _ if self.source.starts_with("/dev/") || self.path == "/" => Family::Local,
            _ => Family::Virtual,
        }
    }

    /// Whether writing here is refused, by the mount or by its superblock.
    pub(crate) fn read_only(&self) -> bool {
        has(&self.options, "ro") || has(&self.super_options, "ro") || has(&self.super_options, "emergency_ro")
    }
}

/// Whether `options` has the word `name`.
pub(crate) fn has(options: &str, name: &str) -> bool {
    options.split(',').any(|option| option == name)
}

/// The value of `name=` in `options`.
pub(crate) fn value<'a>(options: &'a str, name: &str) -> Option<&'a str> {
    options.split(',').find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
}

/// Reads the table. Lines that are not UTF-8 cost their odd characters, lines that make no sense themselves.
pub(crate) fn read(host: &Host) -> Reading<Vec<Row>> {
    host.read(SOURCE).map(|bytes| parse(&String::from_utf8_lossy(&bytes)))
}

/// All lines that make sense.
pub(crate) fn parse(text: &str) -> Vec<Row> {
    text.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ');
    let mut file_system = file_system.split(' ');
    Some(Row {
        identifier: mount.next()?.parse().ok()?,
        parent: mount.next()?.parse().ok()?,
        device_number: mount.next().filter(|number| number.contains(':'))?.to_string(),
        root: unescape(mount.next()?),
        path: unescape(mount.next().filter(|path| path.starts_with('/'))?),
        options: mount.next()?.to_string(),
        kind: unescape(file_system.next()?),
        source: unescape(file_system.next()?),
        super_options: unescape(file_system.next().unwrap_or("")),
    })
}

/// Undoes the kernel's octal escapes of space, tab, newline and backslash.
pub(super) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\').and_then(octal);
        if let Some(byte) = octal {
            bytes.push(byte);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

/// One superblock with the rows that show it, in the order of its first path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Superblock<'a> {
    /// Visible rows, shortest path first; never empty.
    pub(crate) rows: Vec<&'a Row>,
}

impl<'a> Superblock<'a> {
    /// The row with the shortest path.
    pub(crate) fn first(&self) -> Option<&'a Row> {
        self.rows.first().copied()
    }

    /// Whether it is mounted at one of `places`, or from one of them.
    pub(crate) fn is_at(&self, places: &BTreeSet<String>) -> bool {
        self.rows.iter().any(|row| places.contains(&row.path) || places.contains(&row.source))
    }
}

/// The superblocks of the rows that `wanted` picks, ordered by path. Automount points share one superblock only where
/// they are the same mount.
pub(crate) fn superblocks(rows: &[Row], wanted: impl Fn(Family) -> bool) -> Vec<Superblock<'_>> {
    let mut found: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in View::of(rows).visible().filter(|row| wanted(row.family())) {
        found.entry(&row.device_number).or_default().push(row);
    }
    let mut list: Vec<Superblock> = found.into_values().map(|rows| Superblock { rows }).collect();
    for superblock in &mut list {
        superblock.rows.sort_by(|one, other| (one.path.len(), &one.path).cmp(&(other.path.len(), &other.path)));
    }
    list.sort_by_key(|superblock| superblock.first().map(|row| row.path.clone()));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
40 27 0:45 / /data/my\\040media ro,relatime - nfs4 192.168.1.29:/mnt/user/media rw,vers=4.2,hard,addr=192.168.1.29
41 27 0:45 /sub /srv rw - nfs4 192.168.1.29:/mnt/user/media rw,vers=4.2,hard
42 27 0:50 / /auto rw - autofs systemd-1 rw,fd=33
43 42 0:51 / /auto rw - cifs //nas/share rw";

    #[test]
    fn rows_and_escapes_are_read() {
        let rows = parse(TABLE);
        assert_eq!(rows.len(), 6);
        assert_eq!(rows[2].path, "/data/my media");
        assert!(rows[2].read_only() && !rows[3].read_only());
        assert_eq!(value(&rows[2].super_options, "vers"), Some("4.2"));
        assert_eq!(rows[1].super_options, "rw,discard");
    }

    #[test]
    fn binds_are_grouped_and_a_used_automount_is_covered() {
        let rows = parse(TABLE);
        let remote = superblocks(&rows, |family| matches!(family, Family::Remote | Family::Automount));
        let paths: Vec<_> =
            remote.iter().map(|one| one.rows.iter().map(|row| row.path.as_str()).collect::<Vec<_>>()).collect();
        assert_eq!(paths, [vec!["/auto"], vec!["/srv", "/data/my media"]]);
        assert_eq!(remote[0].rows[0].kind, "cifs");
    }

    #[test]
    fn broken_lines_cost_themselves() {
        assert!(parse("").is_empty());
        assert!(parse("27 1 254:0 / / rw").is_empty());
        assert!(parse("27 1 254:0 / / rw - ext4").is_empty());
        assert!(parse("x y z\n\n - - -\n27 1 0 / / rw - a b c").is_empty());
        assert_eq!(parse(&format!("garbage\n{TABLE}\n27 1 25")).len(), 6);
        assert_eq!(unescape("\\04"), "\\04");
        assert_eq!(unescape("a\\777b\\"), "a\\777b\\");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,400}") {
            superblocks(&parse(&text), |_| true);
        }
    }
}
