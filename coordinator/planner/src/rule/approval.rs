//! A node that came back changed waits for a person.

use alloc::format;

use coord_model::{Code, Problem, Wait};

use crate::{NodeObserved, Standing};

/// `node-pending`, for a node that waits.
pub(crate) fn problem(node: &NodeObserved) -> Option<Problem> {
    let reason = reason(node)?;
    let problem = Problem::new(Code::NodePending, &node.name, format!("it waits for approval: it {reason}"));
    Some(problem.hint(format!("coordctl node approve {}", node.name)))
}

/// The same as a wait.
pub(crate) fn wait(node: &NodeObserved) -> Option<Wait> {
    let reason = reason(node)?;
    Some(Wait {
        subject: format!("node/{}", node.name),
        reason: "approval".into(),
        message: format!("{} {reason}", node.name),
        hint: Some(format!("coordctl node approve {}", node.name)),
        until: None,
    })
}

fn reason(node: &NodeObserved) -> Option<&str> {
    match &node.standing {
        Standing::Pending { reason } => Some(reason),
        Standing::Member | Standing::Revoked => None,
    }
}
