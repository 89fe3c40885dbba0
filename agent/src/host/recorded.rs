//! A recorded host: files below a folder that no link leads out of, and answers for what files cannot hold.

use std::{
    collections::BTreeMap,
    fs,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use coord_model::{Reading, Unknown};
use nix::{
    errno::Errno,
    fcntl::{OFlag, OpenHow, ResolveFlag, openat2, readlinkat},
};

use super::{
    Answers, HelperAnswers, HostError,
    answers::{Answer, SCHEMA},
    error::{unknown, unknown_io},
    live,
};

/// One recorded host.
pub(crate) struct Recording {
    root: OwnedFd,
    /// Where the root really is, to take its path off resolved ones.
    root_path: PathBuf,
    name: String,
    answers: Answers,
}

impl Recording {
    /// Opens `folder/root` and reads `folder/answers.json`.
    pub(super) fn open(folder: &Path) -> Result<Self, HostError> {
        let root = folder.join("root");
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            |source| HostError::Read { path, source }
        };
        let root_path = fs::canonicalize(&root).map_err(failed(&root))?;
        let file = fs::File::open(&root_path).map_err(failed(&root))?;
        let path = folder.join("answers.json");
        let text = fs::read_to_string(&path).map_err(failed(&path))?;
        let answers: Answers =
            serde_json::from_str(&text).map_err(|source| HostError::Answers { path: path.clone(), source })?;
        if answers.schema != SCHEMA {
            return Err(HostError::Schema { path, found: answers.schema, expected: SCHEMA });
        }
        Ok(Self { root: file.into(), root_path, name: folder.display().to_string(), answers })
    }

    /// The folder as it was given.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the root helper answered there.
    pub(super) fn helper(&self) -> Option<&HelperAnswers> {
        self.answers.helper.as_ref()
    }

    /// The recorded answer of `call` about `key`.
    pub(super) fn answer<T: Clone>(
        &self,
        call: &str,
        key: &str,
        table: impl FnOnce(&Answers) -> &BTreeMap<String, Answer<T>>,
    ) -> Reading<T> {
        let answer = table(&self.answers).get(key);
        answer.map_or_else(|| Err(Unknown::error(format!("no recorded answer for {call} {key}"))), Answer::reading)
    }

    /// The recorded answer of a call without an argument.
    pub(super) fn single<T: Clone>(&self, call: &str, pick: impl FnOnce(&Answers) -> Option<&Answer<T>>) -> Reading<T> {
        let answer = pick(&self.answers);
        answer.map_or_else(|| Err(Unknown::error(format!("no recorded answer for {call}"))), Answer::reading)
    }

    /// Opens `path` so that neither `..` nor a link leads out of the root.
    fn open_below(&self, path: &str, flags: OFlag) -> Reading<OwnedFd> {
        if let Some(refused) = self.answers.refused.get(path) {
            return Err(refused.unknown.clone());
        }
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        openat2(&self.root, path, how).map_err(|errno| unknown(path, errno))
    }

    pub(super) fn read(&self, path: &str) -> Reading<Vec<u8>> {
        live::read_all(path, self.open_below(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?.into())
    }

    pub(super) fn list(&self, path: &str) -> Reading<Vec<String>> {
        let folder = self.open_below(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        live::names(path, fs::read_dir(opened(&folder)))
    }

    pub(super) fn link(&self, path: &str) -> Reading<String> {
        let link = self.open_below(path, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
        let text = readlinkat(&link, "").map_err(|errno| match errno {
            // An O_PATH descriptor of something that is no link.
            Errno::ENOENT => Unknown::error(format!("{path} is not a link")),
            other => unknown(path, other),
        })?;
        live::path_text(Path::new(&text))
    }

    pub(super) fn real(&self, path: &str) -> Reading<String> {
        let found = self.open_below(path, OFlag::O_PATH)?;
        let full = fs::read_link(opened(&found)).map_err(|error| unknown_io(path, &error))?;
        let inside = full.strip_prefix(&self.root_path);
        let inside = inside.map_err(|_| Unknown::error(format!("{path} leads out of the recorded host")))?;
        live::path_text(&Path::new("/").join(inside))
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.open_below(path, OFlag::O_PATH).is_ok()
    }
}

/// The path under which the kernel shows an open descriptor.
fn opened(descriptor: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use coord_model::ValueState;

    use super::*;
    use crate::host::Host;

    fn recorded(answers: &str) -> (tempfile::TempDir, Host) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/inside"), "yes\n").unwrap();
        fs::write(folder.path().join("secret"), "outside").unwrap();
        symlink("/etc/inside", root.join("absolute")).unwrap();
        symlink("../../secret", root.join("etc/escape")).unwrap();
        fs::write(folder.path().join("answers.json"), answers).unwrap();
        let host = Host::recorded(folder.path()).unwrap();
        (folder, host)
    }

    #[test]
    fn links_are_followed_inside_the_root_only() {
        let (_folder, host) = recorded(r#"{"schema": 1}"#);
        assert_eq!(host.text("/absolute"), Ok("yes".to_string()));
        assert_eq!(host.real("/absolute"), Ok("/etc/inside".to_string()));
        assert_eq!(host.link("/absolute"), Ok("/etc/inside".to_string()));
        assert_eq!(host.text("/etc/escape").unwrap_err().state, ValueState::Absent);
        assert_eq!(host.text("/../../secret").unwrap_err().state, ValueState::Absent);
        assert_eq!(host.list("/etc"), Ok(vec!["escape".to_string(), "inside".to_string()]));
        assert!(host.exists("/etc") && !host.exists("/secret"));
    }

    #[test]
    fn a_call_without_an_answer_is_an_error() {
        let (_folder, host) = recorded(r#"{"schema": 1}"#);
        assert_eq!(host.space("/data"), Err(Unknown::error("no recorded answer for statvfs /data")));
        assert_eq!(host.user(), Err(Unknown::error("no recorded answer for user")));
    }

    #[test]
    fn answers_may_be_refusals() {
        let (_folder, host) = recorded(
            r#"{"schema": 1, "space": {"/dead": {"unknown": {"state": "timeout", "message": "no answer"}}},
                "refused": {"/etc/inside": {"unknown": {"state": "denied", "message": "not for you"}}},
                "access": {"/dev/dri/renderD128": {"errno": "EPERM"}}, "sockets": {"/run/x.sock": true}}"#,
        );
        assert_eq!(host.space("/dead").unwrap_err().state, ValueState::Timeout);
        assert_eq!(host.read("/etc/inside").unwrap_err(), Unknown::denied("not for you"));
        assert_eq!(host.access("/dev/dri/renderD128").unwrap().errno.as_deref(), Some("EPERM"));
        assert_eq!(host.connects("/run/x.sock"), Ok(true));
    }

    #[test]
    fn a_mistyped_answer_or_another_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        for (text, part) in
            [(r#"{"schema": 2}"#, "schema 2"), (r#"{"schema": 1, "spice": {}}"#, "answers.json"), ("", "answers.json")]
        {
            fs::write(folder.path().join("answers.json"), text).unwrap();
            let Err(error) = Host::recorded(folder.path()) else { panic!("{text} was accepted") };
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
