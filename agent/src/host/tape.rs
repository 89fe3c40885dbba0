//! Keeps what probes read on this machine, so that it can be written down as a recorded host.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
};

use coord_model::{Reading, Unknown, ValueState};

use super::{
    Answers, DrmTwice, GpuAnswers, GpuRequest, HelperAnswers, HelperLine, NEEDS_HELPER,
    answers::{Answer, Refused, SCHEMA},
    live,
};

/// The most links that one path may hold, as in the kernel.
const MOST_LINKS: u32 = 40;

/// What has been read, by path with links resolved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taped {
    /// Contents of files.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Things whose content nobody read.
    pub(crate) seen: BTreeSet<String>,
    /// Folders.
    pub(crate) folders: BTreeSet<String>,
    /// Links and what they say.
    pub(crate) links: BTreeMap<String, String>,
    /// Answers of system calls.
    pub(crate) answers: Answers,
}

/// A running tape.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    taped: Mutex<Taped>,
    helper: Option<HelperLine>,
}

impl Tape {
    /// A tape that also keeps what the root helper answers.
    pub(crate) fn with_helper(line: HelperLine) -> Self {
        Self { taped: Mutex::default(), helper: Some(line) }
    }

    /// The helper's facts.
    pub(super) fn helper(&self) -> Reading<&HelperAnswers> {
        let line = self.helper.as_ref().ok_or_else(|| Unknown::denied(NEEDS_HELPER))?;
        let answers = line.facts()?;
        self.lock().answers.helper.get_or_insert_with(|| answers.clone());
        Ok(answers)
    }

    /// The helper's verb `gpu`.
    pub(super) fn helper_gpu(&self, request: &GpuRequest) -> Reading<GpuAnswers> {
        self.helper()?;
        let line = self.helper.as_ref().ok_or_else(|| Unknown::denied(NEEDS_HELPER))?;
        let reading = line.gpu(request);
        let mut taped = self.lock();
        let kept = taped.answers.helper.get_or_insert_default();
        kept.gpu.get_or_insert_with(|| reading.into()).reading()
    }

    /// The helper's facts, asked anew.
    pub(super) fn fresh_facts(&self) -> Reading<HelperAnswers> {
        self.helper.as_ref().ok_or_else(|| Unknown::denied(NEEDS_HELPER))?.fresh_facts()
    }

    /// Keeps both readings of the clients of DRM devices.
    pub(super) fn keep_drm(&self, twice: &Reading<DrmTwice>) {
        let (before, after) = match twice {
            Ok(twice) => (Ok(twice.before.clone()), Ok(twice.after.clone())),
            Err(unknown) => (Err(unknown.clone()), Err(unknown.clone())),
        };
        let mut taped = self.lock();
        let kept = taped.answers.helper.get_or_insert_default();
        kept.drm_clients = Some(before.into());
        kept.drm_clients_later = Some(after.into());
    }

    /// All that was kept so far.
    pub(crate) fn taped(&self) -> Taped {
        let mut copy = self.lock().clone();
        copy.answers.schema = SCHEMA;
        copy
    }

    fn lock(&self) -> MutexGuard<'_, Taped> {
        self.taped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the answer to `call` about `key`; the first stays.
    pub(super) fn answer<T: Clone>(
        &self,
        key: &str,
        reading: Reading<T>,
        table: impl FnOnce(&mut Answers) -> &mut BTreeMap<String, Answer<T>>,
    ) -> Reading<T> {
        let mut taped = self.lock();
        table(&mut taped.answers).entry(key.to_string()).or_insert_with(|| reading.into()).reading()
    }

    /// Keeps the answer of a call without an argument; the first stays.
    pub(super) fn single<T: Clone>(
        &self,
        reading: Reading<T>,
        pick: impl FnOnce(&mut Answers) -> &mut Option<Answer<T>>,
    ) -> Reading<T> {
        let mut taped = self.lock();
        pick(&mut taped.answers).get_or_insert_with(|| reading.into()).reading()
    }

    pub(super) fn read(&self, path: &str) -> Reading<Vec<u8>> {
        let reading = live::read(path);
        let mut taped = self.lock();
        let place = taped.walk(path);
        if let (Ok(bytes), Some(place)) = (&reading, place) {
            return Ok(taped.files.entry(place).or_insert_with(|| bytes.clone()).clone());
        }
        taped.refuse(path, reading)
    }

