//! The agent about itself: version, rights, configuration.

use std::path::PathBuf;

use coord_model::{
    Reading, Section, Unknown, not_implemented,
    section::{self, AgentReading, EventSource, HelperState},
};

use super::space::put;
use crate::host::Host;

/// What only the main process knows about itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    /// Where it keeps its identity.
    pub(crate) state_directory: Option<PathBuf>,
    /// The configuration file that it read.
    pub(crate) configuration_file: Option<PathBuf>,
    /// Why the configuration file could not be used.
    pub(crate) configuration_error: Option<String>,
    /// Seconds since it started.
    pub(crate) started_seconds: Option<f64>,
}

/// Reads the section; never waits for anything.
pub(crate) fn probe(host: &Host, setting: &Setting) -> Section<section::Agent> {
    let user = host.user();
    let recorded_from = host.recorded_from().map(str::to_string);
    let reading = AgentReading {
        version: Ok(env!("CARGO_PKG_VERSION").to_string()),
        user: user.clone().map(|user| user.name),
        root: user.map(|user| user.id == 0),
        state_directory: not_implemented(),
        configuration_file: not_implemented(),
        configuration_error: not_implemented(),
        helper: Ok(helper(host)),
        helper_detail: match host.helper() {
            Ok(_) => Err(Unknown::absent("it answers")),
            Err(unknown) => Ok(unknown.message),
        },
        recorded_from: recorded_from.ok_or_else(|| Unknown::not_applicable("a live machine")),
        started_seconds: not_implemented(),
        event_sources: Err(Unknown::not_applicable("only a running agent watches, and no recorded host")),
    };
    let mut section = Section::read("the agent itself", reading.into());
    complete(&mut section, setting);
    section
}

/// Puts what only the main process knows into a section that a child has read.
pub(crate) fn complete(section: &mut Section<section::Agent>, setting: &Setting) {
    let Some(facts) = &mut section.facts else { return };
    let path = |path: Option<&PathBuf>, without: &str| -> Reading<String> {
        path.map(|path| path.display().to_string()).ok_or_else(|| Unknown::absent(without))
    };
    let directory = path(setting.state_directory.as_ref(), "nothing is kept by this command");
    let file = path(setting.configuration_file.as_ref(), "no configuration file");
    let error = setting.configuration_error.clone().ok_or_else(|| Unknown::absent("no error"));
    let started = setting.started_seconds.map_or_else(not_implemented, Ok);
    put(&mut facts.unknown, "stateDirectory", &mut facts.state_directory, directory);
    put(&mut facts.unknown, "configurationFile", &mut facts.configuration_file, file);
    put(&mut facts.unknown, "configurationError", &mut facts.configuration_error, error);
    put(&mut facts.unknown, "startedSeconds", &mut facts.started_seconds, started);
}

/// Puts in how the kernel's event sources are, which the session knows.
pub(crate) fn watched(section: &mut Section<section::Agent>, sources: Vec<EventSource>) {
    let Some(facts) = &mut section.facts else { return };
    put(&mut facts.unknown, "eventSources", &mut facts.event_sources, Ok(sources));
}

fn helper(host: &Host) -> HelperState {
    match (host.helper(), host.recorded_from()) {
        (Ok(_), Some(_)) => HelperState::Recorded,
        (Ok(_), None) => HelperState::Present,
        (Err(_), _) => HelperState::Missing,
    }
}

#[cfg(test)]
mod tests {
    use coord_model::Facts;

    use super::*;

    #[test]
    fn what_the_main_process_knows_replaces_what_the_child_said() {
        let mut section = probe(&Host::here(), &Setting::default());
        assert!(section.facts.as_ref().unwrap().unexplained().is_empty());
        let error = Some("unknown key `nmae`".to_string());
        complete(
            &mut section,
            &Setting { configuration_error: error.clone(), started_seconds: Some(5.0), ..Setting::default() },
        );
        let facts = section.facts.unwrap();
        assert_eq!((facts.configuration_error.clone(), facts.started_seconds), (error, Some(5.0)));
        assert!(!facts.unknown.contains_key("configurationError"));
        assert!(facts.unexplained().is_empty());
    }
}
