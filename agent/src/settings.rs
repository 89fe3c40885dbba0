//! The agent's settings: flag over environment over file over default. A bad file never keeps the agent from running.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    arguments::RunArguments,
    probe::{Briefing, Setting},
};

/// Where the configuration file is looked for unless `--config` names another.
pub(crate) const CONFIGURATION_FILE: &str = "/etc/coord/agent.yaml";
/// Where the identity is kept unless `--state` names another.
pub(crate) const STATE_FOLDER: &str = "/var/lib/coord-agent";

/// The keys of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    /// Where coordinators listen, `HOST:PORT`, best first.
    coordinators: Vec<String>,
    /// The name to ask for instead of the host name.
    name: Option<String>,
    /// Where the identity is kept.
    state: Option<PathBuf>,
    /// The root helper's socket.
    helper: Option<PathBuf>,
}

/// Every key of [`File`], for the nearest one to a mistyped key.
const KEYS: &[&str] = &["coordinators", "helper", "name", "state"];

/// What holds.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Addresses that were given; the identity's own come after them.
    pub(crate) coordinators: Vec<String>,
    /// The name to ask for.
    pub(crate) name: Option<String>,
    /// Where the identity is kept.
    pub(crate) state: PathBuf,
    /// The recorded host to read.
    pub(crate) root: Option<PathBuf>,
    /// Where a token lies, `-` for standard input.
    pub(crate) token_file: Option<PathBuf>,
    /// The configuration file that was read.
    pub(crate) file: Option<PathBuf>,
    /// Why it could not be used.
    pub(crate) error: Option<String>,
    /// The root helper's socket, unless it is the usual one.
    pub(crate) helper: Option<PathBuf>,
}

impl Settings {
    /// Puts the sources together.
    pub(crate) fn load(flags: RunArguments) -> Self {
        let path = flags.config.or_else(|| variable("CONFIG").map(PathBuf::from));
        let (file, found, error) = read(path);
        let coordinators = match flags.coordinator.or_else(|| variable("COORDINATOR")) {
            Some(addresses) => addresses.split(',').map(|address| address.trim().to_owned()).collect(),
            None => file.coordinators,
        };
        Self {
            coordinators,
            name: flags.name.or_else(|| variable("NAME")).or(file.name),
            state: flags
                .state
                .or_else(|| variable("STATE").map(PathBuf::from))
                .or(file.state)
                .unwrap_or_else(|| STATE_FOLDER.into()),
            root: flags.root.or_else(|| variable("ROOT").map(PathBuf::from)),
            token_file: flags.token_file.or_else(|| variable("TOKEN_FILE").map(PathBuf::from)),
            file: found,
            error,
            helper: variable("HELPER").map(PathBuf::from).or(file.helper),
        }
    }

    /// What the section `agent` says of them.
    pub(crate) fn setting(&self) -> Setting {
        Setting {
            state_directory: Some(self.state.clone()),
            configuration_file: self.file.clone(),
            configuration_error: self.error.clone(),
            started_seconds: Some(0.0),
        }
    }

    /// What every probing child is told.
    pub(crate) fn briefing(&self) -> Briefing {
        Briefing {
            helper_socket: self.helper.clone(),
            state_directory: Some(self.state.clone()),
            ..Briefing::default()
        }
    }

    /// The identity file.
    pub(crate) fn identity_file(&self) -> PathBuf {
        self.state.join("identity.json")
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(format!("COORD_AGENT_{name}")).ok().filter(|value| !value.is_empty())
}

/// Reads the file; only a file that was asked for by name has to be there.
fn read(path: Option<PathBuf>) -> (File, Option<PathBuf>, Option<String>) {
    let asked = path.is_some();
    let path = path.unwrap_or_else(|| CONFIGURATION_FILE.into());
    match fs::read_to_string(&path) {
        Ok(text) => match parse(&text, &path) {
            Ok(file) => (file, Some(path), None),
            Err(error) => (File::default(), Some(path), Some(error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound && !asked => (File::default(), None, None),
        Err(error) => {
            let message = format!("cannot read {}: {error}", path.display());
            (File::default(), Some(path), Some(message))
        }
    }
}

fn parse(text: &str, path: &Path) -> Result<File, String> {
    if text.trim().is_empty() || text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(File::default());
    }
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map_or_else(String::new, |place| format!(":{}:{}", place.line(), place.column()));
        let message = coord_model::clean(first_line(&error.to_string()));
        let hint = nearest(&message).map_or_else(String::new, |key| format!(" (did you mean `{key}`?)"));
        format!("{}{place}: {message}{hint}", path.display())
    })
}

fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("cannot be read")
}

/// The key that differs least from the first quoted word of a message about an unknown field.
fn nearest(message: &str) -> Option<&'static str> {
    let unknown = message.split('`').nth(1).filter(|_| message.contains("unknown"))?;
    KEYS.iter()
        .copied()
        .find(|key| key.starts_with(unknown) || unknown.starts_with(key) || one_letter_off(key, unknown))
}

/// Whether two words of nearly the same length share all letters but two.
fn one_letter_off(key: &str, word: &str) -> bool {
    let same = key.chars().filter(|letter| word.contains(*letter)).count();
    key.len().abs_diff(word.len()) <= 2 && same + 2 >= key.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<File, String> {
        parse(text, Path::new("agent.yaml"))
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert_eq!(file("# nothing\n\n"), Ok(File::default()));
    }

    #[test]
    fn an_unknown_key_names_its_place_and_the_nearest() {
        let error = file("name: pi\ncoordinator: [192.0.2.1:7443]\n").unwrap_err();
        assert!(error.starts_with("agent.yaml:2:1: "), "{error}");
        assert!(error.contains("`coordinator`") && error.contains("did you mean `coordinators`?"), "{error}");
    }

    #[test]
    fn a_wrong_type_names_its_place() {
        let error = file("coordinators: 7443\n").unwrap_err();
        assert!(error.starts_with("agent.yaml:1:"), "{error}");
    }
}
