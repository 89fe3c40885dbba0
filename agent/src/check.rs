//! `coord-agent check`: reads everything once, shows it with its problems, and says by its exit code how it is.

use std::{error::Error, path::Path, process::ExitCode};

use coord_model::{Problem, Report, Severity, diagnose};
use serde::Serialize;

use crate::{
    arguments::{Output, RunArguments},
    host::Host,
    probe::Setting,
    prober,
    settings::Settings,
    show,
};

/// A problem of severity error exists.
const UNHEALTHY: u8 = 3;

/// The report as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    report: &'a Report,
    problems: &'a [Problem],
}

/// Reads, shows, judges.
pub(crate) fn check(root: Option<&Path>, output: Output) -> Result<ExitCode, Box<dyn Error>> {
    // A recorded host that cannot be used is one error here and not eleven failed sections.
    let briefing = Settings::load(RunArguments::default()).briefing();
    Host::below(root, &briefing.line())?;
    let mut report = Report::default();
    for section in prober::read_all_blocking(root, Setting::default(), briefing)? {
        report.put(section);
    }
    let problems = diagnose::diagnose(&report);
    let text = match output {
        Output::Table => show::report(&report, &problems),
        Output::Json => json(&report, &problems)?,
    };
    show::text(&text)?;
    let unhealthy = problems.iter().any(|problem| problem.severity == Severity::Error);
    Ok(if unhealthy { ExitCode::from(UNHEALTHY) } else { ExitCode::SUCCESS })
}

fn json(report: &Report, problems: &[Problem]) -> serde_json::Result<String> {
    let document = Document { api_version: "coord.homelab/v1", kind: "Report", report, problems };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}
