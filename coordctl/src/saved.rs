//! The coordinators that this user may call: a folder for each with the operator's identity, and which is in use.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use coord_proto::identity::Identity;

use crate::{failure::Failure, folders};

/// All of them.
pub(crate) struct Saved {
    folder: PathBuf,
}

impl Saved {
    /// Those of this user.
    ///
    /// # Errors
    /// When the user has no home.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        let folder = folders::settings().ok_or_else(|| {
            Failure::new("no folder for this user's settings is known").hint("set HOME, or XDG_CONFIG_HOME")
        })?;
        Ok(Self::at(&folder))
    }

    /// Those below a folder.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.join("contexts") }
    }

    /// The names, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let with_identity = entries.filter(|entry| entry.path().join("identity.json").is_file());
        let mut names: Vec<String> = with_identity.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// The one in use.
    pub(crate) fn in_use(&self) -> Option<String> {
        let name = fs::read_to_string(self.folder.join("in-use")).ok()?;
        let name = name.trim();
        self.names().into_iter().find(|known| known == name)
    }

    /// Uses another one from now on.
    ///
    /// # Errors
    /// When there is none with this name, or it cannot be written down.
    pub(crate) fn use_from_now_on(&self, name: &str) -> Result<(), Failure> {
        self.load(name)?;
        let file = self.folder.join("in-use");
        let cannot = |error: io::Error| Failure::new(format_args!("cannot write {}", file.display())).because(&error);
        coord_proto::write_private(&file, format!("{name}\n").as_bytes(), None).map_err(cannot)
    }

    /// The identity for a name.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub(crate) fn load(&self, name: &str) -> Result<Identity, Failure> {
        let known = valid(name).then(|| Identity::load(&self.file(name))).transpose();
        let identity =
            known.map_err(|error| Failure::new(format_args!("context {name} cannot be used")).because(&error))?;
        identity.flatten().ok_or_else(|| self.unknown(name))
    }

    /// Keeps an identity under a name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn store(&self, name: &str, identity: &Identity) -> Result<(), Failure> {
        let file = self.file(name);
        let cannot = || Failure::new(format_args!("cannot keep context {name}"));
        folders::make_private(file.parent().unwrap_or(&self.folder)).map_err(|error| cannot().because(&error))?;
        identity.save(&file).map_err(|error| cannot().because(&error))
    }

    /// Whether `name` is a name that can be kept and is not taken.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub(crate) fn check_free(&self, name: &str) -> Result<(), Failure> {
        if !valid(name) {
            return Err(Failure::usage(format_args!("`{name}` cannot name a context"))
                .hint("use letters, digits, `.`, `-` and `_`, at most 64"));
        }
        match Identity::load(&self.file(name)) {
            Ok(Some(identity)) if identity.enrolled() => {
                Err(Failure::usage(format_args!("context {name} is there already"))
                    .hint(format_args!("to use it, run: coordctl context use {name}")))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The identity file of a name.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name).join("identity.json")
    }

    fn unknown(&self, name: &str) -> Failure {
        let failure = Failure::usage(format_args!("context {name} is not known"));
        match self.names().as_slice() {
            [] => failure.hint(format_args!("to make it, run: coordctl context add {name}")),
            names => failure.hint(format_args!("known are: {}", names.join(", "))),
        }
    }
}

fn valid(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name != "in-use" && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let saved = Saved::at(folder.path());
        for name in ["", "..", ".", "a/b", "in-use", "a b", &"n".repeat(65)] {
            assert!(saved.check_free(name).is_err(), "{name}");
            assert!(saved.load(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_was_kept_is_found_and_used() {
        let folder = tempfile::tempdir().unwrap();
        let saved = Saved::at(folder.path());
        saved.store("home", &Identity::generate().unwrap()).unwrap();
        assert_eq!((saved.names(), saved.in_use()), (vec!["home".to_owned()], None));
        saved.use_from_now_on("home").unwrap();
        assert_eq!(saved.in_use().as_deref(), Some("home"));
        let unknown = saved.use_from_now_on("hmoe").unwrap_err();
        assert_eq!(unknown.hints, ["known are: home"]);
    }
}
