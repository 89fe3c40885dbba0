//! fdatasync of the file system below k3s' data, measured only when the coordinator asks for it.

use std::time::{Duration, Instant};

use coord_model::{Measure, Reading, Unknown};

use crate::{
    host::{Host, SyncLatency},
    probe::Briefing,
};

/// For everything that this section does; its child is killed one second later.
const LIMIT: Duration = Duration::from_secs(4);

/// The figure, or that nobody asked for it.
pub(super) fn latency(host: &Host, briefing: &Briefing, began: Instant) -> Reading<SyncLatency> {
    if !briefing.measures.contains(&Measure::DiskLatency) {
        return Err(Unknown::not_applicable("only measured when asked for"));
    }
    let time = LIMIT.saturating_sub(began.elapsed());
    host.sync_latency(briefing.state_directory.as_deref(), time)
}

#[cfg(test)]
mod tests {
    use coord_model::ValueState;

    use super::*;

    #[test]
    fn only_who_asks_gets_a_measurement() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("root")).unwrap();
        let answers = r#"{"schema": 1, "syncLatency": {"path": "/var/lib/coord-agent", "seconds": 0.004}}"#;
        std::fs::write(folder.path().join("answers.json"), answers).unwrap();
        let host = Host::recorded(folder.path()).unwrap();
        let mut briefing = Briefing::default();
        assert_eq!(latency(&host, &briefing, Instant::now()).unwrap_err().state, ValueState::NotApplicable);
        briefing.measures.push(Measure::DiskLatency);
        assert_eq!(latency(&host, &briefing, Instant::now()).unwrap().path, "/var/lib/coord-agent");
    }

    #[test]
    fn a_measurement_on_this_machine_has_a_figure_or_the_line_for_root() {
        let state = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let state_directory = Some(state.path().to_path_buf());
        let briefing = Briefing { measures: vec![Measure::DiskLatency], state_directory, ..Briefing::default() };
        // Most of the time of the section is over already.
        let began = Instant::now().checked_sub(LIMIT - Duration::from_millis(100)).unwrap();
        match latency(&Host::here(), &briefing, began) {
            Ok(found) => assert!(found.seconds > 0.0 && found.path == state.path().to_str().unwrap(), "{found:?}"),
            // k3s' data would lie on another disk than this folder.
            Err(reason) => assert!(reason.message.ends_with("--disk-latency /var/lib/rancher"), "{}", reason.message),
        }
        assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
    }
}
