//! Which coordinator is meant: flag over environment over the context in use over the socket of this machine.

use std::{fmt, path::PathBuf};

use crate::{arguments::Common, failure::Failure};

/// Where the coordinator listens on its own machine.
pub(crate) const SOCKET: &str = "/run/coordinator/control.sock";

/// Which coordinator is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The socket on this machine.
    Socket(PathBuf),
    /// A remembered coordinator.
    Saved {
        /// Its name here; `None` for the one in use.
        name: Option<String>,
        /// Another address for it.
        address: Option<String>,
    },
}

/// A variable of this process; empty is the same as not set.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Place {
    /// By flags and environment; `variable` reads the latter.
    pub(crate) fn choose(flags: &Common, variable: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        let flagged = Self::from(flags.socket.clone(), flags.endpoint.clone(), flags.context.clone());
        if let Some(Self::Saved { name: None, address }) = flagged {
            return Some(Self::Saved { name: variable("COORDCTL_CONTEXT"), address });
        }
        let socket = variable("COORDCTL_SOCKET").map(PathBuf::from);
        let set = || Self::from(socket, variable("COORDCTL_ENDPOINT"), variable("COORDCTL_CONTEXT"));
        flagged.or_else(set)
    }

    fn from(socket: Option<PathBuf>, address: Option<String>, name: Option<String>) -> Option<Self> {
        match (socket, address, name) {
            (Some(path), _, _) => Some(Self::Socket(path)),
            (None, None, None) => None,
            (None, address, name) => Some(Self::Saved { name, address }),
        }
    }

    /// What stands in the place of nothing: the context in use, else the socket.
    ///
    /// # Errors
    /// Where there is neither a context nor, on this system, a socket.
    pub(crate) fn or_default(place: Option<Self>, in_use: Option<String>) -> Result<Self, Failure> {
        match (place, in_use) {
            (Some(Self::Saved { name: None, address }), Some(name)) => Ok(Self::Saved { name: Some(name), address }),
            (Some(place), _) => Ok(place),
            (None, Some(name)) => Ok(Self::Saved { name: Some(name), address: None }),
            (None, None) if cfg!(unix) => Ok(Self::Socket(PathBuf::from(SOCKET))),
            (None, None) => Err(Failure::usage("no coordinator is known to this user")
                .hint("make a token on the coordinator with: coordctl token create --operator")
                .hint("then here: coordctl context add NAME")),
        }
    }
}

/// As in a file name: which coordinator, not by which address it was called.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(formatter, "socket {}", path.display()),
            Self::Saved { name: Some(name), .. } => write!(formatter, "context {name}"),
            Self::Saved { name: None, .. } => formatter.write_str("context"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn a_flag_goes_before_the_environment() {
        let flags = Common { socket: Some("/flag".into()), ..Common::default() };
        let chosen = Place::choose(&flags, &set(&[("COORDCTL_ENDPOINT", "h:1"), ("COORDCTL_SOCKET", "/env")]));
        assert_eq!(chosen, Some(Place::Socket("/flag".into())));
    }

    #[test]
    fn an_endpoint_is_called_as_the_context_in_use() {
        let flags = Common { endpoint: Some("h:1".into()), ..Common::default() };
        let chosen = Place::choose(&flags, &set(&[]));
        let whole = Place::or_default(chosen, Some("home".into())).unwrap();
        assert_eq!(whole, Place::Saved { name: Some("home".into()), address: Some("h:1".into()) });
    }

    #[test]
    fn without_anything_it_is_the_context_in_use_else_the_socket() {
        assert_eq!(Place::choose(&Common::default(), &set(&[])), None);
        let used = Place::or_default(None, Some("home".into())).unwrap();
        assert_eq!(used, Place::Saved { name: Some("home".into()), address: None });
        assert_eq!(Place::or_default(None, None).unwrap(), Place::Socket(SOCKET.into()));
    }
}
