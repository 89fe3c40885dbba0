//! What is declared: in the cluster file or in the cluster resource, as the settings say. A new version replaces the
//! old one when it is good; a bad one or none leaves the old one in force.

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

use crate::config::ClusterSource;

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
    source: ClusterSource,
    now: Mutex<Now>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Now {
    seen: Option<Stamp>,
    read: Option<Vec<String>>,
    file: Side,
    resource: Side,
}

/// One place where something can be declared.
#[derive(Debug, Default)]
struct Side {
    standing: ClusterFile,
    desired: Option<Arc<Desired>>,
}

/// What lies at one place.
enum Found {
    Gone,
    Unusable(String),
    Text(String),
}

impl Declared {
    /// In the file at `path`, which need not exist, or in the resource.
    pub(crate) fn new(path: PathBuf, source: ClusterSource) -> Self {
        Self { path, source, now: Mutex::default(), changes: watch::Sender::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in force.
    pub(crate) fn desired(&self) -> Option<Arc<Desired>> {
        self.lock().side(self.source).desired.clone()
    }

    /// How it stands; whether the other place, where there is something too, declares something else.
    pub(crate) fn standing(&self) -> ClusterFile {
        let now = self.lock();
        let (own, other) = match self.source {
            ClusterSource::File => (&now.file, &now.resource),
            ClusterSource::Resource => (&now.resource, &now.file),
        };
        match (&own.standing, &other.standing) {
            (ClusterFile::InForce, ClusterFile::InForce) if own.desired != other.desired => ClusterFile::Disputed,
            (ClusterFile::InForce, ClusterFile::Invalid(_)) => ClusterFile::Disputed,
            (standing, _) => standing.clone(),
        }
    }

    /// Where what is in force stands.
    pub(crate) fn source(&self) -> ClusterSource {
        self.source
    }

    /// Wakes when something else is in force.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Looks at the file; what is to be noted when it changed. Absence is never an order: a file that went away leaves
    /// the last one in force.
    pub(crate) fn look(&self) -> Option<String> {
        let found = match stamp(&self.path) {
            Ok(stamp) if stamp.is_some() && self.lock().seen == stamp => return None,
            Ok(None) => {
                self.lock().seen = None;
                Found::Gone
            }
            Ok(Some(stamp)) => match read(&self.path) {
                Ok(text) => {
                    self.lock().seen = Some(stamp);
                    Found::Text(text)
                }
                Err(error) => Found::Unusable(format!("it cannot be read: {error}")),
            },
            Err(error) => Found::Unusable(format!("it cannot be read: {error}")),
        };
        self.take(ClusterSource::File, found, &format!("{}:", self.path.display()))
    }

    /// Takes in the resources that there are; what is to be noted when that changed.
    pub(crate) fn resources(&self, texts: Vec<String>) -> Option<String> {
        if self.lock().read.replace(texts.clone()).as_ref() == Some(&texts) {
            return None;
        }
        let mut texts = texts.into_iter();
        let found = match (texts.next(), texts.next()) {
            (None, _) => Found::Gone,
            (Some(text), None) => Found::Text(text),
            (Some(_), Some(_)) => {
                Found::Unusable("there are several, and there is one home (kubectl get clusters.coord.homelab)".into())
            }
        };
        self.take(ClusterSource::Resource, found, "")
    }

    /// The resources cannot be read; what is to be noted when that is news.
    pub(crate) fn no_resources(&self, why: String) -> Option<String> {
        self.lock().read = None;
        self.take(ClusterSource::Resource, Found::Unusable(format!("it cannot be read: {why}")), "")
    }

    fn take(&self, source: ClusterSource, found: Found, place: &str) -> Option<String> {
        let name = name(source);
        let mut now = self.lock();
        let side = match source {
            ClusterSource::File => &mut now.file,
            ClusterSource::Resource => &mut now.resource,
        };
        let before = side.standing.clone();
        let new = side.take(found, place);
        let note = match &side.standing {
            _ if new => format!("a new version of the {name} is {}", self.weight(source)),
            standing if *standing == before => return None,
            ClusterFile::None => format!("there is no {name}"),
            ClusterFile::InForce | ClusterFile::Disputed => format!("the {name} is {}", self.weight(source)),
            ClusterFile::Gone => format!("the {name} is gone; what it said stays {}", self.weight(source)),
            ClusterFile::Invalid(why) => format!("the {name} was refused: {why}"),
        };
        if new && source == self.source {
            self.changes.send_replace(());
        }
        Some(note)
    }

    fn weight(&self, source: ClusterSource) -> &'static str {
        if source == self.source { "in force" } else { "read, and not in force" }
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

impl Now {
    fn side(&self, source: ClusterSource) -> &Side {
        match source {
            ClusterSource::File => &self.file,
            ClusterSource::Resource => &self.resource,
        }
    }
}

impl Side {
    /// Takes in what was found; whether something else is declared now.
    fn take(&mut self, found: Found, place: &str) -> bool {
        match found {
            Found::Gone => {
                self.standing = if self.desired.is_some() { ClusterFile::Gone } else { ClusterFile::None };
            }
            Found::Unusable(why) => self.standing = ClusterFile::Invalid(why),
            Found::Text(text) => {
                let Read { desired, mistakes } = coord_cluster::read(&text);
                let Some(desired) = desired else {
                    self.standing = ClusterFile::Invalid(refused(place, &mistakes));
                    return false;
                };
                self.standing = ClusterFile::InForce;
                if self.desired.as_deref() != Some(&desired) {
                    self.desired = Some(Arc::new(desired));
                    return true;
                }
            }
        }
        false
    }
}

/// What each place is called.
pub(crate) fn name(source: ClusterSource) -> &'static str {
    match source {
        ClusterSource::File => "cluster file",
        ClusterSource::Resource => "cluster resource",
    }
}

/// The file, and one byte more than it may have: the reader refuses that.
fn read(path: &Path) -> io::Result<String> {
    let most = u64::try_from(coord_cluster::LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(fs::File::open(path)?, most), &mut text)?;
    Ok(text)
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

/// The first error and how many there are; `place` stands before its line.
fn refused(place: &str, mistakes: &[Mistake]) -> String {
    let errors: Vec<&Mistake> = mistakes.iter().filter(|mistake| mistake.weight == Weight::Error).collect();
    let first = errors.first().map_or_else(String::new, |mistake| match place {
        // A resource has no lines.
        "" => mistake.message.clone(),
        place => format!("{place}{}:{}: {}", mistake.place.line, mistake.place.column, mistake.message),
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
        let declared = Declared::new(path.clone(), ClusterSource::File);
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
        let declared = Declared::new(path, ClusterSource::File);
        declared.look();
        let mount = declared.expect("pi").mounts.remove(0);
        assert_eq!((mount.name.as_str(), mount.writable, mount.sentinel.as_str()), ("films", true, ".there"));
        assert_eq!(declared.expect("other"), Expect::default());
    }

    #[test]
    fn one_place_counts_and_the_other_must_not_say_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cluster.yaml");
        fs::write(&path, GOOD).unwrap();
        let declared = Declared::new(path, ClusterSource::Resource);
        assert!(declared.look().is_some_and(|note| note.contains("not in force")));
        assert_eq!((declared.desired(), declared.standing()), (None, ClusterFile::None));
        assert!(
            declared.resources(vec![GOOD.into()]).is_some_and(|note| note.contains("cluster resource is in force"))
        );
        assert!(declared.desired().is_some() && declared.standing() == ClusterFile::InForce);
        assert!(declared.resources(vec![GOOD.replace("flat", "attic")]).is_some());
        assert_eq!(declared.standing(), ClusterFile::Disputed);
        assert!(declared.resources(vec![GOOD.into(), GOOD.into()]).is_some_and(|note| note.contains("several")));
        assert_eq!(declared.desired().unwrap().name, "attic", "what was in force stays");
        assert!(declared.resources(Vec::new()).is_some_and(|note| note.contains("gone")));
    }
}
