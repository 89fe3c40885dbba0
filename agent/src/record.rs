//! `coord-agent record`: writes down what the probes read here, with personal data replaced, so that another machine
//! reads the same.

use std::{error::Error, path::Path, sync::Arc};

use coord_model::{AnySection, SectionKind};

use self::redact::Redactor;
use crate::{
    host::{Answer, Host, Tape, Taped},
    probe::{
        self, Briefing,
        mounts::table,
        space::{SpaceAnswer, jobs},
    },
    prober,
};

mod personal;
mod redact;
mod write;

/// Records this machine into `folder`; says what to do next.
pub(crate) fn record(folder: &Path, root: Option<&Path>) -> Result<String, Box<dyn Error>> {
    if root.is_some() {
        return Err("a recorded host cannot be recorded again\nhint: copy its folder".into());
    }
    if folder.join("root").exists() || folder.join("answers.json").exists() {
        return Err(format!("{} holds a recorded host already\nhint: name another folder", folder.display()).into());
    }
    let (mut taped, _) = tape();
    // Asked in children with deadlines, since a mount can hang for ever.
    for (device, answer) in prober::spaces_blocking()? {
        let reading = match answer {
            SpaceAnswer::Answered(reading) => reading,
            SpaceAnswer::Leaked => Err(coord_model::Unknown::new(coord_model::ValueState::Timeout, "no answer")),
        };
        let rows = table::read(&Host::live(Briefing::default().line())).unwrap_or_default();
        if let Some(job) = jobs(&rows).into_iter().find(|job| job.device_number == device) {
            taped.answers.space.insert(job.path, Answer::from(reading));
        }
    }
    let mut redactor = Redactor::new(personal::known(&taped));
    write::write(folder, &taped, &mut redactor)?;
    Ok(format!("{0} holds this machine; read it with: coord-agent check --root {0}\n", folder.display()))
}

/// Runs every probe with a tape; the sections are what was read meanwhile.
fn tape() -> (Taped, Vec<AnySection>) {
    let mut briefing = Briefing::default();
    let tape = Arc::new(Tape::with_helper(briefing.line()));
    let host = Host::taped(Arc::clone(&tape));
    let kinds = SectionKind::ALL.iter();
    let sections = kinds.filter_map(|kind| probe::probe(&host, *kind, &mut briefing)).collect();
    (tape.taped(), sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The section as JSON, settled and with the same replacements.
    fn settled(section: &AnySection, redactor: &mut Redactor) -> serde_json::Value {
        redactor.value(serde_json::to_value(section.settled()).unwrap())
    }

    #[test]
    fn a_replayed_machine_reports_what_the_live_one_did() {
        let (taped, live) = tape();
        let mut redactor = Redactor::new(personal::known(&taped));
        let folder = tempfile::tempdir().unwrap();
        write::write(folder.path(), &taped, &mut redactor).unwrap();
        let host = Host::recorded(folder.path()).unwrap();
        for section in live.iter().filter(|section| section.kind() != SectionKind::Agent) {
            let replayed = probe::probe(&host, section.kind(), &mut Briefing::default()).unwrap();
            let (one, other) = (settled(section, &mut redactor), serde_json::to_value(replayed.settled()).unwrap());
            assert_eq!(one, other, "{} differs", section.kind());
        }
    }

    #[test]
    fn a_folder_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("root")).unwrap();
        let error = record(folder.path(), None).unwrap_err().to_string();
        assert!(error.contains("already") && error.contains("hint:"), "{error}");
    }
}
