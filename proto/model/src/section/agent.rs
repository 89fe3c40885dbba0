//! The agent itself: version, rights, configuration.

use alloc::{string::String, vec::Vec};

use crate::{facts::facts, words::words};

words! {
    /// Whether the root helper answers.
    pub enum HelperState {
        /// It answers.
        Present = 1 => "present",
        /// It is not installed or does not answer.
        Missing = 2 => "missing",
        /// A recorded host carries its answers.
        Recorded = 3 => "recorded",
    }
}

facts! {
    /// One of the kernel's event sources that make the agent read a section at once.
    pub struct EventSource from EventSourceReading {
        /// Which one: `mountinfo`, `uevent`, `dev`, `pressure`, `cgroup`, `route`.
        name: String,
        /// Whether it is open and has missed nothing that a regular reading found.
        watching: bool,
        /// Why it is not watched, or what it missed.
        detail: String,
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
        /// Why the root helper does not answer; absent when it does.
        helper_detail: String,
        /// The recorded host that it reads instead of this machine.
        recorded_from: String,
        /// Seconds since the process started.
        started_seconds: f64,
        /// The kernel's event sources, ordered by name; a single check watches none.
        event_sources: Vec<EventSource>,
    }
}
