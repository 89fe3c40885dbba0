//! The cluster file in force: looked at on every turn, replaced when a new version is good, kept when it is not.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use coord_cluster::{Mistake, Read, Weight};
use coord_model::{Expect, ExpectedMount};
use coord_planner::{ClusterFile, Desired, MountDeclared, MountWay};
use tokio::sync::watch;

/// A version of the file, as it lies on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// What is declared.
#[derive(Debug)]
pub(crate) struct Declared {
    path: PathBuf,
    now: Mutex<Now>,
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct Now {
    seen: Option<Stamp>,
    standing: ClusterFile,
    desired: Option<Arc<Desired>>,
}

impl Declared {
    /// The file at `path`, which need not exist.
    pub(crate) fn new(path: PathBuf) -> Self {
        let now = Now { seen: None, standing: ClusterFile::None, desired: None };
        Self { path, now: Mutex::new(now), changes: watch::Sender::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in force.
    pub(crate) fn desired(&self) -> Option<Arc<Desired>> {
        self.lock().desired.clone()
    }

    /// How the file stands.
    pub(crate) fn standing(&self) -> ClusterFile {
        self.lock().standing.clone()
    }

    /// Wakes when something else is in force.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Looks at the file; what is to be noted when it changed. Absence is never an order: a file that went away leaves
    /// the last one in force.
    pub(crate) fn look(&self) -> Option<String> {
        let stamp = stamp(&self.path);
        if let Ok(stamp) = &stamp
            && self.lock().seen == *stamp
        {
            return None;
        }
        let found = match stamp {
            Ok(None) => Found::Gone,
            Ok(Some(stamp)) => Found::Text(stamp, fs::read_to_string(&self.path)),
            Err(error) => Found::Unreadable(error),
        };
        self.take(found)
    }

    fn take(&self, found: Found) -> Option<String> {
        let mut now = self.lock();
        let before = now.standing.clone();
        match found {
            Found::Gone => {
                now.seen = None;
                now.standing = if now.desired.is_some() { ClusterFile::Gone } else { ClusterFile::None };
            }
            Found::Unreadable(error) | Found::Text(_, Err(error)) => {
                now.standing = ClusterFile::Invalid(format!("it cannot be read: {error}"));
            }
            Found::Text(stamp, Ok(text)) => {
                now.seen = Some(stamp);
                let Read { desired, mistakes } = coord_cluster::read(&text);
                match desired {
                    Some(desired) => {
                        now.standing = ClusterFile::InForce;
                        if now.desired.as_deref() != Some(&desired) {
                            now.desired = Some(Arc::new(desired));
                            self.changes.send_replace(());
                            return Some("a new version of the cluster file is in force".into());
                        }
                    }
                    None => now.standing = ClusterFile::Invalid(refused(&self.path, &mistakes)),
                }
            }
        }
        (now.standing != before).then(|| match &now.standing {
            ClusterFile::None => "there is no cluster file".into(),
            ClusterFile::InForce => "the cluster file is in force".into(),
            ClusterFile::Gone => "the cluster file is gone; what it said stays in force".into(),
            ClusterFile::Invalid(why) => format!("the cluster file was refused: {why}"),
        })
    }

    /// What is expected of the node of that name.
    pub(crate) fn expect(&self, node: &str) -> Expect {
        let Some(desired) = self.desired() else { return Expect::default() };
        if !desired.nodes.contains_key(node) {
            return Expect::default();
        }
        let mounts = desired.mounts_of(node).map(|(name, mount)| expected(name, mount)).collect();
        let virtual_address = desired.virtual_address.clone().unwrap_or_default();
        Expect { mounts, containers: Vec::new(), virtual_address }
    }
}

/// What lies at the path.
enum Found {
    Gone,
    Unreadable(io::Error),
    Text(Stamp, io::Result<String>),
}

fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(data) => {
            Ok(Some(Stamp { inode: data.ino(), size: data.size(), modified: (data.mtime(), data.mtime_nsec()) }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn expected(name: &str, mount: &MountDeclared) -> ExpectedMount {
    ExpectedMount {
        name: name.to_owned(),
        path: mount.path.clone(),
        server: mount.server.clone(),
        export: mount.export.clone(),
        writable: mount.writable,
        sentinel: mount.sentinel.clone().unwrap_or_default(),
        volume: match mount.via {
            MountWay::Host => false,
            MountWay::Volume => true,
        },
    }
}

/// The first error and how many there are.
fn refused(path: &Path, mistakes: &[Mistake]) -> String {
    let errors: Vec<&Mistake> = mistakes.iter().filter(|mistake| mistake.weight == Weight::Error).collect();
    let first = errors.first().map_or_else(String::new, |mistake| {
        format!("{}:{}:{}: {}", path.display(), mistake.place.line, mistake.place.column, mistake.message)
    });
    match errors.len() {
        0 | 1 => first,
        count => format!("{first}, and {} more", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "apiVersion: coord.homelab/v1\nkind: Cluster\nmetadata: {name: flat}\nspec:\n  zones: {home: {}}\n  \
                        nodes: {pi: {zone: home, k3s: server}}\n  mounts:\n    films: {server: nas, export: /films, path: /srv/films, access: rw, nodes: [pi], sentinel: .there}\n";

    #[test]
    fn a_bad_version_or_none_leaves_the_good_one_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.yaml");
        let declared = Declared::new(path.clone());
        assert_eq!((declared.look(), declared.standing()), (None, ClusterFile::None));
        fs::write(&path, GOOD).unwrap();
        assert!(declared.look().is_some_and(|note| note.contains("in force")));
        assert_eq!(declared.look(), None, "nothing changed");
        fs::write(&path, GOOD.replace("zone: home", "zone: hom")).unwrap();
        assert!(declared.look().is_some_and(|note| note.contains("there is no zone `hom`")));
        assert!(matches!(declared.standing(), ClusterFile::Invalid(_)));
        assert_eq!(declared.desired().unwrap().name, "flat");
        fs::remove_file(&path).unwrap();
        assert!(declared.look().is_some_and(|note| note.contains("gone")));
        assert_eq!(declared.standing(), ClusterFile::Gone);
        assert_eq!(declared.desired().unwrap().name, "flat");
    }

    #[test]
    fn a_node_is_told_its_own_mounts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.yaml");
        fs::write(&path, GOOD).unwrap();
        let declared = Declared::new(path);
        declared.look();
        let mount = declared.expect("pi").mounts.remove(0);
        assert_eq!((mount.name.as_str(), mount.writable, mount.sentinel.as_str()), ("films", true, ".there"));
        assert_eq!(declared.expect("other"), Expect::default());
    }
}
