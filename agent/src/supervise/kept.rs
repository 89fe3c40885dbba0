//! The identity on a medium that survives a boot, where the agent's own folder lies in memory.
//!
//! The medium is a FAT stick: no modes, no owners, no links, few writes, and time stamps that mean nothing. The folder in
//! memory is what the agent uses; every change of it is copied, the copy before it is kept.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use coord_proto::identity::Identity;
use nix::sys::inotify::AddWatchFlags;
use tokio::time::{Instant, sleep_until};

use crate::{
    join::own_like_folder,
    watch::{inotify, take},
};

/// The file, here and there.
const FILE: &str = "identity.json";
const PREVIOUS: &str = "identity.json.previous";
/// Between two writes: commands change the file too, and a stick takes only so many writes.
const PAUSE: Duration = Duration::from_secs(60);

/// Where the identity lies and where it is kept.
pub(super) struct Kept {
    state: PathBuf,
    folder: PathBuf,
}

impl Kept {
    /// The agent's folder `state`, kept in `folder`.
    pub(super) fn new(state: &Path, folder: &Path) -> Self {
        Self { state: state.to_owned(), folder: folder.to_owned() }
    }

    /// Takes the kept identity back where the agent has none; what cannot be read is said and left alone.
    pub(super) fn restore(&self) {
        let target = self.state.join(FILE);
        if target.exists() {
            return;
        }
        let Some(identity) = self.readable() else { return };
        match identity.save(&target) {
            Ok(()) => own_like_folder(&self.state),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the identity is not restored"),
        }
    }

    /// The kept identity, or the one before it: after a power cut the newest may be damaged or nameless.
    fn readable(&self) -> Option<Identity> {
        for name in [FILE, PREVIOUS] {
            match Identity::load(&self.folder.join(name)) {
                Ok(Some(identity)) => return Some(identity),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a kept identity cannot be read"),
            }
        }
        None
    }

    /// Copies the identity if it differs from the kept one. A folder without one changes nothing.
    pub(super) fn save(&self) -> io::Result<()> {
        let own = self.state.join(FILE);
        if !matches!(Identity::load(&own), Ok(Some(_))) {
            return Ok(());
        }
        let text = fs::read(own)?;
        let (kept, new) = (self.folder.join(FILE), self.folder.join("identity.json.new"));
        if fs::read(&kept).is_ok_and(|before| before == text) {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let mut file = File::create(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        if kept.exists() {
            fs::rename(&kept, self.folder.join(PREVIOUS))?;
        }
        fs::rename(&new, &kept)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Saves whenever the agent or `join` has replaced the file: the first time at once, then at most once a minute.
    pub(super) async fn follow(&self) {
        match self.followed().await {
            Ok(()) => {}
            Err(error) => {
                tracing::error!(%error, "the identity is kept only when the agent stops");
                std::future::pending::<()>().await;
            }
        }
    }

    async fn followed(&self) -> io::Result<()> {
        let (watch, mut ready) = inotify()?;
        watch.add_watch(&self.state, AddWatchFlags::IN_MOVED_TO)?;
        let mut due = Some(Instant::now());
        let mut earliest = Instant::now();
        loop {
            let events = tokio::select! {
                events = take(&mut ready, &watch) => events?,
                () = sleep_until(due.unwrap_or(earliest)), if due.is_some() => {
                    earliest = Instant::now() + PAUSE;
                    due = self.try_save().then_some(earliest);
                    continue;
                }
            };
            if events.iter().any(|event| event.name.as_deref().is_none_or(|name| name == FILE)) {
                due = Some(earliest);
            }
        }
    }

    /// Whether it has to be tried again.
    fn try_save(&self) -> bool {
        let saved = self.save();
        if let Err(error) = &saved {
            tracing::error!(%error, folder = %self.folder.display(), "the identity is not kept yet");
        }
        saved.is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Kept) {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(&folder.path().join("state"), &folder.path().join("flash"));
        fs::create_dir(&kept.state).unwrap();
        (folder, kept)
    }

    fn key(path: &Path) -> String {
        Identity::load(path).unwrap().unwrap().key_id().unwrap()
    }

    #[test]
    fn an_identity_comes_back_after_a_boot() {
        let (_folder, kept) = place();
        let own = kept.state.join(FILE);
        Identity::generate().unwrap().save(&own).unwrap();
        let first = key(&own);
        kept.save().unwrap();
        fs::remove_file(&own).unwrap();
        kept.restore();
        assert_eq!(key(&own), first);
        // A kept one never takes the place of one that is there.
        Identity::generate().unwrap().save(&own).unwrap();
        let second = key(&own);
        kept.restore();
        assert_eq!(key(&own), second);
    }

    #[test]
    fn a_power_cut_at_any_step_leaves_one_to_come_back() {
        for step in ["torn", "empty", "nameless"] {
            let (_folder, kept) = place();
            let own = kept.state.join(FILE);
            for _ in 0..2 {
                Identity::generate().unwrap().save(&own).unwrap();
                kept.save().unwrap();
            }
            let before = key(&kept.folder.join(PREVIOUS));
            match step {
                "torn" => fs::write(kept.folder.join(FILE), "{\"key\":").unwrap(),
                "empty" => fs::write(kept.folder.join(FILE), "").unwrap(),
                _ => fs::remove_file(kept.folder.join(FILE)).unwrap(),
            }
            fs::remove_file(&own).unwrap();
            kept.restore();
            assert_eq!(key(&own), before, "{step}");
        }
    }

    #[test]
    fn nothing_and_rubbish_are_not_kept() {
        let (_folder, kept) = place();
        kept.save().unwrap();
        fs::write(kept.state.join(FILE), "rubbish").unwrap();
        kept.save().unwrap();
        assert!(!kept.folder.exists());
        kept.restore();
    }

    #[tokio::test]
    async fn a_replaced_file_is_kept_at_once() {
        let (_folder, kept) = place();
        let own = kept.state.join(FILE);
        let follow = async { kept.follow().await };
        let change = async {
            Identity::generate().unwrap().save(&own).unwrap();
            while !kept.folder.join(FILE).exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = follow => {}
            () = change => {}
        }
        assert_eq!(key(&kept.folder.join(FILE)), key(&own));
    }
}
