//! Known risks: a problem that somebody accepted stays listed and makes nothing unhealthy, until it gets worse or the
//! time is over.

use alloc::string::ToString;

use coord_model::{AcceptedView, Code, Problem, Severity, Wall};

use crate::{Accepted, Decisions};

/// Whether a problem of this kind may be accepted at all. What says that the cluster has lost its quorum, or is about
/// to, may not: nobody can live with it.
#[must_use]
pub const fn may_be_accepted(code: Code) -> bool {
    !matches!(code, Code::EtcdNoLeader)
}

/// The problem with who accepted it, if somebody did. Its subject is as the fleet says it: a node's name, or what a
/// problem of the whole fleet is about.
#[must_use]
pub fn accepted(problem: Problem, decisions: &Decisions, now: Wall) -> Problem {
    let found = decisions.accepted.iter().find(|risk| covers(risk, &problem, now));
    let view = found.map(|risk| AcceptedView {
        by: risk.by.to_string(),
        until: risk.until.rfc3339(),
        reason: risk.reason.to_string(),
    });
    Problem { accepted: view, ..problem }
}

fn covers(risk: &Accepted, problem: &Problem, now: Wall) -> bool {
    let same = risk.code == problem.code && risk.subject == problem.subject;
    same && risk.until > now && may_be_accepted(risk.code) && !worse(problem.severity, risk.severity)
}

/// The worse severity comes first in its list.
fn worse(now: Severity, then: Severity) -> bool {
    now < then
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const NOW: Wall = Wall(1_800_000_000_000);

    fn decisions(code: Code, severity: Severity) -> Decisions {
        let risk = Accepted {
            code,
            subject: "k3s-w3".into(),
            severity,
            until: Wall(NOW.0 + 1000),
            reason: "a new board comes on Friday".into(),
            by: "ada".into(),
        };
        Decisions { accepted: vec![risk], ..Decisions::default() }
    }

    fn problem(severity: Severity) -> Problem {
        Problem { severity, ..Problem::new(Code::NodeSilent, "k3s-w3", "not heard") }
    }

    #[test]
    fn it_holds_until_it_gets_worse_or_the_time_is_over() {
        let known = decisions(Code::NodeSilent, Severity::Warning);
        let taken = accepted(problem(Severity::Warning), &known, NOW);
        assert!(!taken.degrades() && taken.is_listed());
        assert_eq!(taken.accepted.map(|view| view.until).as_deref(), Some("2027-01-15T08:00:01Z"));
        assert!(!accepted(problem(Severity::Info), &known, NOW).degrades());
        assert!(accepted(problem(Severity::Error), &known, NOW).degrades(), "it got worse");
        assert!(accepted(problem(Severity::Warning), &known, Wall(NOW.0 + 1000)).degrades(), "the time is over");
    }

    #[test]
    fn it_is_about_one_kind_and_one_subject() {
        let known = decisions(Code::NodeSilent, Severity::Error);
        let other = Problem { subject: "k3s-w1".into(), ..problem(Severity::Warning) };
        assert!(accepted(other, &known, NOW).accepted.is_none());
        let lost = Problem::new(Code::NodeLost, "k3s-w3", "not heard");
        assert!(accepted(lost, &known, NOW).accepted.is_none());
    }

    #[test]
    fn a_lost_quorum_is_never_accepted() {
        let known = decisions(Code::EtcdNoLeader, Severity::Error);
        let lost = Problem::new(Code::EtcdNoLeader, "k3s-w3", "no leader");
        assert!(accepted(lost, &known, NOW).accepted.is_none());
    }
}
