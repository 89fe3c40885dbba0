//! The verb `gpu`: what root and the owning group may do with a node, tried in children, and what its driver can.

use std::error::Error;

use crate::host::{GpuAnswers, GpuRequest};

/// Answers the request, or says why it is refused.
pub(super) fn answer(_request: &GpuRequest) -> Result<GpuAnswers, String> {
    Err("not built yet".to_string())
}

/// The child: `coord-helper try …`.
pub(super) fn try_node(_arguments: &[String]) -> Result<(), Box<dyn Error>> {
    Err("coord-helper try is for coord-helper itself".into())
}
