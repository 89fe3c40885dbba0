//! Problems of containers that the cluster file declares.

use alloc::{format, vec::Vec};

use crate::{Code, Problem, Report, ValueState, section::DockerContainer};

/// Every declared container that is not there, does not run, or fails its health check.
pub(super) fn containers(report: &Report, problems: &mut Vec<Problem>) {
    let Some(docker) = report.docker.as_ref().and_then(|section| section.facts.as_ref()) else { return };
    problems.extend(docker.containers.iter().flatten().filter_map(one));
}

fn one(container: &DockerContainer) -> Option<Problem> {
    let name = container.name.as_deref()?;
    let message = match (container.state.as_deref(), container.health.as_deref()) {
        (Some("running"), Some("unhealthy")) => format!("container {name} runs and fails its health check"),
        (Some("running"), _) => return None,
        (Some(state), _) => format!("container {name} does not run: it is {state}"),
        (None, _) if absent(container) => format!("there is no container {name}"),
        (None, _) => return None,
    };
    Some(Problem::new(Code::ContainerUnhealthy, "", message).hint(format!("docker logs --tail 50 {name}")))
}

fn absent(container: &DockerContainer) -> bool {
    container.unknown.get("state").is_some_and(|unknown| unknown.state == ValueState::Absent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Unknown, Unknowns};

    fn said(state: Option<&str>, health: Option<&str>, unknown: Option<Unknown>) -> Option<alloc::string::String> {
        let unknown: Unknowns = unknown.into_iter().map(|reason| ("state".into(), reason)).collect();
        let container = DockerContainer {
            name: Some("worker".into()),
            image: None,
            state: state.map(Into::into),
            health: health.map(Into::into),
            unknown,
        };
        one(&container).map(|problem| problem.message)
    }

    #[test]
    fn what_runs_and_is_not_unhealthy_is_no_problem() {
        assert_eq!(said(Some("running"), Some("healthy"), None), None);
        assert_eq!(said(Some("running"), None, None), None);
        assert!(said(Some("running"), Some("unhealthy"), None).unwrap().contains("health check"));
        assert!(said(Some("exited"), None, None).unwrap().contains("exited"));
    }

    #[test]
    fn what_nobody_could_ask_is_not_missing() {
        assert!(said(None, None, Some(Unknown::absent("none"))).unwrap().starts_with("there is no container"));
        assert_eq!(said(None, None, Some(Unknown::denied("no"))), None);
        assert_eq!(said(None, None, None), None);
    }
}
