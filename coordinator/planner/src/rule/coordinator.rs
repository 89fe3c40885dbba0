//! What the coordinator must say about itself.

use alloc::{format, vec::Vec};

use coord_model::{Code, Problem, Wait};

use crate::{CoordinatorObserved, Observed};

const SUBJECT: &str = "coordinator";

/// `clock-not-trusted`, `store-full` and `events-lost`.
pub(crate) fn problems(coordinator: &CoordinatorObserved) -> Vec<Problem> {
    let clock = coordinator.clock_distrust.as_ref().map(|reason| {
        let message = format!("{reason}; no certificates and no tokens are issued");
        Problem::new(Code::ClockNotTrusted, SUBJECT, message).hint("if the clock is right now: coordctl clock accept")
    });
    let store = (!coordinator.store_writable).then(|| {
        let message = "its store cannot be written; enrolment and commands are refused";
        Problem::new(Code::StoreFull, SUBJECT, message).hint("make room on the file system of its data folder")
    });
    let lost = (coordinator.events_lost > 0).then(|| {
        let message = format!("{} events could not be written and are lost", coordinator.events_lost);
        Problem::new(Code::EventsLost, SUBJECT, message)
    });
    clock.into_iter().chain(store).chain(lost).collect()
}

/// What waits until the clock is right.
pub(crate) fn wait(observed: &Observed) -> Option<Wait> {
    let reason = observed.coordinator.clock_distrust.as_ref()?;
    Some(Wait {
        subject: SUBJECT.into(),
        reason: "clock".into(),
        message: format!("certificates and tokens: {reason}"),
        hint: Some("coordctl clock accept".into()),
        until: None,
    })
}
