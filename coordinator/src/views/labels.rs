//! Labels and taints that Coord keeps on Nodes, from the last plan.

use coord_model::{KeptKind, LabelRow};
use coord_planner::Kept;
use tonic::Status;

use super::{is_known, no_such_node};
use crate::{planned::Planned, state::State};

/// All, or those of one node.
pub(super) fn rows(state: &State, node: &str) -> Result<Vec<LabelRow>, Status> {
    let rows = of_node(&state.planned(), node);
    if rows.is_empty() && !node.is_empty() && !is_known(state, node) { Err(no_such_node(node)) } else { Ok(rows) }
}

/// Those of one node; all when it is empty.
pub(super) fn of_node(planned: &Planned, node: &str) -> Vec<LabelRow> {
    let kept = planned.plan.kept.iter().filter(|kept| node.is_empty() || *kept.node == *node);
    kept.map(row).collect()
}

fn row(kept: &Kept) -> LabelRow {
    LabelRow {
        node: kept.node.to_string(),
        key: kept.key.to_string(),
        kind: if kept.taint { KeptKind::Taint } else { KeptKind::Label },
        wanted: kept.wanted.as_deref().map(str::to_owned),
        live: kept.live.as_deref().map(str::to_owned),
        cause: kept.cause.to_string(),
        state: kept.state.to_owned(),
    }
}
