//! Agents of another version than the coordinator: one minor apart works, more does not.

use alloc::format;
use core::cmp::Ordering;

use coord_model::{Code, Problem, Severity};

use crate::NodeObserved;

/// The version of this coordinator: every crate has the same one.
const OWN: &str = env!("CARGO_PKG_VERSION");

/// `agent-behind`.
pub(crate) fn behind(node: &NodeObserved) -> Option<Problem> {
    compared(node, OWN)
}

fn compared(node: &NodeObserved, own: &str) -> Option<Problem> {
    let (agent, coordinator) = (minor(&node.agent_version)?, minor(own)?);
    let near = agent.0 == coordinator.0 && agent.1.abs_diff(coordinator.1) <= 1;
    let (word, hint) = match agent.cmp(&coordinator) {
        Ordering::Equal => return None,
        // Agents that were upgraded first work, and nobody is asked to do anything.
        Ordering::Greater if near => return None,
        Ordering::Greater => ("newer", "upgrade the coordinator"),
        Ordering::Less => ("older", "upgrade its agent"),
    };
    let message = format!("its agent {} is {word} than the coordinator {own}", node.agent_version);
    let severity = if near { Severity::Info } else { Severity::Warning };
    Some(Problem { severity, ..Problem::new(Code::AgentBehind, &node.name, message).hint(hint) })
}

/// Major and minor of `1.2.3` and `1.2.3-rc1`; none of what is no version.
fn minor(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.split(['.', '-', '+']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn told(agent: &str, own: &str) -> Option<(Severity, alloc::string::String)> {
        let node = NodeObserved { agent_version: agent.to_string(), ..NodeObserved::default() };
        compared(&node, own).map(|problem| (problem.severity, problem.message))
    }

    #[test]
    fn one_minor_apart_works_and_more_is_a_warning() {
        for (agent, own, severity) in [
            ("0.1.9", "0.2.0", Some(Severity::Info)),
            ("0.9.0", "0.10.0", Some(Severity::Info)),
            ("0.1.0", "0.3.0", Some(Severity::Warning)),
            ("0.9.0", "1.0.0", Some(Severity::Warning)),
            ("0.4.0", "0.2.0", Some(Severity::Warning)),
            ("0.3.0", "0.2.0", None),
            ("0.2.0", "0.2.7", None),
            ("0.2.0-rc1", "0.2.0", None),
            ("", "0.2.0", None),
            ("nonsense", "0.2.0", None),
        ] {
            assert_eq!(told(agent, own).map(|(severity, _)| severity), severity, "{agent} and {own}");
        }
    }

    #[test]
    fn it_names_both_versions() {
        let (_, message) = told("0.1.9", "0.2.0").unwrap();
        assert_eq!(message, "its agent 0.1.9 is older than the coordinator 0.2.0");
    }
}
