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

mod answers;
mod personal;
mod redact;
#[cfg(test)]
mod tests;
mod write;

/// Records this machine into `folder`; says what to do next.
pub(crate) fn record(folder: &Path, root: Option<&Path>) -> Result<String, Box<dyn Error>> {
    if root.is_some() {
        return Err("a recorded host cannot be recorded again\nhint: copy its folder".into());
    }
    if folder.join("root").exists() || folder.join("answers.json").exists() {
        return Err(format!("{} holds a recorded host already\nhint: name another folder", folder.display()).into());
    }
    let (mut taped, _) = tape(Briefing::default());
    // Asked in children with deadlines, since a mount can hang for ever.
    for (device, answer) in prober::spaces_blocking()? {
        let reading = match answer {
            SpaceAnswer::Answered { space, .. } => space,
            SpaceAnswer::Late { message, .. } => {
                Err(coord_model::Unknown::new(coord_model::ValueState::Timeout, message))
            }
            SpaceAnswer::Leaked => Err(coord_model::Unknown::new(coord_model::ValueState::Timeout, "no answer")),
        };
        let rows = table::read(&Host::live(Briefing::default().line())).unwrap_or_default();
        if let Some(job) = jobs(&rows, &[]).into_iter().find(|job| job.device_number == device) {
            taped.answers.space.insert(job.path, Answer::from(reading));
        }
    }
    put(folder, taped)?;
    Ok(format!("{0} holds this machine; read it with: coord-agent check --root {0}\n", folder.display()))
}

/// Writes it down with personal data replaced; what stands for what.
fn put(folder: &Path, mut taped: Taped) -> std::io::Result<Redactor> {
    let mut redactor = Redactor::new(personal::known(&taped));
    let host_name = personal::host_name(&taped);
    answers::replace(&mut taped.answers, host_name.as_deref());
    write::write(folder, &taped, &mut redactor)?;
    Ok(redactor)
}

/// Runs every probe with a tape; the sections are what was read meanwhile.
fn tape(mut briefing: Briefing) -> (Taped, Vec<AnySection>) {
    let tape = Arc::new(Tape::with_helper(briefing.line()));
    let host = Host::taped(Arc::clone(&tape));
    let kinds = SectionKind::ALL.iter();
    let sections = kinds.filter_map(|kind| probe::probe(&host, *kind, &mut briefing)).collect();
    (tape.taped(), sections)
}
