//! To whom the largest packet is measured: the coordinator, and only when it asks.

use coord_model::{Measure, Reading, Unknown};

use crate::probe::Briefing;

/// `ADDRESS:PORT` of the coordinator, where this reading is to measure.
pub(super) fn target(briefing: &Briefing) -> Reading<String> {
    if !briefing.measures.contains(&Measure::PathMtu) {
        return Err(Unknown::not_applicable("measured on demand only"));
    }
    briefing.coordinator.clone().ok_or_else(|| Unknown::absent("there is no session with a coordinator"))
}

#[cfg(test)]
mod tests {
    use coord_model::ValueState;

    use super::*;

    #[test]
    fn nothing_is_measured_unasked_or_to_nobody() {
        let mut briefing = Briefing { coordinator: Some("192.168.1.10:7443".to_string()), ..Briefing::default() };
        assert_eq!(target(&briefing).unwrap_err().state, ValueState::NotApplicable);
        briefing.measures = vec![Measure::GpuBusy, Measure::PathMtu];
        assert_eq!(target(&briefing), Ok("192.168.1.10:7443".to_string()));
        briefing.coordinator = None;
        assert_eq!(target(&briefing).unwrap_err().state, ValueState::Absent);
    }
}
