//! How long a node was not heard. After the coordinator's start nobody is judged for one full term.

use alloc::format;
use core::time::Duration;

use coord_model::{Code, Problem, Severity};

use crate::{NodeObserved, Observed, span};

/// Whether a node gives signs of life. The durations are since the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It does.
    Heard,
    /// Some heartbeats were missed.
    Silent(Duration),
    /// Silent for so long that it counts as away.
    Lost(Duration),
    /// Not since the coordinator's start, which is less than a term ago.
    NotYetHeard,
    /// Not since the coordinator's start, so long ago.
    NeverHeard(Duration),
}

pub(crate) fn presence(node: &NodeObserved, observed: &Observed) -> Presence {
    let now = observed.now.boot;
    let Some(heard) = node.last_heard else {
        let up = now.since(observed.coordinator.started);
        return if up < observed.pace.lost_after { Presence::NotYetHeard } else { Presence::NeverHeard(up) };
    };
    let age = now.since(heard);
    let patience = node.heartbeat.saturating_mul(observed.pace.silent_after);
    if age >= observed.pace.lost_after {
        Presence::Lost(age)
    } else if age >= patience {
        Presence::Silent(age)
    } else {
        Presence::Heard
    }
}

/// `node-silent` or `node-lost`; only information for a node for which being away is normal, and nothing about one
/// that is not known yet.
pub(crate) fn problem(node: &NodeObserved, presence: Presence, observed: &Observed) -> Option<Problem> {
    let (code, message) = match presence {
        Presence::Heard | Presence::NotYetHeard => return None,
        Presence::Silent(age) => {
            let missed = observed.pace.silent_after;
            (Code::NodeSilent, format!("not heard for {}, more than {missed} heartbeats", span(age)))
        }
        Presence::Lost(age) => (Code::NodeLost, format!("not heard for {}", span(age))),
        Presence::NeverHeard(up) => {
            (Code::NodeLost, format!("not heard since the coordinator started {} ago", span(up)))
        }
    };
    let problem = Problem::new(code, &node.name, message).hint("on it, run: systemctl status coord-agent");
    let severity = if node.sometimes { Severity::Info } else { problem.severity };
    Some(Problem { severity, ..problem })
}
