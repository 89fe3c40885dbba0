//! The agent itself: version, rights, configuration.

use alloc::string::String;

use crate::{facts::facts, words::words};

words! {
    /// Whether the root helper answers.
    pub enum HelperState {
        /// It answers.
        Present = 1 => "present",
        /// It is not installed in this version or not running.
        Missing = 2 => "missing",
        /// A recorded host carries its answers.
        Recorded = 3 => "recorded",
    }
}

facts! {
    /// The agent itself.
    pub struct Agent from AgentReading {
        /// Its version.
        version: String,
        /// The user that it runs as.
        user: String,
        /// Whether that user is root.
        root: bool,
        /// Where it keeps its identity.
        state_directory: String,
        /// The configuration file that it read; absent when there is none.
        configuration_file: String,
        /// Why the configuration file could not be used; absent when it could.
        configuration_error: String,
        /// Whether the root helper answers.
        helper: HelperState,
        /// The recorded host that it reads instead of this machine.
        recorded_from: String,
        /// Seconds since the process started.
        started_seconds: f64,
    }
}
