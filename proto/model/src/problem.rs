//! Something wrong, said the same way by agent, coordinator, screen and log.

use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{Code, words::words};

words! {
    /// How bad a problem is. The order of the variants is the order on the screen.
    pub enum Severity {
        /// Something does not work.
        Error = 1 => "error",
        /// Something will not work for long, or is at risk.
        Warning = 2 => "warning",
        /// Worth knowing; never makes anything unhealthy.
        Info = 3 => "info",
    }
}

impl Severity {
    /// One character for tables; the word stands beside it wherever there is room.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Error => "x",
            Self::Warning => "!",
            Self::Info => "i",
            Self::Unrecognised(_) => "?",
        }
    }
}

/// Who took a known risk, until when and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AcceptedView {
    /// Who took it.
    pub by: String,
    /// Until when, RFC 3339.
    pub until: String,
    /// Why.
    pub reason: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: a node's name, `mount/PATH`, a GPU's address; empty for the reporting node itself.
    #[serde(default)]
    pub subject: String,
    /// The stable name of this kind of problem.
    pub code: Code,
    /// One sentence, no final period.
    pub message: String,
    /// What to type or change, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Somebody knows it and takes it for a while; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<AcceptedView>,
}

impl Problem {
    /// A problem of the code's own severity.
    pub fn new(code: Code, subject: impl ToString, message: impl ToString) -> Self {
        Self {
            severity: code.severity(),
            subject: subject.to_string(),
            code,
            message: message.to_string(),
            hint: None,
            accepted: None,
        }
    }

    /// The same with something to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl ToString) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Whether it makes a node `degraded`.
    #[must_use]
    pub fn degrades(&self) -> bool {
        self.accepted.is_none() && self.is_listed()
    }

    /// Whether it is bad enough to stand on the first screen, accepted or not.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        match self.severity {
            Severity::Error | Severity::Warning => true,
            Severity::Info | Severity::Unrecognised(_) => false,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {} ({})", self.severity.symbol(), self.subject, self.message, self.code)
    }
}
