//! What the cluster file declares, with every default filled in.

use std::sync::Arc;

use coord_model::API_VERSION;
use coord_planner::{ClusterFile, Desired};
use coord_proto::refused::Refused;
use serde::Serialize;
use tonic::{Code, Status};

use crate::state::State;

/// The document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClusterInForce {
    api_version: &'static str,
    kind: &'static str,
    /// `in-force`, `in-force-disputed` where file and resource differ, or that the file was refused or is gone and an older version counts.
    standing: &'static str,
    /// What is declared.
    declared: Shared,
}

/// Serde writes what is shared only with a feature of its own.
struct Shared(Arc<Desired>);

impl Serialize for Shared {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

/// What is in force.
pub(super) fn cluster(state: &State) -> Result<ClusterInForce, Status> {
    let standing = match state.declared.standing() {
        ClusterFile::None | ClusterFile::InForce => "in-force",
        ClusterFile::Disputed => "in-force-disputed",
        ClusterFile::Invalid(_) => "refused-older-in-force",
        ClusterFile::Gone => "gone-last-in-force",
    };
    let declared = state.declared.desired().ok_or_else(|| {
        Refused::new("no cluster file is in force")
            .hint(format!(
                "write {}, and check it with: coordctl cluster validate FILE",
                state.settings.cluster.display()
            ))
            .into_status(Code::NotFound)
    })?;
    Ok(ClusterInForce { api_version: API_VERSION, kind: "ClusterInForce", standing, declared: Shared(declared) })
}
