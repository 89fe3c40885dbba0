//! What went wrong with a command, why, what to do, and the exit code that says so to scripts.

use std::fmt::Display;

/// The exit codes that scripts rely on (DESIGN section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Fine.
    Fine,
    /// The command failed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// The coordinator answered, and something is wrong in the fleet.
    Unhealthy,
    /// The coordinator cannot be reached; what is shown is old.
    Away,
    /// What was waited for did not come in time.
    TimedOut,
    /// The plan has changes, and that was asked.
    Changes,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number that the process ends with.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unhealthy => 3,
            Self::Away => 4,
            Self::TimedOut => 5,
            Self::Changes => 6,
            Self::Interrupted => 130,
        }
    }
}

/// A command that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// One line of what; lower case, no final period.
    pub(crate) what: String,
    /// Why, outermost first.
    pub(crate) causes: Vec<String>,
    /// Things to type.
    pub(crate) hints: Vec<String>,
    /// How the process ends.
    pub(crate) exit: Exit,
}

impl Failure {
    /// A command that failed.
    pub(crate) fn new(what: impl Display) -> Self {
        Self { what: what.to_string(), causes: Vec::new(), hints: Vec::new(), exit: Exit::Failed }
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(what: impl Display) -> Self {
        Self { exit: Exit::Usage, ..Self::new(what) }
    }

    /// A coordinator that cannot be reached.
    pub(crate) fn away(place: impl Display) -> Self {
        Self { exit: Exit::Away, ..Self::new(format_args!("cannot connect to the coordinator at {place}")) }
    }

    /// The same with a reason.
    #[must_use]
    pub(crate) fn cause(mut self, cause: impl Display) -> Self {
        self.causes.push(coord_model::clean(&cause.to_string()));
        self
    }

    /// The same with an error and everything below it as reasons; a layer that repeats what the one above it ends
    /// with is said once.
    #[must_use]
    pub(crate) fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut layer = Some(error);
        while let Some(error) = layer {
            let text = coord_model::clean(&error.to_string());
            if !self.causes.last().is_some_and(|above| above.ends_with(&text)) {
                self.causes.push(text);
            }
            layer = error.source();
        }
        self
    }

    /// The same with something to type.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }
}