    pub(super) fn list(&self, path: &str) -> Reading<Vec<String>> {
        let reading = live::list(path);
        let mut taped = self.lock();
        let place = taped.walk(path);
        if let (Ok(names), Some(place)) = (&reading, place) {
            for name in names {
                taped.see(&format!("{}/{name}", place.trim_end_matches('/')));
            }
            taped.folders.insert(place);
        }
        taped.refuse(path, reading)
    }

    pub(super) fn link(&self, path: &str) -> Reading<String> {
        let reading = live::link(path);
        let mut taped = self.lock();
        if reading.is_ok() {
            taped.walk(path);
        }
        taped.refuse(path, reading)
    }

    pub(super) fn real(&self, path: &str) -> Reading<String> {
        self.keep(path);
        let reading = live::real(path);
        self.lock().refuse(path, reading)
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.keep(path);
        live::exists(path)
    }

    /// Keeps that something is at `path`.
    fn keep(&self, path: &str) {
        let mut taped = self.lock();
        if let Some(place) = taped.walk(path) {
            taped.see(&place);
        }
    }
}

impl Taped {
    /// A failed read other than absence, which a tree shows by itself.
    fn refuse<T>(&mut self, path: &str, reading: Reading<T>) -> Reading<T> {
        if let Err(unknown) = &reading
            && unknown.state != ValueState::Absent
        {
            self.answers.refused.insert(path.to_string(), Refused { unknown: unknown.clone() });
        }
        reading
    }

    /// Keeps the link, folder or file at `place`, whose parents are no links.
    fn see(&mut self, place: &str) {
        let Ok(data) = fs::symlink_metadata(place) else { return };
        if data.is_symlink() {
            if let Ok(target) = live::link(place) {
                self.links.insert(place.to_string(), target);
            }
        } else if data.is_dir() {
            self.folders.insert(place.to_string());
        } else {
            self.seen.insert(place.to_string());
        }
    }

    /// Where `path` leads, keeping every link on the way; `None` where nothing is there.
    fn walk(&mut self, path: &str) -> Option<String> {
        let mut rest: VecDeque<String> = parts(path).collect();
        let mut place = String::new();
        let mut links = 0;
        while let Some(part) = rest.pop_front() {
            if part == ".." {
                place.truncate(place.rfind('/').unwrap_or(0));
                continue;
            }
            let next = format!("{place}/{part}");
            // /proc/self is a link to a process number, which means nothing in a recording.
            if next == "/proc/self" || !fs::symlink_metadata(&next).ok()?.is_symlink() {
                place = next;
                continue;
            }
            links += 1;
            let target = live::link(&next).ok().filter(|_| links <= MOST_LINKS)?;
            if target.starts_with('/') {
                place.clear();
            }
            for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
                rest.push_front(part);
            }
            self.links.insert(next, target);
        }
        Some(if place.is_empty() { "/".to_string() } else { place })
    }
}

/// The names in a path.
fn parts(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_string)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, sync::Arc};

    use super::*;
    use crate::host::Host;

    #[test]
    fn a_file_is_kept_where_it_really_is() {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap().display().to_string();
        fs::create_dir_all(format!("{base}/real/deep")).unwrap();
        fs::write(format!("{base}/real/deep/file"), "content").unwrap();
        symlink("real/deep/..", format!("{base}/link")).unwrap();
        let tape = Arc::new(Tape::default());
        let host = Host::taped(Arc::clone(&tape));
        assert_eq!(host.text(&format!("{base}/link/deep/file")).unwrap(), "content");
        assert_eq!(host.list(&format!("{base}/link")).unwrap(), ["deep"]);
        assert!(!host.exists(&format!("{base}/link/none")));
        let taped = tape.taped();
        assert_eq!(taped.files[&format!("{base}/real/deep/file")], b"content");
        assert_eq!(taped.links[&format!("{base}/link")], "real/deep/..");
        assert!(taped.folders.contains(&format!("{base}/real")));
        assert!(taped.answers.refused.is_empty());
    }

    #[test]
    fn the_first_answer_stays() {
        let tape = Tape::default();
        let first = tape.answer("/a", Ok(true), |answers| &mut answers.sockets);
        let second = tape.answer("/a", Ok(false), |answers| &mut answers.sockets);
        assert_eq!((first, second), (Ok(true), Ok(true)));
    }
}
